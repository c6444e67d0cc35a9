"""`python -m loadtest.bench.hop LISTEN TARGET`: passes calls on, and does nothing else.

What gRPC for asyncio costs at least: the gateway is measured against it.
"""

from __future__ import annotations

import asyncio
import sys
from typing import Any

import grpc

from loadtest.bench.null_backend import ASSESS, PREDICT


async def serve(listen: str, target: str) -> None:
    """Pass each call on as a Predict call, bytes for bytes."""
    async with grpc.aio.insecure_channel(target) as channel:
        predict: Any = channel.unary_unary(PREDICT)

        async def handle(request: bytes, context: object) -> bytes:
            return bytes(await predict(request, timeout=5))

        service, method = ASSESS.strip("/").split("/")
        handler: Any = grpc.unary_unary_rpc_method_handler(handle)
        server = grpc.aio.server(options=[("grpc.so_reuseport", 0)])
        server.add_generic_rpc_handlers(
            (grpc.method_handlers_generic_handler(service, {method: handler}),)
        )
        server.add_insecure_port(listen)
        await server.start()
        await server.wait_for_termination()


if __name__ == "__main__":
    asyncio.run(serve(*sys.argv[1:]))
