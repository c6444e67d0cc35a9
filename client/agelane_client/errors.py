"""What can go wrong with a call, as exceptions.

    AgelaneError
    ├── ConfigurationError       a target or a timeout that can't be used
    ├── ClosedError              the client was closed
    ├── PhotoError               this photo can't be used; take another one
    ├── RequestError             another argument can't be used; `field` names it
    ├── SaleError                this sale will never be recorded; `reason` says why
    ├── SpoolError               the till's own disk can't keep a sale
    ├── DeadlineError            no answer in time
    ├── UnavailableError         no gateway reached, or it is going away
    ├── OverloadedError          too many calls; `retry_after` says when to come back
    ├── AuthError
    │   ├── CredentialsError         no credentials, or wrong ones
    │   └── PermissionDeniedError    credentials that don't allow this call
    └── ServerError              a fault of the gateway, or a call that it doesn't know

None of them is a decision: a till that catches one treats the customer as VERIFY_ID.
"""

from __future__ import annotations


class AgelaneError(Exception):
    """A call that ended without an answer."""

    message: str
    """What happened, for people."""
    reason: str
    """What happened, for programs: a name like TRUNCATED_PHOTO (agelane.v1.ErrorReason without its
    prefix, or UNREADABLE_FILE, which only the SDK gives). Empty: not told."""
    code: str
    """Name of the gRPC status code. Empty: the SDK found the error before it sent anything."""
    field: str
    """The field of the request that was wrong. Empty: none was, or not told."""
    retry_after: float | None
    """Seconds to wait before trying again. None: not told."""
    request_id: str
    """Name of the call in the gateway's log. Empty: it was never sent."""

    def __init__(
        self,
        message: str,
        *,
        reason: str = "",
        code: str = "",
        field: str = "",
        retry_after: float | None = None,
        request_id: str = "",
    ) -> None:
        super().__init__(message)
        self.message = message
        self.reason = reason
        self.code = code
        self.field = field
        self.retry_after = retry_after
        self.request_id = request_id

    def __str__(self) -> str:
        label = self.reason or self.code
        return f"{label}: {self.message}" if label else self.message

    def __repr__(self) -> str:
        return f"{type(self).__name__}({str(self)!r})"


class ConfigurationError(AgelaneError):
    """The client was set up with a target or a timeout that can't be used."""


class ClosedError(AgelaneError):
    """The client was closed before or during the call."""


class PhotoError(AgelaneError):
    """The photo can't be used: empty, too large, cut off, not a picture; `reason` says which."""


class RequestError(AgelaneError):
    """Another argument than the photo can't be used; `field` says which."""


class SaleError(AgelaneError):
    """The sale can't be recorded: TOKEN_FORGED, _EXPIRED or _REUSED, or SALE_ID_REUSED."""


class SpoolError(AgelaneError):
    """A spool can't keep a sale: full, in use, no space left on the disk, no spool at all."""


class DeadlineError(AgelaneError):
    """No answer came within the deadline."""


class UnavailableError(AgelaneError):
    """No gateway could be reached, or it went away during the call."""


class OverloadedError(AgelaneError):
    """The gateway has too much work, or this lane or store calls too often."""


class AuthError(AgelaneError):
    """The gateway does not serve this caller."""


class CredentialsError(AuthError):
    """The credentials are missing, wrong or no longer valid."""


class PermissionDeniedError(AuthError):
    """The credentials are valid and do not allow this call."""


class ServerError(AgelaneError):
    """The gateway failed, or does not know the call."""
