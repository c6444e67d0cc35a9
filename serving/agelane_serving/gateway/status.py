"""The error boundary: how a failed call looks on the wire."""

from __future__ import annotations

import functools
import logging
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any, NoReturn, TypeVar

import grpc
from google.protobuf import any_pb2, message
from google.rpc import error_details_pb2, status_pb2
from grpc_status import rpc_status

from agelane_serving.gateway.errors import CallError, Fault
from agelane_serving.gateway.operations import metrics

ERROR_DOMAIN = "agelane.v1"
_CODES = {
    grpc.StatusCode.INVALID_ARGUMENT: (
        Fault.EMPTY_PHOTO,
        Fault.PHOTO_TOO_LARGE,
        Fault.UNSUPPORTED_FORMAT,
        Fault.ANIMATED_PHOTO,
        Fault.TRUNCATED_PHOTO,
        Fault.CORRUPT_PHOTO,
        Fault.TOO_MANY_PIXELS,
        Fault.TOO_FEW_PIXELS,
        Fault.INVALID_FIELD,
        Fault.UNKNOWN_RESTRICTED_CATEGORY,
        Fault.NO_CUSTOMER,
    ),
    grpc.StatusCode.DEADLINE_EXCEEDED: (Fault.DEADLINE_TOO_SHORT,),
    grpc.StatusCode.RESOURCE_EXHAUSTED: (Fault.OVERLOADED, Fault.RATE_LIMITED),
    grpc.StatusCode.UNAVAILABLE: (Fault.SHUTTING_DOWN, Fault.LEDGER_UNAVAILABLE),
    grpc.StatusCode.UNAUTHENTICATED: (Fault.CREDENTIALS_MISSING, Fault.CREDENTIALS_INVALID),
    grpc.StatusCode.PERMISSION_DENIED: (
        Fault.STORE_NOT_PERMITTED,
        Fault.ROLE_NOT_PERMITTED,
        Fault.TOKEN_FORGED,
    ),
    grpc.StatusCode.FAILED_PRECONDITION: (Fault.TOKEN_EXPIRED, Fault.TOKEN_REUSED),
    grpc.StatusCode.ALREADY_EXISTS: (Fault.SALE_ID_REUSED,),
    grpc.StatusCode.UNIMPLEMENTED: (Fault.NOT_IMPLEMENTED,),
    grpc.StatusCode.INTERNAL: (Fault.INTERNAL,),
}
_CODE_OF = {fault: code for code, faults in _CODES.items() for fault in faults}

_logger = logging.getLogger(__name__)
_Self = TypeVar("_Self")
_Request = TypeVar("_Request")
_Response = TypeVar("_Response")
_Context = grpc.aio.ServicerContext[Any, Any]
_Method = Callable[[_Self, _Request, _Context], Awaitable[_Response]]
_StreamMethod = Callable[[_Self, _Request, _Context], AsyncIterator[_Response]]


def answers_errors(
    method: _Method[_Self, _Request, _Response],
) -> _Method[_Self, _Request, _Response]:
    """Make a servicer method end a failed call with its code and details, and with no more."""

    @functools.wraps(method)
    async def guarded(self: _Self, request: _Request, context: _Context) -> _Response:
        try:
            return await method(self, request, context)
        except Exception as error:  # noqa: BLE001  # the one boundary
            await refuse(context, error)

    return guarded


def streams_errors(
    method: _StreamMethod[_Self, _Request, _Response],
) -> _StreamMethod[_Self, _Request, _Response]:
    """Do the same for a method that answers with a stream."""

    @functools.wraps(method)
    async def guarded(
        self: _Self, requests: _Request, context: _Context
    ) -> AsyncIterator[_Response]:
        try:
            async for response in method(self, requests, context):
                yield response
        except Exception as error:  # noqa: BLE001  # as above
            await refuse(context, error)

    return guarded


def _told(error: Exception) -> CallError:
    """Return what the caller is told, and log the rest."""
    if isinstance(error, CallError):
        _logger.info("refused", extra={"fault": error.fault.name, "why": error.message})
    else:
        _logger.error("unforeseen error", exc_info=error)
        error = CallError(Fault.INTERNAL, "the gateway failed; see its log")
    metrics.REFUSED.labels(error.fault.name).inc()
    return error


def to_status(error: CallError) -> status_pb2.Status:
    """Return the google.rpc.Status of a failed call, with the details of the contract."""
    info = error_details_pb2.ErrorInfo(reason=error.fault.name, domain=ERROR_DOMAIN)
    for name, value in (("limit", error.limit), ("actual", error.actual)):
        if value is not None:
            info.metadata[name] = str(value)
    details: list[message.Message] = [info]
    if error.field is not None:
        violation = error_details_pb2.BadRequest.FieldViolation(
            field=error.field, description=error.message, reason=error.fault.name
        )
        details.append(error_details_pb2.BadRequest(field_violations=[violation]))
    if error.retry_seconds is not None:
        retry = error_details_pb2.RetryInfo()
        retry.retry_delay.FromMilliseconds(round(1000 * error.retry_seconds))
        details.append(retry)
    code: int = _CODE_OF[error.fault].value[0]
    return status_pb2.Status(code=code, message=error.message, details=map(_packed, details))


def _packed(detail: message.Message) -> any_pb2.Any:
    packed = any_pb2.Any()
    packed.Pack(detail)
    return packed


async def refuse(context: _Context, error: Exception) -> NoReturn:
    """End a call with the code and the details of what is wrong with it, counted and logged."""
    status = rpc_status.to_status(to_status(_told(error)))
    await context.abort(status.code, status.details or "", status.trailing_metadata or ())
