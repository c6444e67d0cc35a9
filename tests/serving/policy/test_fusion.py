"""What several frames of one customer say together, and what they must not."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from agelane_serving.policy import (
    AgeDistribution,
    Card,
    Certificate,
    Decision,
    Faces,
    Reason,
    Rule,
    Verdict,
    decide,
    verify_id,
)
from agelane_serving.policy.fusion import (
    MOST_FRAMES,
    Frame,
    FusedCustomer,
    disagree,
    fuse,
    fuse_customer,
)
from tests.serving.policy.distributions import AGES, certain, distributions, normalised
from tests.serving.policy.faces import FACE, GATES, any_faces

CARD = Card((Certificate(18, 0.02, 0.01, 0.95),), GATES)
RULE = Rule(18, allow_refuse=True)
_STRICTNESS = {Decision.ALLOW: 0, Decision.VERIFY_ID: 1, Decision.REFUSE: 2}
POOR = replace(FACE, brightness=0.01)
NOBODY = replace(FACE, count=0, score=0.0)
CROWD = replace(FACE, count=3)


def bell(centre_years: float, width_years: float, everywhere: float = 0.0) -> AgeDistribution:
    """Return a bell curve upon a little probability for every age."""
    deviations = ((age - centre_years) / width_years for age in AGES)
    return normalised([math.exp(-(each**2) / 2) + everywhere for each in deviations])


def frame(distribution: AgeDistribution, score: float = 0.98) -> Frame:
    """Return a good frame; the higher the score, the better."""
    return Frame(distribution, replace(FACE, score=score))


def allowed(fused: FusedCustomer) -> bool:
    """Tell whether the goods may be sold."""
    return fused.verdict.decision is Decision.ALLOW


ages = st.integers(5, 60)
scores = st.sampled_from([0.8, 0.9, 0.95, 0.99])


def frames_at(age_years: int) -> st.SearchStrategy[Frame]:
    """Return what draws good frames of a customer of about this age."""
    centres = st.integers(age_years - 5, age_years + 5)
    widths = st.sampled_from([2, 3, 4, 6])
    return st.builds(frame, st.builds(bell, centres, widths, st.just(3e-4)), scores)


answers = st.integers(0, 100).map(certain) | distributions()
any_frames = st.builds(Frame, answers, st.none() | st.just(FACE) | any_faces)
customers = ages.flatmap(
    lambda age: st.lists(
        frames_at(age) | frames_at(age) | any_frames, min_size=1, max_size=MOST_FRAMES + 3
    )
)


@st.composite
def hills(draw: st.DrawFn) -> AgeDistribution:
    """Draw a distribution that falls from its middle to both sides alike."""
    middle = draw(st.integers(0, 100))
    reach = min(middle, 100 - middle)
    steps = draw(st.lists(st.integers(1, 1000), min_size=reach + 1, max_size=reach + 1))
    heights = sorted(map(float, steps), reverse=True)
    return normalised([heights[abs(a - middle)] if abs(a - middle) <= reach else 0.0 for a in AGES])


@st.composite
def older_customers(draw: st.DrawFn) -> tuple[list[Frame], list[Frame]]:
    """Draw good frames, and the same with each age weighted the more, the older it is."""
    younger = draw(st.lists(frames_at(draw(ages)), min_size=1, max_size=MOST_FRAMES))
    older = []
    for each in younger:
        steps = draw(st.tuples(st.integers(0, 100), st.integers(0, 100)))
        weights = [0.3 ** sum(age < step for step in steps) for age in AGES]
        shares = zip(each.distribution.probabilities, weights, strict=True)
        tilted = normalised([share * weight for share, weight in shares])
        older.append(replace(each, distribution=tilted))
    return younger, older


@given(st.lists(answers, min_size=1, max_size=MOST_FRAMES))
def test_what_comes_out_is_a_distribution(each: list[AgeDistribution]) -> None:
    """However sparse the answers are, and even where they have no age in common."""
    assert math.fsum(fuse(each).probabilities) == pytest.approx(1, abs=1e-12)


def test_one_answer_comes_back_as_it_is() -> None:
    """With its zeros, and with whatever it lacks to a sum of 1."""
    lacking = AgeDistribution((*[0.0] * 30, 0.9995, *[0.0] * 70))
    assert fuse([lacking]) is lacking


def test_bell_curves_meet_in_the_middle_and_narrow_as_alike_errors_do() -> None:
    """Of four with a correlation of 0.7, the mean has 0.775 of the variance of one."""
    fused = fuse([bell(years, 4) for years in (30, 32, 36, 38)])
    assert fused.median_years() == pytest.approx(34, abs=0.001)
    shares = enumerate(fused.probabilities)
    variance = math.fsum(share * (age - 34) ** 2 for age, share in shares)
    assert variance == pytest.approx(16 * (1 + 3 * 0.7) / 4, abs=0.02)


def test_a_zero_does_not_overrule_the_others() -> None:
    """Two who agree outweigh one who is certain of something else."""
    fused = fuse([certain(20), bell(40, 2), bell(40, 2)])
    assert fused.median_years() == pytest.approx(40, abs=0.5)


@given(hills(), st.integers(2, MOST_FRAMES))
def test_equal_answers_keep_their_median_and_never_widen(answer: AgeDistribution, n: int) -> None:
    """One that leans to a side moves towards its peak instead; see `fuse`."""
    fused = fuse([answer] * n)
    assert fused.median_years() == pytest.approx(answer.median_years(), abs=0.01)
    (low, high), (fused_low, fused_high) = (d.interval_years(0.9) for d in (answer, fused))
    assert fused_high - fused_low <= high - low + 0.05


@given(any_frames, st.sampled_from([CARD, Card()]), st.booleans())
def test_one_frame_is_decided_like_one_photo(frame: Frame, card: Card, allow_refuse: bool) -> None:
    """Whatever it shows."""
    rule = Rule(18, allow_refuse=allow_refuse)
    fused = fuse_customer(rule, card, [frame])
    assert fused.verdict == decide(rule, card, frame.distribution, frame.faces)
    assert (fused.distribution, fused.best) == (frame.distribution, frame)
    assert not fused.is_settled


@given(customers)
def test_fusing_alone_decides_nothing(frames: list[Frame]) -> None:
    """ALLOW and REFUSE take the best frame alone and all frames fused."""
    fused = fuse_customer(RULE, CARD, frames)
    best = fused.best
    alone = decide(RULE, CARD, best.distribution, best.faces).decision
    together = decide(RULE, CARD, fused.distribution, best.faces).decision
    for decision in (Decision.ALLOW, Decision.REFUSE):
        if fused.verdict.decision is decision:
            assert alone is together is decision


@given(customers, ages.flatmap(frames_at))
def test_a_worse_frame_never_clears_nor_condemns_anybody(
    frames: list[Frame], another: Frame
) -> None:
    """Whoever was not waved through by the best frame is not waved through by more of them."""
    best = fuse_customer(RULE, CARD, frames).best
    alone = decide(RULE, CARD, best.distribution, best.faces).decision
    fused = fuse_customer(RULE, CARD, [*frames, another])
    if fused.best is best:
        assert fused.verdict.decision in (alone, Decision.VERIFY_ID)


def test_the_sharpened_answer_of_doubtful_frames_stays_a_doubt() -> None:
    """Fused they would pass the threshold; each alone does not."""
    doubtful = bell(25.6, 4)
    fused = fuse_customer(RULE, CARD, [frame(doubtful)] * 4)
    assert decide(RULE, CARD, doubtful, FACE).decision is Decision.VERIFY_ID
    assert decide(RULE, CARD, fused.distribution, FACE).decision is Decision.ALLOW
    assert fused.verdict == verify_id(Reason.TOO_CLOSE_TO_LEGAL_AGE)


@pytest.mark.parametrize(
    ("best", "others", "reason"),
    [
        (30, 17, Reason.TOO_CLOSE_TO_LEGAL_AGE),
        (21, 13, Reason.LIKELY_UNDER_LEGAL_AGE),
        (16, 5, Reason.CLEARLY_UNDER_LEGAL_AGE),
    ],
)
def test_worse_frames_may_cast_doubt_on_the_best(best: int, others: int, reason: Reason) -> None:
    """Then the reason is that of the fused answer, which the till is told."""
    fused = fuse_customer(
        Rule(18), CARD, [frame(bell(best, 4)), *[frame(bell(others, 4), 0.8)] * 3]
    )
    assert fused.best.distribution == bell(best, 4)
    assert fused.verdict == verify_id(reason)


@given(st.permutations(range(MOST_FRAMES + 2)), st.lists(answers, min_size=10, max_size=10))
def test_the_order_of_frames_does_not_matter(
    order: list[int], shuffled: list[AgeDistribution]
) -> None:
    """As long as no two are of the same quality."""
    frames = [frame(each, 0.8 + place / 100) for place, each in enumerate(shuffled)]
    assert fuse_customer(RULE, CARD, [frames[place] for place in order]) == fuse_customer(
        RULE, CARD, frames
    )


@given(customers)
def test_never_too_many_frames_are_used(frames: list[Frame]) -> None:
    """Once the most are used the customer is settled."""
    fused = fuse_customer(RULE, CARD, frames)
    assert 1 <= fused.frames_used <= min(MOST_FRAMES, len(frames))
    assert fused.is_settled or fused.frames_used < MOST_FRAMES


def test_the_best_frames_are_used_and_of_equal_ones_the_older() -> None:
    """So that a lane that goes on sending changes nothing."""
    old = [frame(bell(25, 4))] * MOST_FRAMES
    assert fuse_customer(RULE, CARD, [*old, frame(bell(35, 4))]) == fuse_customer(RULE, CARD, old)
    better = fuse_customer(RULE, CARD, [*old, frame(bell(35, 4), 0.99)])
    assert better.best.distribution == bell(35, 4)
    assert better.distribution.median_years() > 26


@given(older_customers())
def test_an_older_customer_is_never_treated_more_strictly(
    pair: tuple[list[Frame], list[Frame]],
) -> None:
    """Older in that each age gained the more, the older it is; contradictions apart.

    For probability moved to higher ages in any way it is not true of a product: where one frame
    moves it away from the only age that the frames have in common, a younger one is left.
    """
    assume(not any(disagree([each.distribution for each in frames]) for frames in pair))
    before, after = (fuse_customer(RULE, CARD, frames).verdict for frames in pair)
    assert _STRICTNESS[after.decision] <= _STRICTNESS[before.decision]


def test_two_people_are_a_document_check() -> None:
    """And no average of them is told, but the age by the best frame."""
    adult, child = frame(bell(40, 3)), frame(bell(14, 2), 0.8)
    fused = fuse_customer(RULE, CARD, [child, adult, adult])
    assert fused.verdict == Verdict(Decision.VERIFY_ID, (Reason.FRAMES_DISAGREE,))
    assert (fused.distribution, fused.best, fused.frames_used) == (adult.distribution, adult, 1)
    assert fused.is_settled


def test_a_contradiction_is_not_pushed_out_by_better_frames() -> None:
    """It stays, however many good photos of somebody else follow."""
    child = frame(bell(14, 2), 0.8)
    fused = fuse_customer(RULE, CARD, [child, *[frame(bell(40, 3))] * 2 * MOST_FRAMES])
    assert fused.verdict == verify_id(Reason.FRAMES_DISAGREE)


def test_frames_that_lead_to_opposite_decisions_disagree() -> None:
    """Even where the best one leaves a chance to what the others are sure of."""
    best = normalised([0.01 if age == 10 else float(age == 40) for age in AGES])
    fused = fuse_customer(RULE, CARD, [frame(best), *[frame(certain(10), 0.8)] * 3])
    assert not disagree([best, certain(10)])
    assert fused.verdict == verify_id(Reason.FRAMES_DISAGREE)


@given(st.lists(st.sampled_from([10.0, 25.0, 26.0, 60.0]), max_size=5))
def test_answers_disagree_if_any_two_of_them_do(centres: list[float]) -> None:
    """None and one never do."""
    apart = any(abs(one - other) > 12 for one in centres for other in centres)
    assert disagree([bell(centre, 2.2) for centre in centres]) == apart


@pytest.mark.parametrize("faces", [None, POOR, NOBODY, CROWD])
def test_a_frame_without_one_good_face_is_left_out(faces: Faces | None) -> None:
    """It neither counts nor contradicts."""
    good = [frame(bell(40, 3)), frame(bell(42, 3))]
    assert fuse_customer(RULE, CARD, [Frame(certain(5), faces), *good]) == fuse_customer(
        RULE, CARD, good
    )


def test_without_a_good_frame_the_best_one_tells_why() -> None:
    """One face that is poor is more than several or none."""
    frames = [Frame(certain(50), faces) for faces in (NOBODY, CROWD, POOR)]
    fused = fuse_customer(RULE, CARD, frames)
    assert (fused.verdict, fused.best, fused.frames_used) == (
        verify_id(Reason.POOR_FACE),
        frames[2],
        1,
    )
    assert not fuse_customer(RULE, CARD, frames * MOST_FRAMES).is_settled


@pytest.mark.parametrize("card", [Card(), Card((), GATES), Card(CARD.certificates, None)])
def test_a_model_without_certificate_or_gates_lets_nobody_through(card: Card) -> None:
    """Nor do any number of frames."""
    fused = fuse_customer(RULE, card, [frame(certain(100))] * MOST_FRAMES)
    assert fused.verdict == verify_id(Reason.MODEL_NOT_CERTIFIED)


def test_two_frames_that_agree_settle_it() -> None:
    """A first ALLOW is an answer already, but a contradiction may still come."""
    adult, child = frame(bell(40, 3)), frame(bell(9, 2))
    for each, decision in ((adult, Decision.ALLOW), (child, Decision.REFUSE)):
        one, two = (fuse_customer(RULE, CARD, [each] * n) for n in (1, 2))
        assert one.verdict.decision is two.verdict.decision is decision
        assert (one.is_settled, two.is_settled) == (False, True)


def test_a_doubt_is_settled_by_the_last_frame() -> None:
    """Before that, a better photo may dispel it."""
    doubts = [frame(bell(20, 4), 0.9)] * (MOST_FRAMES - 1)
    assert not fuse_customer(RULE, CARD, doubts).is_settled
    assert fuse_customer(RULE, CARD, [*doubts, doubts[0]]).is_settled
    assert allowed(fuse_customer(RULE, CARD, [doubts[0], frame(bell(32, 4), 0.99)]))


@given(answers, st.none() | any_faces)
def test_quality_is_a_share_and_age_has_no_say(
    answer: AgeDistribution, faces: Faces | None
) -> None:
    """Whatever numbers the model gave."""
    quality = Frame(answer, faces).quality
    assert 0 <= quality <= 1
    assert quality == Frame(certain(5), faces).quality


@pytest.mark.parametrize(
    "worse",
    [
        replace(FACE, score=0.8),
        replace(FACE, photo_size=(100, 200)),
        replace(FACE, sharpness=0.0005),
        replace(FACE, count=2),
    ],
)
def test_a_sure_large_sharp_and_single_face_is_better(worse: Faces) -> None:
    """Beyond what the network sees, size and sharpness add nothing."""
    assert Frame(certain(30), worse).quality < Frame(certain(30), FACE).quality
    finer = replace(FACE, photo_size=(2000, 2000), sharpness=0.01)
    grainy = replace(finer, sharpness=10.0)
    assert Frame(certain(30), finer).quality == Frame(certain(30), grainy).quality


def test_no_frame_is_no_answer() -> None:
    """The caller knows better why there is none."""
    with pytest.raises(ValueError, match="no frame"):
        fuse_customer(RULE, CARD, [])
