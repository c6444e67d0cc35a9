"""What is compared: how each system is started, and how it is asked for an age."""

from __future__ import annotations

import base64
import json
import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import (
    AbstractAsyncContextManager,
    AbstractContextManager,
    asynccontextmanager,
    contextmanager,
    suppress,
)
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeAlias

import aiohttp
import grpc.aio
import psutil

from agelane.tfserving.v1 import predict_pb2
from agelane_client import AsyncClient
from loadtest.bench import processes
from loadtest.bench.null_backend import PREDICT
from loadtest.peers.environments import ROOT, Environment, stop
from loadtest.peers.servers.names import AT_ONCE, BATCH_VARIABLE, MODEL_VARIABLE, WAIT_SECONDS
from loadtest.tune_batching.measure import predict_requests

Ask: TypeAlias = Callable[[bytes, str], Awaitable[float]]
"""Sends the photo of a lane and returns the age; raises whatever went wrong."""
Connect: TypeAlias = Callable[[str], AbstractAsyncContextManager[Ask]]
"""Returns what is entered to ask a system at HOST:PORT."""
Command: TypeAlias = Callable[[int, Path, int], list[str]]
"""Returns the arguments of Python for a port, a folder for files, and the most in a batch."""
OURS = "gateway"
"""The name of the whole stack, which does more than the others: decision, offers, admission."""
_TIMEOUT_SECONDS = 30.0
_MODEL_NAME = "ages"
_MOST_LOG_BYTES = 4000
_SILENT = {"BENTOML_DO_NOT_TRACK": "True", "RAY_USAGE_STATS_ENABLED": "0"}


@dataclass(frozen=True)
class Running:
    """A system that runs, or is paused so that another has the machine to itself."""

    address: str
    """HOST:PORT."""
    pid: int
    """The process that has started all others of it."""

    def pause(self) -> None:
        """Stop all its processes where they are."""
        self._send(signal.SIGSTOP)

    def resume(self) -> None:
        """Let them go on."""
        self._send(signal.SIGCONT)

    def _send(self, number: signal.Signals) -> None:
        with suppress(psutil.NoSuchProcess):
            first = psutil.Process(self.pid)
            for process in [first, *first.children(recursive=True)]:
                process.send_signal(number)


@dataclass(frozen=True)
class System:
    """A system that gives ages."""

    name: str
    """As the table shows it."""
    start: Callable[[], AbstractContextManager[Running]]
    """Returns what is entered to run it."""
    connect: Connect
    """Asks it."""


def systems(environments: dict[str, Environment], model: Path, batch: int) -> list[System]:
    """Return ours, and each peer that has an environment."""
    variables = {MODEL_VARIABLE: str(model.resolve()), BATCH_VARIABLE: str(batch)}

    def peer(name: str, command: Command, connect: Connect) -> System:
        environment = environments[name]
        return System(name, lambda: _program(environment, command, batch, variables), connect)

    peers: dict[str, tuple[Command, Connect]] = {
        "litserve": (_litserve, _json_body),
        "bentoml": (_bentoml, _json_batch),
        "mlserver": (_mlserver, _open_inference),
        "ray": (_ray, _raw_body),
    }
    return [
        System(OURS, _whole_stack, _through_the_sdk),
        System("embedded server", _model_server, _predict),
        *(peer(name, *peers[name]) for name in environments),
    ]


@contextmanager
def _whole_stack() -> Iterator[Running]:
    with processes.stack({}) as stack:
        yield Running(stack.gateway, stack.pid)


@contextmanager
def _model_server() -> Iterator[Running]:
    with processes.stack({}) as stack:
        yield Running(stack.model_server, stack.pid)


@contextmanager
def _program(
    environment: Environment, command: Command, batch: int, variables: dict[str, str]
) -> Iterator[Running]:
    """Run a peer's server in its environment until it is left."""
    port = processes.free_port()
    with tempfile.TemporaryDirectory() as folder, open(Path(folder, "log"), "w+b") as log:
        words = [environment.python, *command(port, Path(folder), batch)]
        with subprocess.Popen(
            words,
            cwd=ROOT,
            env={**os.environ, **variables, **_SILENT, "PYTHONPATH": str(ROOT)},
            stdout=log,
            stderr=log,
        ) as process:
            try:
                yield Running(f"127.0.0.1:{port}", process.pid)
            except Exception:
                log.seek(0)
                print(f"the log of {environment.python}:", file=sys.stderr)
                sys.stderr.write(log.read()[-_MOST_LOG_BYTES:].decode(errors="replace"))
                raise
            finally:
                stop(process)


