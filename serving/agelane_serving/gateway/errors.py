"""What can be wrong with a call. Nothing here knows of gRPC; `status` has the one table for it."""

from __future__ import annotations

from enum import Enum, auto


class Fault(Enum):
    """Kinds of failed calls, by the names of the contract's ErrorReason."""

    EMPTY_PHOTO = auto()
    PHOTO_TOO_LARGE = auto()
    UNSUPPORTED_FORMAT = auto()
    ANIMATED_PHOTO = auto()
    TRUNCATED_PHOTO = auto()
    CORRUPT_PHOTO = auto()
    TOO_MANY_PIXELS = auto()
    TOO_FEW_PIXELS = auto()
    INVALID_FIELD = auto()
    UNKNOWN_RESTRICTED_CATEGORY = auto()
    DEADLINE_TOO_SHORT = auto()
    NOT_IMPLEMENTED = auto()
    INTERNAL = auto()


class CallError(Exception):
    """A call that gets no assessment. The message is for the caller: no internals in it."""

    def __init__(
        self,
        fault: Fault,
        message: str,
        *,
        field: str | None = None,
        limit: int | None = None,
        actual: int | None = None,
    ) -> None:
        """`field` is what to correct in the request; `limit` and `actual` a limit it broke."""
        super().__init__(message)
        self.fault = fault
        self.message = message
        self.field = field
        self.limit = limit
        self.actual = actual


class ModelUnavailable(Exception):
    """The model did not answer in time, answered nonsense, or is not there. Never sent as it is."""


class ModelSlow(ModelUnavailable):
    """The model did not answer in time; it may be there all the same."""


class PhotoUnusable(Exception):
    """The photo passed the checks, but can't be decoded. Never sent as it is."""
