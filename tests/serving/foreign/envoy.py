"""An Envoy in front of two gateways, for test_envoy.py."""

from __future__ import annotations

import asyncio
import json
import re
import shutil
import urllib.request
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from typing import Any

import grpc
from google.rpc import status_pb2
from ruamel.yaml import YAML

from agelane.v1 import assessment_pb2, report_pb2_grpc
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
CONFIGURATION = ROOT / "serving/envoy/envoy.yaml"
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
    reports: report_pb2_grpc.ReportServiceAsyncStub

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
            healthy = re.findall(r"^gateways::.*::health_flags::healthy$", clusters, re.MULTILINE)
            return len(healthy) == gateways

        await until(is_so)


@asynccontextmanager
async def fronted(folder: Path, policy: Path) -> AsyncIterator[Front]:
    """Run an Envoy in front of two gateways, each with a model server of its own, and an office."""
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
        config = await configuration(folder)
        office = await stack.enter_async_context(
            gateway_for(models[0].address, policy, *ledger(folder))
        )
        behind(config, "gateways", [gateway.address for gateway in gateways])
        behind(config, "office", [office.address])
        envoy = await stack.enter_async_context(running(config, folder))
        admin, address = envoy.admin, envoy.tls
        trust = grpc.ssl_channel_credentials(certificate.read_bytes())
        channel = await stack.enter_async_context(grpc.aio.secure_channel(address, trust))
        reports: report_pb2_grpc.ReportServiceAsyncStub
        reports = report_pb2_grpc.ReportServiceStub(channel)
        yield Front(models, gateways, address, admin, certificate, Lane(channel), reports)


def ledger(folder: Path) -> tuple[str, str]:
    """Return the flags that give a gateway a ledger, and so reports."""
    key = folder / "ledger.key"
    key.write_text("k" * 32)
    return f"--ledger=sqlite:///{folder / 'ledger.db'}", f"--ledger-key={key}"


@dataclass(frozen=True)
class Envoy:
    """Where a running Envoy listens."""

    admin: str
    tls: str
    plaintext: str


async def configuration(folder: Path) -> dict[str, Any]:
    """Return the configuration of the containers, with the files and ports of this machine."""
    certificate, key = folder / "certificate.pem", folder / "key.pem"
    descriptors = folder / "descriptors.binpb"
    await _certify(certificate, key)
    await _describe(folder / "proto", descriptors)
    text = CONFIGURATION.read_text("utf-8")
    for place, file in (
        ("/secrets/tls.crt", certificate),
        ("/secrets/tls.key", key),
        ("/etc/envoy/descriptors.binpb", descriptors),
    ):
        assert place in text
        text = text.replace(place, str(file))
    config: dict[str, Any] = YAML(typ="safe").load(text)
    for part in (config["admin"], *config["static_resources"]["listeners"]):
        part["address"] = {"socket_address": {"address": "127.0.0.1", "port_value": 0}}
    return config


def cluster_of(config: dict[str, Any], name: str) -> dict[str, Any]:
    """Return the cluster of that name."""
    found: dict[str, Any]
    (found,) = (each for each in config["static_resources"]["clusters"] if each["name"] == name)
    return found


def behind(config: dict[str, Any], name: str, gateways: list[str]) -> None:
    """Let an Envoy's cluster be these gateways, without asking a name server for them."""
    cluster = cluster_of(config, name)
    cluster["type"] = "STATIC"
    del cluster["dns_refresh_rate"], cluster["respect_dns_ttl"]
    endpoints = [
        {"endpoint": {"address": {"socket_address": {"address": host, "port_value": int(port)}}}}
        for host, _, port in (gateway.rpartition(":") for gateway in gateways)
    ]
    cluster["load_assignment"]["endpoints"] = [{"lb_endpoints": endpoints}]


@asynccontextmanager
async def running(config: dict[str, Any], folder: Path) -> AsyncIterator[Envoy]:
    """Run an Envoy with a configuration."""
    file = folder / "envoy.json"
    file.write_text(json.dumps(config), "utf-8")
    # Hot restart would meet other Envoys of this machine in shared memory.
    flags = ["--disable-hot-restart", "--concurrency", "1"]
    command = [str(ENVOY), "--config-path", str(file), *flags]
    async with listening(_STARTED, *command) as started:
        lines = await asyncio.to_thread(_get, f"http://{started.address}/listeners")
        addresses = dict(line.split("::", 1) for line in lines.splitlines())
        yield Envoy(started.address, addresses["tills"], addresses["loopback"])


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
