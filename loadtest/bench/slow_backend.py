"""`python -m loadtest.bench.slow_backend LISTEN WORKERS SECONDS`: a model server of known capacity.

It works on so many calls at a time, each of which takes so long; the others wait, as with
TensorFlow Serving, for as long as their callers like.
"""

from __future__ import annotations

import asyncio
import sys

from loadtest.bench.model_endpoint import serve_model
from loadtest.bench.null_backend import predict_answer


async def serve(listen: str, workers: int, seconds: float) -> None:
    """Answer until terminated."""
    at_work, answer = asyncio.Semaphore(workers), predict_answer()

    async def predict(request: bytes, context: object) -> bytes:
        async with at_work:
            await asyncio.sleep(seconds)
        return answer

    await serve_model(listen, predict)


if __name__ == "__main__":
    asyncio.run(serve(sys.argv[1], int(sys.argv[2]), float(sys.argv[3])))
