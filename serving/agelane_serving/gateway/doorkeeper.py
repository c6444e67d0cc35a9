"""Turn strangers away before their message is read: it might never come, and hold a place."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any, NoReturn, TypeAlias

import grpc

from agelane_serving.gateway.access import Access
from agelane_serving.gateway.errors import CallError
from agelane_serving.gateway.status import refuse

_Handler: TypeAlias = "grpc.RpcMethodHandler[Any, Any]"
_Continuation = Callable[[grpc.HandlerCallDetails], Awaitable["_Handler | None"]]
_FOR_ALL = "/grpc.health.v1.Health/"
_PATIENCE_SECONDS = 2.0


class Doorkeeper(grpc.aio.ServerInterceptor):
    """Lets nobody call who has no credentials. Health needs none, and has to be asked at once."""

    def __init__(self, access: Access) -> None:
        """It is used as long as the server is."""
        self._access = access

    async def intercept_service(
        self, continuation: _Continuation, handler_call_details: grpc.HandlerCallDetails
    ) -> _Handler | None:
        """Return who answers a call of which only the metadata have come."""
        if handler_call_details.method.startswith(_FOR_ALL):
            return _at_once(await continuation(handler_call_details))
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


def _at_once(handler: Any) -> _Handler | None:
    """Return a handler of one message that does not wait for it as long as the caller likes."""
    if handler is None or handler.request_streaming:
        return handler  # type: ignore[no-any-return]

    async def message(requests: Any, context: grpc.aio.ServicerContext[Any, Any]) -> Any:
        try:
            async with asyncio.timeout(_PATIENCE_SECONDS):
                return await anext(requests)
        except (TimeoutError, StopAsyncIteration):
            await context.abort(grpc.StatusCode.DEADLINE_EXCEEDED, "no message came")

    async def answer(requests: Any, context: grpc.aio.ServicerContext[Any, Any]) -> Any:
        return await handler.unary_unary(await message(requests, context), context)

    async def answers(requests: Any, context: grpc.aio.ServicerContext[Any, Any]) -> Any:
        async for each in handler.unary_stream(await message(requests, context), context):
            yield each

    formats = handler.request_deserializer, handler.response_serializer
    if handler.response_streaming:
        return grpc.stream_stream_rpc_method_handler(answers, *formats)
    return grpc.stream_unary_rpc_method_handler(answer, *formats)
