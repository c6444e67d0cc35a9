"""When customers come."""

from __future__ import annotations

import random
from bisect import bisect_right
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import accumulate

_STEP_SECONDS = 0.1


@dataclass(frozen=True)
class Stage:
    """A stretch of time within which traffic goes evenly from one level to another."""

    seconds: float
    """How long it takes, in parts of the whole: stages of 1 and 3 take a quarter and the rest."""
    start: float
    """How many times as many customers as usual come at its beginning, 0 or more."""
    end: float
    """The same at its end."""


class Traffic:
    """How many times as many customers as usual come at each moment of a run."""

    def __init__(self, stages: tuple[Stage, ...], seconds: float) -> None:
        """At least one stage; they fill `seconds`."""
        scale = seconds / sum(stage.seconds for stage in stages)
        self._stages = stages
        self._ends = [scale * end for end in accumulate(stage.seconds for stage in stages)]

    def at(self, moment: float) -> float:
        """Return the level so many seconds after the beginning."""
        place = min(bisect_right(self._ends, moment), len(self._ends) - 1)
        began = self._ends[place - 1] if place else 0.0
        stage = self._stages[place]
        share = min(1.0, (moment - began) / (self._ends[place] - began))
        return stage.start + share * (stage.end - stage.start)


def arrivals(
    rate: Callable[[float], float], seconds: float, chance: random.Random
) -> Iterator[tuple[float, bool]]:
    """Yield moments in seconds from the beginning, rising, and whether a customer comes then.

    Those of all lanes together: many lanes whose customers have nothing to do with one another are
    one Poisson process, of as many times the rate. The rate is asked for at least ten times a
    second, and taken to stay until the next moment; where it changes, the gap to the next customer
    is drawn anew, which for a Poisson process makes no difference.

    Args:
        rate: gives the customers a second at a moment, 0 or more.
        seconds: when it ends.
        chance: what the gaps come from.
    """
    moment = 0.0
    while moment < seconds:
        at_once = rate(moment)
        gap = chance.expovariate(at_once) if at_once > 0 else _STEP_SECONDS
        comes = gap < _STEP_SECONDS
        moment += gap if comes else _STEP_SECONDS
        if moment < seconds:
            yield moment, comes
