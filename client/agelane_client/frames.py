"""Several photos of one customer, one after the other: what is sent, and what is kept of it."""

from __future__ import annotations

import asyncio
import queue
import threading
from collections.abc import AsyncGenerator, AsyncIterable, AsyncIterator, Iterable, Iterator
from contextlib import aclosing, suppress

from agelane.v1 import assessment_pb2, checkout_pb2
from agelane_client.errors import AgelaneError, ClosedError, PhotoError, ServerError
from agelane_client.options import Preparation
from agelane_client.requests import Photo, read_photo

_Request = checkout_pb2.AssessCustomerStreamRequest
_Response = checkout_pb2.AssessCustomerStreamResponse


class FrameTalk:
    """The talk with a gateway about one customer.

    A frame is sent when the one before is answered: so the next is fresh from the camera, and none
    is sent that the decision does not need.
    """

    def __init__(
        self, customer: checkout_pb2.CustomerStart, prepare: bool | Preparation = False
    ) -> None:
        """`customer` is who stands at the lane; `prepare` is what `read_photo` does to photos."""
        self._prepare = prepare
        self.request_id = customer.request_id
        self.start = _Request(customer_start=customer)
        self.end = _Request(customer_end=checkout_pb2.CustomerEnd())
        self.is_settled = False
        self._number = 0
        self._best: assessment_pb2.Assessment | None = None
        self._bad_photo: PhotoError | None = None

    def frame(self, photo: Photo) -> _Request | None:
        """Return what sends `photo`; None: it can't be read, and is left out."""
        try:
            data = read_photo(photo, self._prepare)
        except PhotoError as error:
            self._bad_photo = error
            return None
        self._number += 1
        return _Request(frame=checkout_pb2.CustomerFrame(photo=data, frame_number=self._number))

    def answered(self, response: _Response) -> None:
        """Take note of an answer."""
        self.is_settled = response.final
        self._best = response.assessment

    def assessment(self, error: AgelaneError | None) -> assessment_pb2.Assessment:
        """Return the last answer; whatever ended the talk early does not undo it.

        Raises:
            AgelaneError: no frame was answered, or the client was closed.
        """
        if self._best is not None and self._number and not isinstance(error, ClosedError):
            return self._best
        if error is not None:
            raise error
        if self._number:
            raise ServerError("the gateway answered no photo", request_id=self.request_id)
        raise self._bad_photo or PhotoError("there is no photo", reason="EMPTY_PHOTO")


class Sender:
    """Gives gRPC's thread what to send, in turn with the answers."""

    def __init__(self, talk: FrameTalk, photos: Iterable[Photo]) -> None:
        """`photos` are taken one by one, each when the one before is answered."""
        self._talk, self._photos = talk, photos
        self._turns: queue.SimpleQueue[bool] = queue.SimpleQueue()
        self._has_ended = False
        self.error: Exception | None = None
        """What the photos' iterator raised; for the caller, not for gRPC."""

    def requests(self) -> Iterator[_Request]:
        """Yield what to send."""
        yield self._talk.start
        try:
            for photo in self._photos:
                frame = self._talk.frame(photo)
                if frame is not None:
                    yield frame
                    self._has_ended |= not self._turns.get()
                if self._has_ended:  # nobody waits any more, whether photos can be used or not
                    break
        except Exception as error:  # noqa: BLE001 - the caller raises it again
            self.error = error
        yield self._talk.end

    def go_on(self, *, more: bool) -> None:
        """Let the next photo be taken, or the customer be ended."""
        self._has_ended |= not more
        self._turns.put(more)


class AsyncSender:
    """`Sender` for asyncio; a plain iterable of photos is read in a thread."""

    def __init__(self, talk: FrameTalk, photos: Iterable[Photo] | AsyncIterable[Photo]) -> None:
        """See `Sender`."""
        self._talk, self._photos = talk, photos
        self._turns: asyncio.Queue[bool] = asyncio.Queue()
        self._has_ended = False
        self.error: Exception | None = None
        """See `Sender`."""

    async def requests(self) -> AsyncIterator[_Request]:
        """Yield what to send."""
        yield self._talk.start
        try:
            async with aclosing(_each(self._photos)) as photos:
                async for photo in photos:
                    # Even a small file may lie on a disk that is slow to wake.
                    frame = await asyncio.to_thread(self._talk.frame, photo)
                    if frame is not None:
                        yield frame
                        self._has_ended |= not await self._turns.get()
                    if self._has_ended:
                        break
        except Exception as error:  # noqa: BLE001 - the caller raises it again
            self.error = error
        yield self._talk.end

    def go_on(self, *, more: bool) -> None:
        """See `Sender`."""
        self._has_ended |= not more
        self._turns.put_nowait(more)


async def _each(photos: Iterable[Photo] | AsyncIterable[Photo]) -> AsyncGenerator[Photo, None]:
    """Yield photos from either kind of iterable."""
    if isinstance(photos, AsyncIterable):
        async for photo in photos:
            yield photo
        return
    # Not in asyncio's pool: cameras that hang would keep all others from it.
    camera = _Camera(photos)
    try:
        while (taken := await camera.take()) is not None:
            yield taken
    finally:
        camera.close()


class _Camera:
    """Reads a plain iterable of photos in a thread of its own, one when asked for one."""

    def __init__(self, photos: Iterable[Photo]) -> None:
        self._photos, self._loop = photos, asyncio.get_running_loop()
        self._asked: queue.SimpleQueue[asyncio.Future[Photo | None] | None] = queue.SimpleQueue()
        threading.Thread(target=self._read, name="agelane-camera", daemon=True).start()

    async def take(self) -> Photo | None:
        """Return the next photo, None after the last."""
        asked: asyncio.Future[Photo | None] = self._loop.create_future()
        self._asked.put(asked)
        return await asked

    def close(self) -> None:
        """End the thread, as soon as the photo is there that it may be waiting for."""
        self._asked.put(None)

    def _read(self) -> None:
        photos = iter(self._photos)
        while (asked := self._asked.get()) is not None:
            photo, error = None, None
            try:
                photo = next(photos, None)
            except Exception as raised:  # noqa: BLE001 - the caller raises it again
                error = raised
            with suppress(RuntimeError):  # the loop is closed, and nobody waits
                self._loop.call_soon_threadsafe(_answer, asked, photo, error)


def _answer(
    asked: asyncio.Future[Photo | None], photo: Photo | None, error: Exception | None
) -> None:
    if asked.done():  # nobody waits any more
        return
    if error is None:
        asked.set_result(photo)
    else:
        asked.set_exception(error)
