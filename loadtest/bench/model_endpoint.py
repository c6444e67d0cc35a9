"""What a model server in Python answers at: the two methods that a gateway calls."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

import grpc

from loadtest.bench.null_backend import PREDICT, STATUS, status_answer

Predict = Callable[[bytes, object], Awaitable[bytes]]
"""Takes the bytes of a PredictRequest and the call's context, returns those of the answer."""


async def serve_model(listen: str, predict: Predict) -> None:
    """Answer until terminated; one version is always available."""
    status = status_answer()

    async def tell(request: bytes, context: object) -> bytes:
        return status

    server = grpc.aio.server(options=[("grpc.so_reuseport", 0)])
    for path, method in ((PREDICT, predict), (STATUS, tell)):
        service, name = path.strip("/").split("/")
        handler: Any = grpc.unary_unary_rpc_method_handler(method)
        server.add_generic_rpc_handlers(
            (grpc.method_handlers_generic_handler(service, {name: handler}),)
        )
    server.add_insecure_port(listen)
    await server.start()
    await server.wait_for_termination()
