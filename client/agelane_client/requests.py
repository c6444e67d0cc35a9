"""From what a caller gives to what goes over the wire."""

from __future__ import annotations

import asyncio
import os
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from typing import TypeAlias

from google.protobuf.timestamp_pb2 import Timestamp

from agelane.v1.checkout_pb2 import AssessCustomerRequest, CustomerStart
from agelane_client import photo_files
from agelane_client.errors import DeadlineError, RequestError
from agelane_client.options import Options, Preparation

MAX_PHOTO_BYTES = 1_048_576

Photo: TypeAlias = photo_files.Photo
"""A JPEG or PNG file, as its bytes or its path; a Pillow image or a NumPy array."""


def read_photo(photo: Photo, prepare: bool | Preparation = False) -> bytes:
    """Return what is sent of `photo`, 1 to MAX_PHOTO_BYTES bytes.

    A file is sent as it is, unless `prepare` says otherwise (see `Options.prepare_photos`); whether
    it is a photo at all is then for the gateway to say. An image or an array is always prepared.

    Raises:
        PhotoError: it can't be read or prepared, is empty or too large; `reason` says which.
        ConfigurationError: it must be prepared, and Pillow is missing.
    """
    if prepare or not isinstance(photo, (bytes, bytearray, memoryview, str, os.PathLike)):
        photo = prepare(photo) if callable(prepare) else _prepared(photo)
    return photo_files.read_file(photo, MAX_PHOTO_BYTES)


async def read_photo_async(
    photo: Photo, prepare: bool | Preparation = False, seconds: float | None = None
) -> bytes:
    """Return what is sent as `read_photo` does, in a thread if that may take a while.

    Raises DeadlineError after so many seconds.
    """
    if isinstance(photo, bytes) and not prepare:
        return read_photo(photo)
    # Even a small file may lie on a disk that is slow to wake.
    reading = asyncio.to_thread(read_photo, photo, prepare)
    try:
        return await asyncio.wait_for(reading, seconds)
    except asyncio.TimeoutError as error:
        raise DeadlineError("the photo could not be read in time") from error


@contextmanager
def told_as_request_error() -> Iterator[None]:
    """Say of arguments that protobuf does not take, that they can't be used."""
    try:
        yield
    except (TypeError, ValueError) as error:  # of a wrong type, too large, no valid text
        raise RequestError(f"an argument can't be sent: {error}", reason="INVALID_FIELD") from error


def _prepared(photo: Photo) -> bytes:
    # A till need not have Pillow, nor load it before there is something to prepare.
    from agelane_client.photos import prepare

    return prepare(photo)


def assess_request(
    photo: bytes,
    options: Options,
    *,
    store_id: str | None,
    lane_id: str | None,
    request_id: str | None,
    restricted_category: str | None,
) -> AssessCustomerRequest:
    """Return the request for one photo; None takes the client's options or the gateway's default.

    A call without a name gets one, so that it can be found in the gateway's log if it fails.
    """
    with told_as_request_error():
        return AssessCustomerRequest(
            photo=photo,
            store_id=options.store_id if store_id is None else store_id,
            lane_id=options.lane_id if lane_id is None else lane_id,
            request_id=request_id or uuid.uuid4().hex,
            restricted_category=restricted_category or "",
        )


def customer_start(
    options: Options,
    *,
    store_id: str | None,
    lane_id: str | None,
    request_id: str | None,
    restricted_category: str | None,
) -> CustomerStart:
    """Return what begins a stream of photos of one customer; None as for `assess_request`."""
    with told_as_request_error():
        return CustomerStart(
            store_id=options.store_id if store_id is None else store_id,
            lane_id=options.lane_id if lane_id is None else lane_id,
            request_id=request_id or uuid.uuid4().hex,
            restricted_category=restricted_category or "",
        )


def to_timestamp(moment: datetime, name: str) -> Timestamp:
    """Return `moment` as the wire has it; raises RequestError for one that is none in UTC."""
    if moment.utcoffset() is None:
        raise RequestError(f"{name} must have a time zone", reason="INVALID_FIELD", field=name)
    wire = Timestamp()
    try:
        wire.FromDatetime(moment)
    except OverflowError as error:
        message = f"{name} must lie in the years 1 to 9999"
        raise RequestError(message, reason="INVALID_FIELD", field=name) from error
    return wire
