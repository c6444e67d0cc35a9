"""Hedging: a call that is late is sent once more, and the first answer counts.

gRPC's core has none. It pays where several gateways share the calls and one of them is slow.
"""

from __future__ import annotations

import asyncio
import queue
import threading
import time
from collections import deque
from collections.abc import Awaitable, Callable, Iterable
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    import grpc

_Response = TypeVar("_Response")

_REMEMBERED = 200
_ENOUGH = 50
_MOST_SAVED = 10.0


class Hedging:
    """When to send a call once more; shared by all threads of a client.

    Late is what takes longer than 95 % of the last 200 calls did. Each call brings a share of what
    another one costs, so that a gateway which is slow for everybody gets little more to do.
    """

    def __init__(self, share: float) -> None:
        """`share` is how many more calls there may be, as a share of all, 0 to 1."""
        self._share = share
        self._saved = 0.0
        self._seconds: deque[float] = deque(maxlen=_REMEMBERED)
        self._lock = threading.Lock()

    def begin(self) -> float | None:
        """Count a call; return after how many seconds it is late, None if too little is known."""
        with self._lock:
            self._saved = min(self._saved + self._share, _MOST_SAVED)
            if len(self._seconds) < _ENOUGH:
                return None
            return sorted(self._seconds)[len(self._seconds) * 95 // 100]

    def take(self) -> bool:
        """Take one more call from what was saved; False if there isn't enough."""
        with self._lock:
            if self._saved < 1:
                return False
            self._saved -= 1
            return True

    def answered(self, seconds: float) -> None:
        """Remember how long a call took."""
        with self._lock:
            self._seconds.append(seconds)


def race(
    send: Callable[[float], grpc.Future[_Response]], seconds: float, hedging: Hedging
) -> _Response:
    """Return the first answer to a call that `send` begins, with a deadline in seconds.

    Raises the grpc.RpcError of the last attempt if there is none.
    """
    started = time.monotonic()
    ended: queue.Queue[grpc.Future[_Response]] = queue.Queue()
    attempts: list[grpc.Future[_Response]] = []

    def begin(seconds: float) -> None:
        attempts.append(send(seconds))
        attempts[-1].add_done_callback(ended.put)

    try:
        late_after = hedging.begin()
        begin(seconds)
        try:
            attempt = ended.get(timeout=late_after)
        except queue.Empty:
            if hedging.take():
                begin(seconds - (time.monotonic() - started))
            attempt = ended.get()
        if attempt.exception() and len(attempts) == 2:
            attempt = ended.get()
        response = attempt.result()
    finally:
        for attempt in attempts:
            attempt.cancel()
    hedging.answered(time.monotonic() - started)
    return response


async def race_async(
    send: Callable[[float], Awaitable[_Response]], seconds: float, hedging: Hedging
) -> _Response:
    """Return the first answer as `race` does."""
    started = time.monotonic()
    attempts = [asyncio.ensure_future(send(seconds))]
    try:
        late_after = hedging.begin()
        done, _ = await asyncio.wait(attempts, timeout=late_after)
        if not done and hedging.take():
            left = seconds - (time.monotonic() - started)
            attempts.append(asyncio.ensure_future(send(left)))
        response = await _first_answer(attempts)
    finally:
        for attempt in attempts:
            attempt.cancel()
    hedging.answered(time.monotonic() - started)
    return response


async def _first_answer(attempts: Iterable[asyncio.Future[_Response]]) -> _Response:
    """Return what ends first without an error; raise the last error if nothing does."""
    pending = set(attempts)
    while True:
        done, pending = await asyncio.wait(pending, return_when=asyncio.FIRST_COMPLETED)
        answers = [attempt for attempt in done if attempt.cancelled() or not attempt.exception()]
        if answers or not pending:
            return (answers or list(done))[0].result()
