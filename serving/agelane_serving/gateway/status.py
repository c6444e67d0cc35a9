"""The error boundary: how a failed call looks on the wire."""

from __future__ import annotations

import functools
import logging
from collections.abc import Awaitable, Callable
from typing import Any, NoReturn, TypeVar

import grpc
from google.protobuf import any_pb2, message
from google.rpc import error_details_pb2, status_pb2
from grpc_status import rpc_status

from agelane_serving.gateway.errors import CallError, Fault

ERROR_DOMAIN = "agelane.v1"
_CODES = {
    Fault.EMPTY_PHOTO: grpc.StatusCode.INVALID_ARGUMENT,
    Fault.PHOTO_TOO_LARGE: grpc.StatusCode.INVALID_ARGUMENT,
    Fault.UNSUPPORTED_FORMAT: grpc.StatusCode.INVALID_ARGUMENT,
    Fault.ANIMATED_PHOTO: grpc.StatusCode.INVALID_ARGUMENT,
    Fault.TRUNCATED_PHOTO: grpc.StatusCode.INVALID_ARGUMENT,
    Fault.CORRUPT_PHOTO: grpc.StatusCode.INVALID_ARGUMENT,
    Fault.TOO_MANY_PIXELS: grpc.StatusCode.INVALID_ARGUMENT,
    Fault.TOO_FEW_PIXELS: grpc.StatusCode.INVALID_ARGUMENT,
    Fault.INVALID_FIELD: grpc.StatusCode.INVALID_ARGUMENT,
    Fault.UNKNOWN_RESTRICTED_CATEGORY: grpc.StatusCode.INVALID_ARGUMENT,
    Fault.DEADLINE_TOO_SHORT: grpc.StatusCode.DEADLINE_EXCEEDED,
    Fault.NOT_IMPLEMENTED: grpc.StatusCode.UNIMPLEMENTED,
    Fault.INTERNAL: grpc.StatusCode.INTERNAL,
}

_logger = logging.getLogger(__name__)
_Self = TypeVar("_Self")
_Request = TypeVar("_Request")
_Response = TypeVar("_Response")
_Context = grpc.aio.ServicerContext[Any, Any]
_Method = Callable[[_Self, _Request, _Context], Awaitable[_Response]]


def answers_errors(
    method: _Method[_Self, _Request, _Response],
) -> _Method[_Self, _Request, _Response]:
    """Make a servicer method end a failed call with its code and details, and with no more."""

    @functools.wraps(method)
    async def guarded(self: _Self, request: _Request, context: _Context) -> _Response:
        try:
            return await method(self, request, context)
        except CallError as error:
            _logger.info("refused: %s %s", error.fault.name, error.message)
            await _abort(context, error)
        except Exception:
            _logger.exception("unforeseen error")
            await _abort(context, CallError(Fault.INTERNAL, "the gateway failed; see its log"))

    return guarded


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
    code: int = _CODES[error.fault].value[0]
    return status_pb2.Status(code=code, message=error.message, details=map(_packed, details))


def _packed(detail: message.Message) -> any_pb2.Any:
    packed = any_pb2.Any()
    packed.Pack(detail)
    return packed


async def _abort(context: _Context, error: CallError) -> NoReturn:
    status = rpc_status.to_status(to_status(error))
    await context.abort(status.code, status.details or "", status.trailing_metadata or ())
