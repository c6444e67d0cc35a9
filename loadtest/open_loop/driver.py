"""Calls that begin at their moments, in one process and one event loop."""

from __future__ import annotations

import asyncio
import gc
import os
import time
from collections.abc import Awaitable, Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import TypeAlias

from loadtest.open_loop.tally import Tally

LAST_SECONDS = 5.0
"""How long the last calls may take; those that take longer have failed."""
NEVER_ENDED = "NEVER_ENDED"
_NICENESS = -10
Call: TypeAlias = Callable[[], Awaitable[str]]
"""Makes a call; returns "" or why it came to nothing."""
Counted: TypeAlias = float | None
"""When a call was to begin, by the monotonic clock; None: only its error counts."""


class Driver:
    """Begins calls, whether others are answered or not, and measures them."""

    def __init__(self, warm_up_seconds: float = 0.0) -> None:
        """Calls that are to begin within the first seconds are made, and not counted."""
        self._warm_up = warm_up_seconds
        self._counted_from = self._counted_to = float("inf")
        self._tally, self._tally_from = Tally(), float("inf")
        self._tasks: dict[asyncio.Task[None], Counted] = {}
        self._timers: set[asyncio.TimerHandle] = set()

    async def begin_all(self, calls: Iterable[tuple[float, Call | None]]) -> None:
        """Begin calls at their moments, in seconds from now, rising; None: nothing is to begin."""
        gc.collect()
        gc.freeze()  # what is there by now would be looked through again and again
        start = time.monotonic()
        self._counted_from = self._tally_from = start + self._warm_up
        try:
            with _before_others():
                for moment, call in calls:
                    due = start + moment
                    # Timers are good to a millisecond, and what they are late counts as latency. To
                    # look at the clock instead would take a core from what is measured.
                    if (ahead := due - time.monotonic()) > 0:
                        await asyncio.sleep(ahead)
                    if call is not None:
                        if due >= self._counted_from:
                            self._tally.begun(time.monotonic() - due)
                        self._start(call, due)
        finally:
            self._counted_to = time.monotonic()

    def begin_later(self, call: Call, seconds: float) -> None:
        """Begin a call beside the measured ones, so many seconds from now; only errors count."""

        def begin() -> None:
            self._timers.discard(timer)
            self._start(call, None)

        timer = asyncio.get_running_loop().call_later(seconds, begin)
        self._timers.add(timer)

    async def end(self, seconds: float = LAST_SECONDS) -> None:
        """Wait for the last calls; those that do not end in time count as failed."""
        for timer in self._timers:
            timer.cancel()
        if self._tasks:
            await asyncio.wait(self._tasks, timeout=seconds)
        for task, due in list(self._tasks.items()):
            task.cancel()
            self._count(due, NEVER_ENDED)

    def take(self) -> Tally:
        """Return what was counted since the last time."""
        now = min(time.monotonic(), self._counted_to)
        taken, self._tally = self._tally, Tally()
        taken.seconds = max(0.0, now - self._tally_from)
        self._tally_from = max(self._tally_from, now)
        return taken

    def _start(self, call: Call, due: Counted) -> None:
        task = asyncio.ensure_future(self._timed(call, due))
        self._tasks[task] = due
        task.add_done_callback(lambda done: self._tasks.pop(done, None))

    async def _timed(self, call: Call, due: Counted) -> None:
        try:
            reason = await call()
        except Exception as error:  # noqa: BLE001 - nothing that happens may go uncounted
            reason = type(error).__name__
        self._count(due, reason)

    def _count(self, due: Counted, reason: str) -> None:
        """Count a call that has ended, for "" one that was answered."""
        if due is None:
            if reason:
                self._tally.errors_after[reason] += 1
        elif due < self._counted_from:
            return
        elif reason:
            self._tally.errors[reason] += 1
        else:
            self._tally.answered(time.monotonic() - due)


@contextmanager
def _before_others() -> Iterator[None]:
    """Let this thread have its core at once, where that is allowed.

    Tills do not share their cores with the servers. What the driver needs, those lack all the same.
    """
    try:
        before = os.nice(0)
        os.nice(_NICENESS)
    except PermissionError:
        yield
        return
    try:
        yield
    finally:
        os.nice(before - os.nice(0))
