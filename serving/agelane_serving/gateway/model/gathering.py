"""Photos that come at nearly the same time go to a model server in one call.

A call costs gateway and model server a good millisecond, whatever is in it. A photo that comes
alone is not kept waiting; while others are being worked on, it waits for company, for a small part
of the time that an answer takes anyway (as Nagle's algorithm does with small packets, RFC 896).
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable, Sequence
from typing import NamedTuple

from agelane_serving.gateway.deadline import Deadline
from agelane_serving.gateway.errors import ModelSlow, ModelUnreachable
from agelane_serving.gateway.model.outputs import Outputs
from agelane_serving.gateway.photo.upright import UprightPhoto

MOST_PHOTOS = 8
"""In one call: half a batch of a processor, so that batches can be filled with several."""
_WAIT_SHARE, _LONGEST_WAIT_SECONDS = 0.02, 0.005
_SMOOTHING = 0.1  # weight of the newest answer in how long answers take
_ALONE_SECONDS = 60.0
_logger = logging.getLogger(__name__)

Send = Callable[[Sequence[UprightPhoto], str, float], Awaitable[Sequence[Outputs]]]
"""Asks about photos the version with a label, within seconds; raises ModelUnavailable."""


class Gathering:
    """What calls one model server, for one event loop."""

    def __init__(self, send: Send) -> None:
        """`send` makes a call; it returns one answer a photo, in their order."""
        self._send = send
        self._open: dict[str, _Call] = {}
        self._in_flight: set[asyncio.Task[None]] = set()
        self._answer_seconds = 0.0
        self._alone_until = 0.0

    async def ask(self, photo: UprightPhoto, label: str, deadline: Deadline) -> Outputs:
        """Ask about one photo the version with this label.

        Raises:
            ModelUnavailable: no answer that makes sense before the deadline.
        """
        call = self._open.get(label)
        if call is None:
            call = self._open[label] = _Call(label)
            self._send_soon(call)
        answer = call.add(photo, deadline)
        if len(call) >= self._most_photos():
            self._go(call)
        try:
            async with asyncio.timeout(deadline.remaining_seconds()):
                return await answer
        except TimeoutError:
            raise ModelSlow("DEADLINE_EXCEEDED") from None
        finally:
            call.end_if_nobody_waits()

    def _most_photos(self) -> int:
        return 1 if time.monotonic() < self._alone_until else MOST_PHOTOS

    def _send_soon(self, call: _Call) -> None:
        """Send a call with what has come by then: at once if nothing is in flight."""
        loop = asyncio.get_running_loop()
        if self._in_flight:
            seconds = min(_WAIT_SHARE * self._answer_seconds, _LONGEST_WAIT_SECONDS)
            loop.call_later(seconds, self._go, call)
        else:
            loop.call_soon(self._go, call)

    def _go(self, call: _Call) -> None:
        """Take no more photos into a call, and send it; unless it is on its way already."""
        if self._open.get(call.label) is not call:
            return
        del self._open[call.label]
        call.forget_who_left()
        if len(call):
            call.task = asyncio.create_task(self._run(call))
            self._in_flight.add(call.task)
            call.task.add_done_callback(self._in_flight.discard)

    async def _run(self, call: _Call) -> None:
        began = time.monotonic()
        try:
            found = await self._send(call.photos, call.label, call.longest_seconds())
        except Exception as error:  # noqa: BLE001 - each caller gets it
            if len(call) > 1 and not isinstance(error, ModelSlow | ModelUnreachable):
                # Be it one of them, or their number: nobody is to suffer for others.
                _logger.warning("%d photos in one call: %s; each goes alone", len(call), error)
                self._alone_until = time.monotonic() + _ALONE_SECONDS
                await asyncio.gather(*map(self._run, call.alone()))
            else:
                call.fail(error)
        else:
            took = time.monotonic() - began
            self._answer_seconds += _SMOOTHING * (took - self._answer_seconds)
            call.answer(found)


class _Call:
    """Photos of several callers, and their answers in the same order."""

    def __init__(self, label: str, waiting: Sequence[_Waiting] = ()) -> None:
        self.label = label
        self.task: asyncio.Task[None] | None = None
        """What sends it, once it is on its way."""
        self._waiting = list(waiting)

    @property
    def photos(self) -> list[UprightPhoto]:
        """What is asked about."""
        return [each.photo for each in self._waiting]

    def add(self, photo: UprightPhoto, deadline: Deadline) -> asyncio.Future[Outputs]:
        """Take a photo into the call; what is returned will have its answer."""
        answer: asyncio.Future[Outputs] = asyncio.get_running_loop().create_future()
        self._waiting.append(_Waiting(photo, deadline, answer))
        return answer

    def __len__(self) -> int:
        """Return how many photos it has."""
        return len(self._waiting)

    def longest_seconds(self) -> float:
        """Return how long whoever gives most time will wait."""
        return max(each.deadline.remaining_seconds() for each in self._waiting)

    def alone(self) -> list[_Call]:
        """Return a call for each photo that somebody still waits for."""
        return [_Call(self.label, [each]) for each in self._waiting if not each.answer.done()]

    def forget_who_left(self) -> None:
        """Leave out the photos that nobody waits for any more."""
        self._waiting = [each for each in self._waiting if not each.answer.done()]

    def end_if_nobody_waits(self) -> None:
        """Cancel it once all who waited have left."""
        if self.task is not None and all(each.answer.done() for each in self._waiting):
            self.task.cancel()

    def answer(self, found: Sequence[Outputs]) -> None:
        """Give each who still waits what was found on their photo."""
        for each, outputs in zip(self._waiting, found, strict=True):
            if not each.answer.done():
                each.answer.set_result(outputs)

    def fail(self, error: Exception) -> None:
        """Tell each who still waits what went wrong."""
        for each in self._waiting:
            if not each.answer.done():
                each.answer.set_exception(error)


class _Waiting(NamedTuple):
    """A caller."""

    photo: UprightPhoto
    deadline: Deadline
    answer: asyncio.Future[Outputs]
