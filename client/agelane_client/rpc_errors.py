"""From a failed gRPC call to the SDK's exception: the one place that knows both."""

from __future__ import annotations

from typing import Any, TypeVar, cast

import grpc
from google.protobuf.message import DecodeError
from google.rpc import error_details_pb2
from grpc_status import rpc_status

from agelane_client.errors import (
    AgelaneError,
    CredentialsError,
    DeadlineError,
    OverloadedError,
    PermissionDeniedError,
    PhotoError,
    RequestError,
    SaleError,
    ServerError,
    UnavailableError,
)

_Detail = TypeVar("_Detail")

# By reason where that tells more than the code, else by code; what is in neither is a ServerError.
_CLASSES: dict[str, type[AgelaneError]] = {
    "INVALID_FIELD": RequestError,
    "UNKNOWN_RESTRICTED_CATEGORY": RequestError,
    "NO_CUSTOMER": RequestError,
    "TOKEN_FORGED": SaleError,
    "TOKEN_EXPIRED": SaleError,
    "TOKEN_REUSED": SaleError,
    "SALE_ID_REUSED": SaleError,
    "INVALID_ARGUMENT": PhotoError,
    "DEADLINE_EXCEEDED": DeadlineError,
    "UNAVAILABLE": UnavailableError,
    "CANCELLED": UnavailableError,  # a gateway that shuts down cancels what takes too long
    "RESOURCE_EXHAUSTED": OverloadedError,
    "UNAUTHENTICATED": CredentialsError,
    "PERMISSION_DENIED": PermissionDeniedError,
}
_DOMAIN = "agelane.v1"


def error_from_rpc(error: grpc.RpcError, request_id: str = "") -> AgelaneError:
    """Return the exception for the failed call `error`, with all that the gateway told about it.

    Details that are missing, broken or from elsewhere than agelane's gateway count as not told.
    """
    call = cast("grpc.Call", error)
    code = call.code().name
    details = _details(call)
    info = _first(details, error_details_pb2.ErrorInfo)
    reason: str = info.reason if info.domain == _DOMAIN else ""
    return (_CLASSES.get(reason) or _CLASSES.get(code, ServerError))(
        call.details() or "no further details",
        reason=reason,
        code=code,
        field=_field(_first(details, error_details_pb2.BadRequest)),
        retry_after=_seconds(_first(details, error_details_pb2.RetryInfo)),
        request_id=request_id,
    )


def _details(call: grpc.Call) -> list[Any]:
    """Return the google.rpc details of `call`, still packed."""
    try:
        status = rpc_status.from_call(call)
    except (DecodeError, ValueError):  # ValueError: they are another status's
        return []
    return [] if status is None else list(status.details)


def _first(details: list[Any], kind: type[_Detail]) -> Any:
    """Return the first of `details` that is a `kind`, or an empty one."""
    for packed in details:
        message = kind()
        try:
            if packed.Unpack(message):
                return message
        except DecodeError:
            continue
    return kind()


def _field(request: Any) -> str:
    """Return the name of the first wrong field of a BadRequest, or nothing."""
    return next((violation.field for violation in request.field_violations), "")


def _seconds(retry: Any) -> float | None:
    """Return how long a RetryInfo asks to wait, at least 0 s; None if it doesn't ask."""
    if not retry.HasField("retry_delay"):
        return None
    delay = retry.retry_delay
    return max(0.0, float(delay.seconds + delay.nanos / 1e9))
