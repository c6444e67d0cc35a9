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

_REMEMBERED = 1000
_ENOUGH = 50
_LOOK_AGAIN = 10
_MOST_SAVED = 25.0
_MOST_MORE = 2
_USUAL = 0.98


class Hedging:
    """When to send a call once more; shared by all threads of a client.

    Late is what takes longer than 98 % of the last 1,000 calls did. It is sent twice more, one
    right after the other: gRPC gives them to two gateways, of which at most one is the slow one.
    Each call saves a share of what another one costs, so that gateways which are slow for everybody
    get little more to do.
    """

    def __init__(self, share: float) -> None:
        """`share` is how many more calls there may be, as a share of all, 0 to 1."""
        self._share = share
        self._saved = 0.0
        self._seconds: deque[float] = deque(maxlen=_REMEMBERED)
        self._late_after: float | None = None
        self._since_look = 0
        self._lock = threading.Lock()

    def begin(self) -> float | None:
        """Count a call; return after how many seconds it is late, None if too little is known."""
        with self._lock:
            self._saved = min(self._saved + self._share, _MOST_SAVED)
            return self._late_after

    def take(self) -> int:
        """Return how often a late call is sent once more, 0 to 2: as far as was saved."""
        with self._lock:
            more = min(_MOST_MORE, int(self._saved))
            self._saved -= more
            return more

    def answered(self, seconds: float) -> None:
        """Remember how long a call took."""
        with self._lock:
            self._seconds.append(seconds)
            self._since_look += 1
            if len(self._seconds) >= _ENOUGH and self._since_look >= _LOOK_AGAIN:
                self._since_look = 0
                self._late_after = sorted(self._seconds)[int(len(self._seconds) * _USUAL)]


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
            for _ in range(hedging.take()):
                begin(seconds - (time.monotonic() - started))
            attempt = ended.get()
        for _ in attempts[1:]:
            if attempt.exception():
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
        if not done:
            left = seconds - (time.monotonic() - started)
            attempts += [asyncio.ensure_future(send(left)) for _ in range(hedging.take())]
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
