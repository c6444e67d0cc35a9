"""A bounded queue before the model server, fair to lanes, that turns away what would come too late.

In overload the useful thing is to answer as many calls in time as the model can, and to tell the
others at once. So a call is admitted only where it will probably be answered before its deadline;
lanes take turns, however many calls one of them sends (fair queueing, Nagle, RFC 970); and a caller
who leaves gives up the place.
"""

from __future__ import annotations

import asyncio
import random
import time
from collections import OrderedDict, deque
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from types import TracebackType

from agelane_serving.gateway.admission.pace import Pace
from agelane_serving.gateway.admission.window import Window
from agelane_serving.gateway.deadline import Deadline
from agelane_serving.gateway.errors import CallError, Fault

_PRUDENCE = 0.7
"""An answer is only expected in time if it is expected in this part of it: paces vary."""
_SHORTEST_RETRY_SECONDS, _LONGEST_RETRY_SECONDS = 0.1, 5.0


@dataclass(frozen=True, slots=True)
class Limits:
    """How much may go on at a time; ValueError for less than 1."""

    in_flight: int = 256
    """Calls that the model servers work on together, at most: how many they can is found out."""
    waiting: int = 512
    """Calls that wait for that."""
    waiting_per_lane: int = 4
    """Of which from one lane."""

    def __post_init__(self) -> None:
        """Refuse limits that admit nobody."""
        for name in ("in_flight", "waiting", "waiting_per_lane"):
            if getattr(self, name) < 1:
                raise ValueError(f"{name} must be at least 1")


class AdmissionQueue:
    """Gives a limited number of places to calls; for one event loop."""

    def __init__(self, limits: Limits) -> None:
        """All places are free."""
        self._limits = limits
        self._window, self._pace = Window(limits.in_flight), Pace()
        self._lanes: OrderedDict[str, deque[_Call]] = OrderedDict()
        self.in_flight = 0
        """Calls that have a place."""
        self.waiting = 0
        """Calls that wait for one."""

    def place(self, lane: str, deadline: Deadline) -> AbstractAsyncContextManager[None]:
        """Return what is entered to get a place, and left to give it back.

        Entering waits if need be. It raises CallError, OVERLOADED with the time after which to try
        again, at once where an answer would come too late, and by the deadline in any case.

        Args:
            lane: whose turn it takes.
            deadline: by when the caller needs the answer.
        """
        return _Call(self, lane, deadline)

    def enter(self, call: _Call) -> asyncio.Future[bool] | None:
        """Take a free place, or else queue up for one; what is then returned tells of the turn.

        Raises:
            CallError: no answer would come in time.
        """
        remaining_seconds = call.deadline.remaining_seconds()
        self._window.asked(remaining_seconds)
        full = self.in_flight >= self._window.calls
        queue = self._lanes.get(call.lane, ())
        if (
            self.expected_seconds() > _PRUDENCE * remaining_seconds
            or (full and self.waiting >= self._limits.waiting)
            or (full and len(queue) >= self._limits.waiting_per_lane)
        ):
            raise self.refusal()
        if not full:
            self._take_place()
            return None
        self._lanes.setdefault(call.lane, deque()).append(call)
        self.waiting += 1
        return asyncio.get_running_loop().create_future()

    def leave(self, seconds: float, *, answered: bool) -> None:
        """Give back a place that was used for so long, to whoever's turn it is."""
        full = self.in_flight >= self._window.calls
        self.in_flight -= 1
        self._window.ended(seconds, answered=answered, full=full)
        if answered:
            self._pace.answered(under_pressure=full)
        while self._lanes and self.in_flight < self._window.calls:
            if self._next().offer():
                self._take_place()

    def give_up(self, call: _Call) -> None:
        """Leave the queue, unless its turn has come."""
        queue = self._lanes.get(call.lane)
        if queue is not None and call in queue:
            queue.remove(call)
            self.waiting -= 1
            if not queue:
                del self._lanes[call.lane]

    def expected_seconds(self) -> float:
        """Return how long a call that came now would take, waiting included (Little's law)."""
        # A single call is always worth a try: its answer tells how fast the model is now.
        before = self.in_flight + self.waiting
        return self._pace.seconds * (before + 1) if before else 0.0

    def refusal(self) -> CallError:
        """Return the refusal of a call that can't be answered in time."""
        self._pace.pressed()
        # Spread out, or all who are refused together would come back together.
        seconds = self._pace.seconds * (self.in_flight + self.waiting) * random.uniform(1, 3)
        return CallError(
            Fault.OVERLOADED,
            "more calls than can be answered in time",
            retry_seconds=min(max(seconds, _SHORTEST_RETRY_SECONDS), _LONGEST_RETRY_SECONDS),
        )

    def _take_place(self) -> None:
        if self.in_flight == 0:
            self._pace.begins()
        self.in_flight += 1

    def _next(self) -> _Call:
        """Take out the first call of the lane whose turn it is; the lane goes to the end."""
        lane, queue = next(iter(self._lanes.items()))
        call = queue.popleft()
        self.waiting -= 1
        self._lanes.move_to_end(lane)
        if not queue:
            del self._lanes[lane]
        return call


class _Call:
    """One call's way through the queue."""

    def __init__(self, queue: AdmissionQueue, lane: str, deadline: Deadline) -> None:
        self.lane, self.deadline = lane, deadline
        self._queue = queue
        self._turn: asyncio.Future[bool] | None = None
        self._began = 0.0

    async def __aenter__(self) -> None:
        self._turn = self._queue.enter(self)
        if self._turn is not None and not await self._comes(self._turn):
            raise self._queue.refusal()
        self._began = time.monotonic()

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._queue.leave(time.monotonic() - self._began, answered=kind is None)

    def offer(self) -> bool:
        """Tell that the turn has come; False: nobody waits for it any more."""
        assert self._turn is not None
        if self._turn.done():
            return False
        self._turn.set_result(self.deadline.remaining_seconds() > 0)
        return self._turn.result()

    async def _comes(self, turn: asyncio.Future[bool]) -> bool:
        """Wait for the turn, at most until the deadline; tell whether it came."""
        seconds = self.deadline.remaining_seconds()
        timer = asyncio.get_running_loop().call_later(seconds, self._too_late)
        try:
            return await turn
        except asyncio.CancelledError:
            # The caller has left; if just then its turn came, the place goes on to the next.
            if turn.cancelled():
                self._queue.give_up(self)
            elif turn.result():
                self._queue.leave(0.0, answered=False)
            raise
        finally:
            timer.cancel()

    def _too_late(self) -> None:
        if self._turn is not None and not self._turn.done():
            self._queue.give_up(self)
            self._turn.set_result(False)