def _litserve(port: int, folder: Path, batch: int) -> list[str]:
    return ["-m", "loadtest.peers.servers.litserve_server", str(port)]


def _ray(port: int, folder: Path, batch: int) -> list[str]:
    return ["-m", "loadtest.peers.servers.ray_serve_server", str(port)]


def _bentoml(port: int, folder: Path, batch: int) -> list[str]:
    serve = ["-m", "bentoml", "serve", "loadtest.peers.servers.bentoml_service:Ages"]
    return [*serve, "--host", "127.0.0.1", "--port", str(port)]


def _mlserver(port: int, folder: Path, batch: int) -> list[str]:
    server: dict[str, Any] = {"host": "127.0.0.1", "http_port": port, "debug": False}
    server |= {"parallel_workers": AT_ONCE, "metrics_dir": str(folder)}
    server |= {"environments_dir": str(folder)}
    server |= {"grpc_port": processes.free_port(), "metrics_port": processes.free_port()}
    model = {
        "name": _MODEL_NAME,
        "implementation": "loadtest.peers.servers.mlserver_model.Ages",
        "max_batch_size": batch,
        "max_batch_time": WAIT_SECONDS,
    }
    (folder / "settings.json").write_text(json.dumps(server), encoding="utf-8")
    (folder / "model-settings.json").write_text(json.dumps(model), encoding="utf-8")
    program = "import sys; from mlserver.cli import main; sys.argv[0] = 'mlserver'; main()"
    return ["-c", program, "start", str(folder)]


@asynccontextmanager
async def _through_the_sdk(address: str) -> AsyncIterator[Ask]:
    async with AsyncClient(address, timeout=_TIMEOUT_SECONDS) as client:

        async def ask(photo: bytes, lane: str) -> float:
            assessment = await client.assess(photo, lane_id=lane)
            if assessment.age_years is None:
                raise ValueError(f"no age: {assessment.reasons}")
            return assessment.age_years

        yield ask


@asynccontextmanager
async def _predict(address: str) -> AsyncIterator[Ask]:
    async with grpc.aio.insecure_channel(address) as channel:
        call: Any = channel.unary_unary(
            PREDICT,
            response_deserializer=predict_pb2.PredictResponse.FromString,
        )

        async def ask(photo: bytes, _: str) -> float:
            [request] = predict_requests([photo])
            answer = await call(request, timeout=_TIMEOUT_SECONDS)
            return float(answer.outputs["age"].float_val[0])

        yield ask


def _json_body(address: str) -> AbstractAsyncContextManager[Ask]:
    return _http(
        f"http://{address}/predict",
        lambda photo: {"json": {"photo": base64.b64encode(photo).decode()}},
        lambda told: told["age"],
    )


def _json_batch(address: str) -> AbstractAsyncContextManager[Ask]:
    return _http(
        f"http://{address}/predict",
        lambda photo: {"json": {"photos": [base64.b64encode(photo).decode()]}},
        lambda told: told[0],
    )


def _raw_body(address: str) -> AbstractAsyncContextManager[Ask]:
    return _http(f"http://{address}/", lambda photo: {"data": photo}, lambda told: told["age"])


def _open_inference(address: str) -> AbstractAsyncContextManager[Ask]:
    def body(photo: bytes) -> dict[str, Any]:
        one: dict[str, Any] = {"name": "photo", "shape": [1, 1], "datatype": "BYTES"}
        one |= {"parameters": {"content_type": "base64"}}
        return {"json": {"inputs": [one | {"data": [base64.b64encode(photo).decode()]}]}}

    return _http(
        f"http://{address}/v2/models/{_MODEL_NAME}/infer",
        body,
        lambda told: told["outputs"][0]["data"][0],
    )


@asynccontextmanager
async def _http(
    url: str, body: Callable[[bytes], dict[str, Any]], age: Callable[[Any], float]
) -> AsyncIterator[Ask]:
    timeout = aiohttp.ClientTimeout(total=_TIMEOUT_SECONDS)
    connector = aiohttp.TCPConnector(limit=0)
    async with aiohttp.ClientSession(timeout=timeout, connector=connector) as session:

        async def ask(photo: bytes, _: str) -> float:
            async with session.post(url, raise_for_status=True, **body(photo)) as response:
                return float(age(await response.json(content_type=None)))

        yield ask
