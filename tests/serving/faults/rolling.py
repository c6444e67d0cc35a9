"""`python -m tests.serving.faults.rolling --restarts 20`: restarts under load that no till notices.

Two gateways and two model servers, of which one after the other is stopped and started again, as an
upgrade does, while lanes call through the SDK. A call that fails, or is answered without an age,
counts against it.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import signal
import sys
from collections import Counter
from collections.abc import AsyncIterator

from agelane_client import AgelaneError, AsyncClient, Health
from tests.ports import free_port
from tests.serving.gateway import photos
from tests.serving.gateway.fake_model_server import FakeModelServer

_LANES = 8
_SETTLE_SECONDS = 1.5


class Gateway:
    """A gateway on a port of its own."""

    def __init__(self, models: list[FakeModelServer]) -> None:
        self.address = f"127.0.0.1:{free_port()}"
        self._models = models

    async def start(self) -> None:
        """Start, and wait until it is ready."""
        targets = ",".join(model.address for model in self._models)
        self._process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "agelane_serving.gateway"),
            *(f"--listen={self.address}", f"--model-server={targets}"),
            stderr=asyncio.subprocess.DEVNULL,
        )
        async with AsyncClient(self.address) as client, asyncio.timeout(60):
            while True:
                with contextlib.suppress(AgelaneError):
                    if await client.health() is Health.SERVING:
                        return
                await asyncio.sleep(0.05)

    async def stop(self) -> None:
        """Drain and end."""
        self._process.send_signal(signal.SIGTERM)
        assert await asyncio.wait_for(self._process.wait(), 30) == 0


async def roll(restarts: int) -> Counter[str]:
    """Restart each of them so often; return how calls ended: all of them should be `answered`."""
    models = [FakeModelServer(), FakeModelServer()]
    for model in models:
        await model.start()
    gateways = [Gateway(models), Gateway(models)]
    await asyncio.gather(*[gateway.start() for gateway in gateways])
    ends: Counter[str] = Counter()
    target = "ipv4:" + ",".join(gateway.address for gateway in gateways)
    async with _load(target, ends):
        for turn in range(restarts):
            gateway, model = gateways[turn % 2], models[turn % 2]
            await gateway.stop()
            await gateway.start()
            await asyncio.sleep(_SETTLE_SECONDS)
            await model.stop()
            await model.start(model.port)
            await asyncio.sleep(_SETTLE_SECONDS)
    for gateway in gateways:
        await gateway.stop()
    for model in models:
        await model.stop()
    return ends


@contextlib.asynccontextmanager
async def _load(target: str, ends: Counter[str]) -> AsyncIterator[None]:
    """Let lanes call for as long as the context lasts."""
    done = asyncio.Event()

    async def lane(number: int) -> None:
        async with AsyncClient(target, lane_id=f"lane-{number}", timeout=2.0) as client:
            while not done.is_set():
                try:
                    assessment = await client.assess(photos.jpeg())
                    ends["no age" if assessment.age_years is None else "answered"] += 1
                except AgelaneError as error:
                    ends[type(error).__name__] += 1
                await asyncio.sleep(0.11)

    lanes = [asyncio.create_task(lane(number)) for number in range(_LANES)]
    yield
    done.set()
    await asyncio.gather(*lanes)


def main() -> int:
    """Restart and count; return the exit code."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n\n")[2])
    parser.add_argument("--restarts", type=int, default=20, help="of each kind (%(default)s)")
    options = parser.parse_args()
    ends = asyncio.run(roll(options.restarts))
    print(f"{options.restarts} restarts of each kind: {dict(ends)}")
    return 0 if ends.keys() == {"answered"} else 1


if __name__ == "__main__":
    sys.exit(main())
