"""The most lanes that hold an objective: doubling until they do not, then halving the rest."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from loadtest.capacity.trial import Stretch
from loadtest.capacity.watch import Sample
from loadtest.open_loop.tally import Tally

_TRIES = 3
"""At most with as many lanes; after that an INVALID trial counts as missed."""


@dataclass(frozen=True)
class Objective:
    """What a lane may expect."""

    p99_ms: float = 300.0
    """99 of 100 calls take no longer."""
    p99_9_ms: float = 800.0
    """999 of 1,000 take no longer."""

    def missed_by(self, tally: Tally) -> str:
        """Return why a run does not hold it, "" if it does."""
        if not tally.calls:
            return "INVALID: no customer came"
        if not tally.is_valid:
            return f"INVALID: the driver was {tally.lag_p99_ms:.1f} ms late"
        if tally.failed:
            reasons = ", ".join(f"{name} {n:,}" for name, n in tally.reasons().most_common())
            return f"{tally.failed:,} failed ({reasons})"
        for percentile, most in ((99.0, self.p99_ms), (99.9, self.p99_9_ms)):
            # Of fewer than 1,000 calls one alone is more than 1 in 1,000.
            many = tally.calls >= 100 / (100 - percentile)
            latency_ms = tally.latency_ms(percentile if many else 100)
            if latency_ms > most:
                return f"p{percentile:g} {latency_ms:.0f} ms > {most:.0f} ms"
        return ""


@dataclass(frozen=True)
class Trial:
    """One run with so many lanes."""

    lanes: int
    """How many."""
    tally: Tally
    """What was measured."""
    missed: str
    """Why it does not hold the objective; "": it does."""
    series: tuple[Stretch, ...] = ()
    """The same in stretches of time."""
    server: tuple[Sample, ...] = ()
    """What the servers needed meanwhile, as far as they could be watched."""


@dataclass
class Search:
    """What was tried, and what came of it."""

    trials: list[Trial] = field(default_factory=list)
    """In their order."""

    @property
    def lanes(self) -> int:
        """The most lanes that held; 0: not even the first ones did."""
        return self.best.lanes if self.best else 0

    @property
    def best(self) -> Trial | None:
        """The trial with the most lanes of those that held, below all that did not.

        Of several with as many lanes the last counts: those before were INVALID.
        """
        last = {it.lanes: it for it in self.trials}.values()
        least = min((it.lanes for it in last if it.missed), default=None)
        held = [it for it in last if not it.missed and (least is None or it.lanes < least)]
        return max(held, key=lambda it: it.lanes, default=None)


def most_lanes(run: Callable[[int], Trial], first: int, *, within: float = 0.05) -> Search:
    """Search for the most lanes; a trial in which the driver was late says nothing and is repeated.

    Args:
        run: makes a trial with so many lanes.
        first: how many to begin with, 1 or more.
        within: how near to come, as a share of the lanes.
    """
    search = Search()

    def holds(lanes: int) -> bool:
        search.trials.append(run(lanes))
        for _ in range(_TRIES - 1):
            tally = search.trials[-1].tally
            if tally.is_valid or tally.failed:
                break
            search.trials.append(run(lanes))
        return not search.trials[-1].missed

    low, high = 0, first
    while holds(high):
        low, high = high, 2 * high
    while high - low > max(1, within * high):
        middle = (low + high) // 2
        low, high = (middle, high) if holds(middle) else (low, middle)
    return search
