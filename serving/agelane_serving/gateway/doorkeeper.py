"""Turn strangers away before their message is read: it might never come, and hold a place."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any, NoReturn, TypeAlias

import grpc

from agelane_serving.gateway.access import Access
from agelane_serving.gateway.errors import CallError
from agelane_serving.gateway.status import refuse

_Handler: TypeAlias = "grpc.RpcMethodHandler[Any, Any]"
_Continuation = Callable[[grpc.HandlerCallDetails], Awaitable["_Handler | None"]]
_OURS = "/agelane."


class Doorkeeper(grpc.aio.ServerInterceptor):
    """Lets nobody call agelane's own services who has no credentials; health needs none."""

    def __init__(self, access: Access) -> None:
        """It is used as long as the server is."""
        self._access = access

    async def intercept_service(
        self, continuation: _Continuation, handler_call_details: grpc.HandlerCallDetails
    ) -> _Handler | None:
        """Return who answers a call of which only the metadata have come."""
        if handler_call_details.method.startswith(_OURS):
            try:
                self._access.check_known(handler_call_details.invocation_metadata)
            except CallError as error:
                return _refusal(error)
        return await continuation(handler_call_details)


def _refusal(error: CallError) -> _Handler:
    async def answer(requests: object, context: grpc.aio.ServicerContext[Any, Any]) -> NoReturn:
        await refuse(context, error)

    # Of a stream gRPC reads no message before it is asked for one; the caller sees no difference.
    return grpc.stream_stream_rpc_method_handler(answer)
