"""Which of the measured settings is the best."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, replace

from loadtest.tune_batching.setting import Grid, Setting

NOISE = 0.05
"""Share by which throughput differs from run to run: less of a difference is none."""


@dataclass(frozen=True, slots=True)
class Measurement:
    """What a model server did with a setting."""

    setting: Setting
    """The setting."""
    photos_per_second: float
    """Answers a second with as many calls in flight as it can use."""
    p50_ms: float
    """Time of the median call at the moderate rate (milliseconds)."""
    p99_ms: float
    """Time that 99 % of those calls took at most (milliseconds)."""
    problem: str = ""
    """Why it can't be used: calls were refused, or the server did not start. Empty: it can."""
    spread: float = 0.0
    """Share by which its photos a second fell short of the best, measured again; 0 if only once."""

    def meets(self, p99_ms: float) -> bool:
        """Whether it can be used and answers in time."""
        return not self.problem and self.p99_ms <= p99_ms

    def with_another(self, other: Measurement) -> Measurement:
        """Return the better figures of both: disturbances only ever make them worse."""
        if self.problem or other.problem:
            return self if self.problem else other
        fewer, more = sorted((self.photos_per_second, other.photos_per_second))
        return replace(
            self,
            photos_per_second=more,
            spread=max(self.spread, other.spread, 1 - fewer / more),
            p50_ms=min(self.p50_ms, other.p50_ms),
            p99_ms=min(self.p99_ms, other.p99_ms),
        )


def choose(measured: Collection[Measurement], p99_ms: float) -> Measurement:
    """Return the one with the most photos a second among those that answer in time.

    Of several within noise of it, the simplest. If none answers in time, the one that comes
    nearest: look at `meets`.
    """
    in_time = [each for each in measured if each.meets(p99_ms)]
    if not in_time:
        return min(measured, key=lambda each: (bool(each.problem), each.p99_ms, each.setting))
    most = max(each.photos_per_second for each in in_time)
    equals = [each for each in in_time if each.photos_per_second >= (1 - NOISE) * most]
    return min(equals, key=lambda each: each.setting)


def ranked(measured: Collection[Measurement], p99_ms: float) -> list[Measurement]:
    """Return all of them, the chosen one first, then by photos a second; unusable ones last."""
    best = choose(measured, p99_ms)
    return sorted(
        measured,
        key=lambda each: (
            each is not best,
            bool(each.problem),
            not each.meets(p99_ms),
            -each.photos_per_second,
            each.setting,
        ),
    )


def untried(measured: Collection[Measurement], grid: Grid, p99_ms: float) -> list[Setting]:
    """Return the neighbours of the best so far that were not measured yet; the next one first.

    None is left once no single step makes the best any better: then the search is over.
    """
    known = {each.setting for each in measured}
    best = choose(measured, p99_ms).setting
    return [each for each in grid.neighbours(best) if each not in known]
