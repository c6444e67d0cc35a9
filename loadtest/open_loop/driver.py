"""Calls that begin at their moments, in one process and one event loop."""

from __future__ import annotations

import asyncio
import gc
import time
from collections.abc import Awaitable, Callable, Iterable

from loadtest.open_loop.tally import Tally

LAST_SECONDS = 5.0
"""How long the last calls may take; those that take longer have failed."""
Call = Callable[[], Awaitable[str]]
"""Makes a call; returns "" or why it came to nothing."""


class Driver:
    """Begins calls, whether others are answered or not, and measures them."""

    def __init__(self, warm_up_seconds: float = 0.0) -> None:
        """Calls that are to begin within the first seconds are made, and not counted."""
        self._start = time.monotonic()
        self._counted_from = self._start + warm_up_seconds
        self._tally, self._tally_from = Tally(), self._counted_from
        self._tasks: set[asyncio.Task[None]] = set()

    async def begin_all(self, calls: Iterable[tuple[float, Call | None]]) -> None:
        """Begin calls at their moments, in seconds from now, rising; None: nothing is to begin."""
        gc.collect()
        gc.freeze()  # what is there by now would be looked through again and again
        self._start = time.monotonic()
        for moment, call in calls:
            due = self._start + moment
            # Timers are good to a millisecond, and what they are late counts as latency. To look at
            # the clock instead would take a core from what is measured.
            if (ahead := due - time.monotonic()) > 0:
                await asyncio.sleep(ahead)
            if call is not None:
                self.begin(call, due)

    def begin_later(self, call: Call, seconds: float) -> None:
        """Begin a call so many seconds from now."""
        due = time.monotonic() + seconds
        asyncio.get_running_loop().call_later(seconds, self.begin, call, due)

    def begin(self, call: Call, due: float) -> None:
        """Begin a call that was to begin at a moment of the monotonic clock."""
        if due >= self._counted_from:
            self._tally.begun(time.monotonic() - due)
        task = asyncio.ensure_future(self._timed(call, due))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def end(self, seconds: float = LAST_SECONDS) -> None:
        """Wait for the last calls; those that do not end in time count as failed."""
        if self._tasks:
            await asyncio.wait(self._tasks, timeout=seconds)
        for task in self._tasks:
            task.cancel()
            self._tally.errors["NEVER_ENDED"] += 1

    def take(self) -> Tally:
        """Return what was counted since the last time."""
        now = time.monotonic()
        taken, self._tally = self._tally, Tally()
        taken.seconds = max(0.0, now - self._tally_from)
        self._tally_from = max(self._tally_from, now)
        return taken

    async def _timed(self, call: Call, due: float) -> None:
        reason = await call()
        if due < self._counted_from:
            return
        if reason:
            self._tally.errors[reason] += 1
        else:
            self._tally.answered(time.monotonic() - due)
