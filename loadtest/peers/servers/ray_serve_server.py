"""Ray Serve, with its batching: `python -m loadtest.peers.servers.ray_serve_server PORT`."""

from __future__ import annotations

import asyncio
import sys
from typing import Any

import ray
from ray import serve
from starlette.requests import Request

from loadtest.peers.servers.names import AT_ONCE, WAIT_SECONDS
from loadtest.peers.servers.saved_model import SavedModel, most_photos


@serve.deployment(max_ongoing_requests=128)
class Ages:
    """POST / with a photo as the body answers {"age": YEARS}."""

    def __init__(self) -> None:
        """Load the model, in the replica."""
        self._model = SavedModel()

    @serve.batch(
        max_batch_size=most_photos(),
        batch_wait_timeout_s=WAIT_SECONDS,
        max_concurrent_batches=AT_ONCE,
    )
    async def ages(self, photos: list[bytes]) -> list[float]:
        """Return their ages, while more photos come."""
        return await asyncio.to_thread(self._model.ages, photos)

    async def __call__(self, request: Request) -> dict[str, float]:
        """Answer one call."""
        return {"age": await self.ages(await request.body())}


if __name__ == "__main__":
    ray.init(include_dashboard=False, logging_level="error")
    serve.start(http_options={"host": "127.0.0.1", "port": int(sys.argv[1])})
    deployment: Any = Ages
    serve.run(deployment.bind(), blocking=True)
