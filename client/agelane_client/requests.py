"""From what a caller gives to what goes over the wire."""

from __future__ import annotations

import os
import stat
import uuid
from datetime import datetime
from pathlib import Path
from typing import TypeAlias

from google.protobuf.timestamp_pb2 import Timestamp

from agelane.v1.checkout_pb2 import AssessCustomerRequest, CustomerStart
from agelane_client.errors import PhotoError, RequestError
from agelane_client.options import Options

MAX_PHOTO_BYTES = 1_048_576

Photo: TypeAlias = "bytes | bytearray | memoryview | str | os.PathLike[str]"
"""A JPEG or PNG file, as its bytes or its path."""


def read_photo(photo: Photo) -> bytes:
    """Return the bytes of `photo`, 1 to MAX_PHOTO_BYTES of them.

    Raises PhotoError with the reason UNREADABLE_FILE, EMPTY_PHOTO or PHOTO_TOO_LARGE; whether it is
    a photo at all is for the gateway to say.
    """
    data = _read_file(Path(photo)) if isinstance(photo, (str, os.PathLike)) else bytes(photo)
    _check_size(len(data))
    return data


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


def _read_file(path: Path) -> bytes:
    """Return the contents of the file at `path`; at most one byte more than a photo may have."""
    try:
        status = path.stat()
        if not stat.S_ISREG(status.st_mode):  # to read a pipe or a device may take for ever
            raise PhotoError(f"{path} is not a regular file", reason="UNREADABLE_FILE")
        _check_size(status.st_size)
        with path.open("rb") as file:
            return file.read(MAX_PHOTO_BYTES + 1)
    except (OSError, ValueError) as error:  # ValueError: a path with a null character
        message = getattr(error, "strerror", None) or str(error)
        raise PhotoError(message, reason="UNREADABLE_FILE") from error


def _check_size(size: int) -> None:
    if size == 0:
        raise PhotoError("the photo has no bytes", reason="EMPTY_PHOTO")
    if size > MAX_PHOTO_BYTES:
        message = f"the photo has {size:,} bytes, at most {MAX_PHOTO_BYTES:,} are allowed"
        raise PhotoError(message, reason="PHOTO_TOO_LARGE")
