"""An Envoy in front of two gateways, for test_envoy.py."""

from __future__ import annotations

import asyncio
import shutil
import urllib.request
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from string import Template

import grpc
from google.rpc import status_pb2

from agelane.v1 import assessment_pb2
from tests.serving.foreign.processes import (
    BUF,
    DEADLINE_SECONDS,
    ENVOY,
    ROOT,
    Running,
    gateway_for,
    listening,
    run,
    until_ready,
)
from tests.serving.gateway.conftest import Lane, until
from tests.serving.gateway.fake_model_server import FakeModelServer

OPENSSL = shutil.which("openssl")
_TEMPLATE = Path(__file__).parent / "envoy.yaml"
_STARTED = r"(?s)admin address: (\S+).*starting workers"
_numbers = count()


@dataclass(frozen=True)
class Front:
    """An Envoy and what stands behind it."""

    models: list[FakeModelServer]
    gateways: list[Running]
    address: str
    admin: str
    certificate: Path
    lane: Lane

    async def assess(self) -> assessment_pb2.Assessment:
        """Assess a good photo, on a lane that has not called before."""
        lane_id = f"lane-{next(_numbers)}"
        return await self.lane.assess(timeout=DEADLINE_SECONDS, lane_id=lane_id)

    def photos(self) -> list[int]:
        """Return how many photos have come to each model."""
        return [len(model.photos) for model in self.models]

    async def until_photos(self, model: int, more: int) -> None:
        """Wait until so many more photos have come to a model."""
        wanted = self.photos()[model] + more

        async def is_so() -> bool:
            return self.photos()[model] >= wanted

        await until(is_so)

    async def until_healthy(self, gateways: int) -> None:
        """Wait until Envoy takes so many gateways for healthy."""

        async def is_so() -> bool:
            clusters = await asyncio.to_thread(_get, f"http://{self.admin}/clusters")
            return clusters.count("health_flags::healthy") == gateways

        await until(is_so)


@asynccontextmanager
async def fronted(folder: Path, policy: Path) -> AsyncIterator[Front]:
    """Run an Envoy in front of two gateways, each with a model server of its own."""
    async with AsyncExitStack() as stack:
        models = [FakeModelServer(), FakeModelServer()]
        for model in models:
            await model.start()
            stack.push_async_callback(model.stop)
        gateways = [
            await stack.enter_async_context(gateway_for(model.address, policy)) for model in models
        ]
        for gateway in gateways:
            await until_ready(gateway.address)
        certificate = folder / "certificate.pem"
        command = await _configured(folder, certificate, [gateway.address for gateway in gateways])
        admin = (await stack.enter_async_context(listening(_STARTED, *command))).address
        listeners = await asyncio.to_thread(_get, f"http://{admin}/listeners")
        address = listeners.partition("::")[2].strip()
        trust = grpc.ssl_channel_credentials(certificate.read_bytes())
        channel = await stack.enter_async_context(grpc.aio.secure_channel(address, trust))
        yield Front(models, gateways, address, admin, certificate, Lane(channel))


async def _configured(folder: Path, certificate: Path, gateways: list[str]) -> list[str]:
    """Return the command that runs an Envoy in front of these gateways."""
    key, descriptors, file = folder / "key.pem", folder / "descriptors.binpb", folder / "envoy.yaml"
    await _certify(certificate, key)
    await _describe(folder / "proto", descriptors)
    first_port, second_port = (gateway.rpartition(":")[2] for gateway in gateways)
    filled_in = Template(_TEMPLATE.read_text("utf-8")).substitute(
        certificate=certificate,
        key=key,
        descriptors=descriptors,
        first_port=first_port,
        second_port=second_port,
    )
    file.write_text(filled_in, "utf-8")
    # Hot restart would meet other Envoys of this machine in shared memory.
    flags = ["--disable-hot-restart", "--concurrency", "1"]
    return [str(ENVOY), "--config-path", str(file), *flags]


async def _certify(certificate: Path, key: Path) -> None:
    """Make a certificate of this machine that vouches for itself."""
    kind = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "1")
    name = ("-subj", "/CN=envoy", "-addext", "subjectAltName=IP:127.0.0.1")
    made = await run(
        str(OPENSSL), "req", "-x509", *kind, *name, "-keyout", key, "-out", certificate
    )
    assert made.code == 0, made.errors


async def _describe(folder: Path, descriptors: Path) -> None:
    """Describe the contract, and the details of errors: Envoy writes no JSON of what it lacks."""
    google_rpc = folder / "google" / "rpc"
    google_rpc.mkdir(parents=True)
    (folder / "agelane").symlink_to(ROOT / "proto" / "agelane")
    for name in ("status.proto", "error_details.proto"):
        # googleapis-common-protos brings them along with its modules.
        shutil.copy(Path(status_pb2.__file__).parent / name, google_rpc)
    built = await run(
        str(BUF), "build", folder, "--as-file-descriptor-set", "--output", descriptors
    )
    assert built.code == 0, built.errors


def _get(url: str) -> str:
    without_proxy = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    with without_proxy.open(url, timeout=30) as response:
        content: bytes = response.read()
    return content.decode()
