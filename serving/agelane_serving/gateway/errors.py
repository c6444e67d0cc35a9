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
    NO_CUSTOMER = auto()
    DEADLINE_TOO_SHORT = auto()
    OVERLOADED = auto()
    RATE_LIMITED = auto()
    SHUTTING_DOWN = auto()
    CREDENTIALS_MISSING = auto()
    CREDENTIALS_INVALID = auto()
    STORE_NOT_PERMITTED = auto()
    ROLE_NOT_PERMITTED = auto()
    TOKEN_FORGED = auto()
    TOKEN_EXPIRED = auto()
    TOKEN_REUSED = auto()
    SALE_ID_REUSED = auto()
    LEDGER_UNAVAILABLE = auto()
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
        retry_seconds: float | None = None,
    ) -> None:
        """`field` is what to correct in the request; `limit` and `actual` a limit it broke.

        `retry_seconds` is how long to wait before the same call may succeed.
        """
        super().__init__(message)
        self.fault = fault
        self.message = message
        self.field = field
        self.limit = limit
        self.actual = actual
        self.retry_seconds = retry_seconds


class ModelUnavailable(Exception):
    """The model did not answer in time, answered nonsense, or is not there. Never sent as it is."""


class ModelSlow(ModelUnavailable):
    """The model did not answer in time; it may be there all the same."""


class ModelUnreachable(ModelUnavailable):
    """The model server could not be reached, or sent the call away; another one may take it."""


class PhotoUnusable(Exception):
    """The photo passed the checks, but can't be decoded. Never sent as it is."""
