"""Calls from several threads, one after the other in each: a closed loop."""

from __future__ import annotations

import math
import threading
import time
from array import array
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from agelane_client.errors import AgelaneError
from agelane_client.results import Assessment

_LOOK_SECONDS, _LAST_SECONDS = 0.2, 2.0
_PAUSE_AFTER_ERROR = 0.1
"""Seconds; a gateway that is away refuses thousands of calls a second."""


@dataclass(frozen=True, kw_only=True)
class Load:
    """How to call."""

    threads: int
    """Callers at once."""
    warm_up: float
    """Seconds of calls that do not count."""
    seconds: float
    """Seconds thereafter; calls that begin in them count."""


@dataclass(kw_only=True)
class Tally:
    """What became of the calls that count."""

    latencies: array[float] = field(default_factory=lambda: array("d"))
    """Seconds of each call that was answered."""
    decisions: Counter[str] = field(default_factory=Counter)
    """How often each decision was answered."""
    errors: Counter[str] = field(default_factory=Counter)
    """How often calls ended with each kind of error."""
    samples: dict[str, AgelaneError] = field(default_factory=dict)
    """One error of each kind."""
    seconds: float = 0.0
    """From the end of the warm-up to the end of the last call."""

    def add(self, other: Tally) -> None:
        """Add what another thread counted."""
        self.latencies.extend(other.latencies)
        self.decisions.update(other.decisions)
        self.errors.update(other.errors)
        self.samples.update(other.samples)
        self.seconds = max(self.seconds, other.seconds)


def run_load(call: Callable[[], Assessment], load: Load, cancel: Callable[[], None]) -> Tally:
    """Call from as many threads as `load` says, for as long; return what became of it.

    An interruption ends the calls by `cancel`: Python may hang at its end while others make some.
    """
    begin = time.perf_counter() + load.warm_up
    stop = threading.Event()
    tallies = [Tally() for _ in range(load.threads)]
    threads = [
        threading.Thread(target=_lane, args=(call, begin, load.seconds, stop, tally), daemon=True)
        for tally in tallies
    ]
    try:
        for thread in threads:
            thread.start()
        for thread in threads:
            while thread.is_alive():  # not for ever: Ctrl-C may come a moment before it waits
                thread.join(_LOOK_SECONDS)
    except BaseException:
        stop.set()
        cancel()
        for thread in threads:
            if thread.is_alive():
                thread.join(_LAST_SECONDS)
        raise
    total = Tally()
    for tally in tallies:
        total.add(tally)
    return total


def percentile(ordered: Sequence[float], percent: float) -> float | None:
    """Return the smallest of the values that `percent` % of them do not exceed; None of none."""
    if not ordered:
        return None
    return ordered[max(0, math.ceil(len(ordered) * percent / 100) - 1)]


def _lane(
    call: Callable[[], Assessment],
    begin: float,
    seconds: float,
    stop: threading.Event,
    tally: Tally,
) -> None:
    """Call until the time is over."""
    while (started := time.perf_counter()) < begin + seconds and not stop.is_set():
        answer: Assessment | AgelaneError
        try:
            answer = call()
        except AgelaneError as error:
            answer = error
        ended = time.perf_counter()
        if started >= begin:
            _count(tally, answer, ended - started)
            tally.seconds = ended - begin
        if isinstance(answer, AgelaneError):
            stop.wait(_PAUSE_AFTER_ERROR)


def _count(tally: Tally, answer: Assessment | AgelaneError, seconds: float) -> None:
    if isinstance(answer, AgelaneError):
        kind = answer.reason or answer.code or type(answer).__name__
        tally.errors[kind] += 1
        tally.samples[kind] = answer
        return
    tally.latencies.append(seconds)
    tally.decisions[answer.alcohol_decision] += 1
