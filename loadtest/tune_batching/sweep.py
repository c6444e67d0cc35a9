"""From the present setting to the best, step by step."""

from __future__ import annotations

import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from tqdm import tqdm

from loadtest.tune_batching.choice import Measurement, choose, ranked, untried
from loadtest.tune_batching.measure import at_most, at_rate
from loadtest.tune_batching.servers import ServerError, Start
from loadtest.tune_batching.setting import Grid, Setting

_USUAL_START_SECONDS = 12
_FINALISTS = 3


@dataclass(frozen=True, slots=True)
class Conditions:
    """How settings are measured, and what is asked of them."""

    requests: Sequence[bytes]
    """Predict calls, in turn."""
    in_flight: int
    """Calls in flight to find out how much can be done."""
    rate: float
    """Calls a second at which latency is measured; 0: half of what the present setting can do."""
    p99_ms: float
    """Longest p99 at that rate (milliseconds)."""
    warm_up_seconds: float
    """Before anything counts."""
    seconds: float
    """How long each of both is measured."""
    rounds: int
    """How often the finalists are measured."""
    minutes: float
    """No further setting is begun that would take longer than this."""


class Sweep:
    """Measures settings one after the other, each with a server of its own.

    Whenever it is stopped, `measured` holds what was found so far.
    """

    def __init__(self, start: Start, present: Setting, text: str, conditions: Conditions) -> None:
        """`text` is the file of the present setting, which is measured as it stands."""
        self.present = present
        self.rate = conditions.rate
        self.measured: dict[Setting, Measurement] = {}
        self.unfinished = ""
        self._start, self._text, self._conditions = start, text, conditions
        self._began = time.monotonic()
        self._runs = 0

    def estimate(self, grid: Grid) -> str:
        """Return how long it takes at least, in words."""
        conditions = self._conditions
        tried = 1 + len(grid.neighbours(self.present))
        # The present one may turn out to be the best: then there is a finalist less.
        runs = tried + min(tried, _FINALISTS - 1) * (conditions.rounds - 1)
        each = _USUAL_START_SECONDS + conditions.warm_up_seconds + 2 * conditions.seconds
        return (
            f"{runs} runs or more of about {each:.0f} s, from {runs * each / 60:.1f} to "
            f"{conditions.minutes:g} minutes; Ctrl-C keeps what is measured"
        )

    def run(self, grid: Grid) -> None:
        """Measure until no single step makes the best any better, then the finalists again.

        Raises:
            ServerError: not even the present setting can be measured.
        """
        limit = self._conditions.p99_ms
        bar: tqdm[Any]
        with tqdm(desc="batching", unit="run", disable=None) as bar:
            ahead = [self.present]
            while ahead and self._has_time():
                bar.total = bar.n + len(ahead) + self._final_runs
                self._measure(ahead[0], bar)
                ahead = untried(self.measured.values(), grid, limit)
            if ahead:
                self.unfinished = "out of time"
            best, runner_up = [*ranked(self.measured.values(), limit), None][:2]
            finalists = [self.present, *[each.setting for each in (best, runner_up) if each]]
            # In turns, so that all meet the same weather; the present one once, if it is the best.
            for setting in [*dict.fromkeys(finalists)] * (self._conditions.rounds - 1):
                self._measure(setting, bar)
            bar.total = bar.n

    def best(self) -> Measurement:
        """Return the best so far."""
        return choose(self.measured.values(), self._conditions.p99_ms)

    @property
    def _final_runs(self) -> int:
        return _FINALISTS * (self._conditions.rounds - 1)

    def _has_time(self) -> bool:
        if self._runs == 0:
            return True
        taken = time.monotonic() - self._began
        needed = taken / self._runs * (1 + self._final_runs)
        return taken + needed <= 60 * self._conditions.minutes

    def _measure(self, setting: Setting, bar: tqdm[Any]) -> None:
        bar.set_postfix_str(str(setting))
        try:
            found = self._measured(setting)
        except ServerError as error:
            if setting == self.present:
                raise
            found = Measurement(setting, 0.0, 0.0, 0.0, f"did not come up: {error}")
        before = self.measured.get(setting)
        self.measured[setting] = before.with_another(found) if before else found
        self._runs += 1
        tqdm.write(f"{setting}: {_words(found)}", file=sys.stderr)
        bar.update()

    def _measured(self, setting: Setting) -> Measurement:
        conditions = self._conditions
        text = self._text if setting == self.present else setting.text()
        with self._start(text) as target:
            photos_per_second, refused = at_most(
                target,
                conditions.requests,
                conditions.in_flight,
                conditions.warm_up_seconds,
                conditions.seconds,
            )
            if not photos_per_second:
                raise ServerError(f"no call was answered: {refused}")
            # Of the first, which is the present one; the same for all that follow.
            self.rate = self.rate or max(0.1, round(photos_per_second / 2, 1))
            load, late = at_rate(target, conditions.requests, self.rate, conditions.seconds)
        return Measurement(
            setting,
            photos_per_second,
            1000 * load.percentile(0.5),
            1000 * load.percentile(0.99),
            refused or late,
        )


def _words(found: Measurement) -> str:
    if found.problem:
        return found.problem
    return (
        f"{found.photos_per_second:.1f} photos a second, "
        f"p50 {found.p50_ms:.0f} ms, p99 {found.p99_ms:.0f} ms"
    )
