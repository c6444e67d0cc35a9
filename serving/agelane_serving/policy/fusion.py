"""From several frames of one customer to one answer."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from operator import attrgetter

from agelane_serving.policy.card import Card
from agelane_serving.policy.decision import Decision, Reason, Verdict, decide, verify_id
from agelane_serving.policy.distribution import AgeDistribution
from agelane_serving.policy.face import Faces
from agelane_serving.policy.rules import Rule

MOST_FRAMES = 8
"""Frames that are fused at most: a ninth would narrow the interval by a third of a per cent."""
_CORRELATION = 0.7
"""Of the errors of two frames of a customer. Assumed, not measured: no data set with several photos
of one person at a time is at hand."""
_LEAST_PROBABILITY = 1e-6
"""Smaller ones count as this: a zero would let one frame overrule all others."""
_COVERAGE = 0.99
"""Of the central intervals that must overlap, or the frames show two people."""
_FULL_SIDE_PIXELS = 112.0
"""Side of the crop that the network sees: a larger face shows it nothing more."""
_FULL_SHARPNESS = 0.001
"""Most training photos are as sharp. More is no better: noise and wrinkles are sharp too."""


@dataclass(frozen=True, slots=True)
class Frame:
    """What a model said about one photo of the customer."""

    distribution: AgeDistribution
    """The age that it answered."""
    faces: Faces | None
    """What it found; None: it does not look for faces."""

    @property
    def quality(self) -> float:
        """How well the photo shows one face, 0 … 1, higher is better; NaN counts as 0.

        The age that was answered has no say: whoever picks the frame by its age picks the luckiest
        of several tries, and the certificate is about one try.
        """
        if self.faces is None or self.faces.count < 1:
            return 0.0
        size = _share(min(self.faces.sides_pixels), _FULL_SIDE_PIXELS)
        sharpness = _share(self.faces.sharpness, _FULL_SHARPNESS)
        # Of several faces each may be the customer's.
        return _share(self.faces.score, 1.0) * size * sharpness / self.faces.count

    def passes(self, card: Card) -> bool:
        """Tell whether it shows one face, and one that the card's gates let pass."""
        faces, gates = self.faces, card.face_gates
        return bool(faces and gates and faces.count == 1 and gates.passed_by(faces))


@dataclass(frozen=True, slots=True)
class FusedCustomer:
    """The answer from all frames of a customer so far."""

    verdict: Verdict
    """What the cashier may do, and why; before the random audit."""
    distribution: AgeDistribution
    """How old the customer is, by the frames used."""
    best: Frame
    """The frame of the best quality."""
    frames_used: int
    """How many frames the distribution is made of, 1 … MOST_FRAMES."""

    @property
    def is_settled(self) -> bool:
        """Whether more frames would hardly change the verdict, so that none need be looked at."""
        sure = self.verdict.decision is not Decision.VERIFY_ID and self.frames_used > 1
        contradictory = Reason.FRAMES_DISAGREE in self.verdict.reasons
        return sure or contradictory or self.frames_used >= MOST_FRAMES


def fuse_customer(rule: Rule, card: Card, frames: Sequence[Frame]) -> FusedCustomer:
    """Decide about one customer from all the frames so far; from one frame, as `decide` does.

    Frames that don't show one good face are left out, unless there is no other: then the best of
    them is the answer. Frames that contradict one another are not fused either.

    A certificate is about the probability from one photo, not about a product of several. So fusing
    clears nobody: ALLOW needs the best frame alone and all frames fused, and so does REFUSE. More
    frames help by a better photo, a narrower interval and the contradictions among them.

    Args:
        rule: for the goods about to be sold.
        card: of the very version that answered about all the frames.
        frames: at least one, oldest first; of equally good ones the older count.

    Raises:
        ValueError: there is no frame.
    """
    if not frames:
        raise ValueError("no frame to decide by")
    if len(frames) == 1:  # as nearly always
        (only,) = frames
        return FusedCustomer(
            decide(rule, card, only.distribution, only.faces), only.distribution, only, 1
        )
    best_first = sorted(frames, key=attrgetter("quality"), reverse=True)
    good = [frame for frame in best_first if frame.passes(card)]
    chosen = good[:MOST_FRAMES] or best_first[:1]
    best = chosen[0]
    # All good frames and not the chosen alone: better photos must not push a contradiction out.
    if disagree([frame.distribution for frame in good]):
        return FusedCustomer(verify_id(Reason.FRAMES_DISAGREE), best.distribution, best, 1)
    fused = fuse([frame.distribution for frame in chosen])
    alone = decide(rule, card, best.distribution, best.faces)
    together = decide(rule, card, fused, best.faces)
    return FusedCustomer(_agreed(alone, together), fused, best, len(chosen))


def fuse(distributions: Sequence[AgeDistribution]) -> AgeDistribution:
    """Return the logarithmic pool of one or more answers about one person; one comes back as it is.

    It is their product to the power of 1 / (1 + (n - 1) * _CORRELATION): n answers that err alike
    are worth fewer independent ones. Equal answers grow narrower: about their median where they are
    symmetric with one peak, else a little towards the highest.
    """
    if len(distributions) == 1:
        return distributions[0]
    exponent = 1 / (1 + (len(distributions) - 1) * _CORRELATION)
    logarithms = [
        exponent * math.fsum(math.log(max(p, _LEAST_PROBABILITY)) for p in same_age)
        for same_age in zip(*(each.probabilities for each in distributions), strict=True)
    ]
    highest = max(logarithms)
    weights = [math.exp(logarithm - highest) for logarithm in logarithms]
    total = math.fsum(weights)
    return AgeDistribution(tuple(weight / total for weight in weights))


def disagree(distributions: Sequence[AgeDistribution]) -> bool:
    """Tell whether two of the answers leave no age that both think possible."""
    intervals = [each.interval_years(_COVERAGE) for each in distributions]
    highest_low = max((low for low, _ in intervals), default=0.0)
    return any(high < highest_low for _, high in intervals)


def _agreed(alone: Verdict, together: Verdict) -> Verdict:
    """Return what the best frame and all frames both say, or else the doubt of one of them."""
    if alone.decision is together.decision:
        return together  # its reason fits the probability that the till is told
    doubts = [each for each in (alone, together) if each.decision is Decision.VERIFY_ID]
    return doubts[0] if doubts else verify_id(Reason.FRAMES_DISAGREE)


def _share(value: float, full: float) -> float:
    return min(value / full, 1.0) if value > 0 else 0.0
