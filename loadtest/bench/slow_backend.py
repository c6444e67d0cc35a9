"""`python -m loadtest.bench.slow_backend LISTEN WORKERS SECONDS`: a model server of known capacity.

It works on so many calls at a time, each of which takes so long; the others wait, as with
TensorFlow Serving, for as long as their callers like.
"""

from __future__ import annotations

import asyncio
import sys
from typing import Any

import grpc

from loadtest.bench.null_backend import PREDICT, STATUS, predict_answer, status_answer


async def serve(listen: str, workers: int, seconds: float) -> None:
    """Answer until terminated."""
    at_work, answer, status = asyncio.Semaphore(workers), predict_answer(), status_answer()

    async def predict(request: bytes, context: object) -> bytes:
        async with at_work:
            await asyncio.sleep(seconds)
        return answer

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


if __name__ == "__main__":
    asyncio.run(serve(sys.argv[1], int(sys.argv[2]), float(sys.argv[3])))
