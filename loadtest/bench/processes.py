"""The servers that are measured, each a process of its own."""

from __future__ import annotations

import os
import re
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from loadtest.bench.null_backend import gateway_answers, model_server_answers, write_answers

_PATIENCE_SECONDS = 180.0


@dataclass(frozen=True, slots=True)
class Server:
    """A running server."""

    address: str
    """HOST:PORT."""
    process: subprocess.Popen[bytes]
    """Its process, or the parent of several."""
    startup_seconds: float
    """From the command to the first connection."""
    metrics: str = ""
    """HOST:PORT of its metrics; "": it has none."""

    def memory_mb(self) -> float:
        """Return the resident memory of the process, without those it has started, in MB."""
        status = Path(f"/proc/{self.process.pid}/status").read_text(encoding="utf-8")
        found = re.search(r"VmRSS:\s+(\d+) kB", status)
        return int(found[1]) / 1024 if found else 0.0

    def refused_calls(self) -> int:
        """Return how many calls it has refused, which a load generator may take for answers."""
        with urllib.request.urlopen(f"http://{self.metrics}/metrics", timeout=10) as page:
            found = re.findall(rb"^agelane_refused_total\{.*\} (\S+)$", page.read(), re.MULTILINE)
        return int(sum(map(float, found)))


@dataclass(frozen=True, slots=True)
class Stack:
    """A running gateway before a running model server."""

    gateway: str
    """HOST:PORT."""
    model_server: str
    """HOST:PORT."""
    pid: int
    """Of the process that has started both."""


@contextmanager
def null_backend() -> Iterator[Server]:
    """Run a model server that costs next to nothing."""
    with _nghttpd(model_server_answers()) as server:
        yield server


@contextmanager
def null_gateway() -> Iterator[Server]:
    """Run a gateway that costs next to nothing, so that a driver alone is measured before it."""
    with _nghttpd(gateway_answers()) as server:
        yield server


@contextmanager
def _nghttpd(answers: Mapping[str, bytes]) -> Iterator[Server]:
    with tempfile.TemporaryDirectory() as folder:
        port = free_port()
        with _running([*write_answers(Path(folder), answers), str(port)], port) as server:
            yield server


@contextmanager
def slow_backend(workers: int, seconds: float) -> Iterator[Server]:
    """Run a model server that can answer `workers / seconds` calls a second."""
    port = free_port()
    listen = f"127.0.0.1:{port}"
    command = [sys.executable, "-m", "loadtest.bench.slow_backend", listen]
    with _running([*command, str(workers), str(seconds)], port) as server:
        yield server


@contextmanager
def bare_hop(backend: Server) -> Iterator[Server]:
    """Run what passes calls on to a backend, and does nothing else."""
    port = free_port()
    listen = f"127.0.0.1:{port}"
    command = [sys.executable, "-m", "loadtest.bench.hop", listen, backend.address]
    with _running(command, port) as server:
        yield server


@contextmanager
def model_server(module: str) -> Iterator[Server]:
    """Run a model server of ours, a module that takes HOST:PORT."""
    port = free_port()
    with _running([sys.executable, "-m", module, f"127.0.0.1:{port}"], port) as server:
        yield server


@contextmanager
def gateway(
    backend: Server,
    processes: int,
    flags: Sequence[str],
    environment: Mapping[str, str] | None = None,
) -> Iterator[Server]:
    """Run the gateway before a backend; `environment` comes on top of ours."""
    port, metrics = free_port(), f"127.0.0.1:{free_port()}"
    command = [sys.executable, "-m", "agelane_serving.gateway", f"--listen=127.0.0.1:{port}"]
    command += [f"--model-server={backend.address}", f"--processes={processes}"]
    command += [f"--metrics-listen={metrics}", *flags]
    with _running(command, port, environment) as server:
        time.sleep(1.5)  # the others of several, and the first look at the backend
        yield replace(server, metrics=metrics)


@contextmanager
def stack(environment: Mapping[str, str], *flags: str) -> Iterator[Stack]:
    """Run gateway and embedded model server."""
    command = [sys.executable, "-m", "agelane_serving.stack", "--model-port=0", "--gateway-port=0"]
    command += flags
    with subprocess.Popen(
        command,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        env={**os.environ, **environment},
        text=True,
    ) as process:
        try:
            assert process.stdout is not None
            for line in process.stdout:
                if found := re.search(r"READY: gateway on (\S+), model server on (\S+)", line):
                    yield Stack(found[1], found[2], process.pid)
                    return
            raise RuntimeError("the stack ended before it was ready")
        finally:
            process.terminate()


@contextmanager
def _running(
    command: Sequence[str], port: int, environment: Mapping[str, str] | None = None
) -> Iterator[Server]:
    began = time.monotonic()
    # Logs are written and cost what they cost, only not to a screen.
    with subprocess.Popen(
        command,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        env={**os.environ, **(environment or {})},
    ) as process:
        try:
            _until_listening(process, port)
            yield Server(f"127.0.0.1:{port}", process, time.monotonic() - began)
        finally:
            process.terminate()


def _until_listening(process: subprocess.Popen[bytes], port: int) -> None:
    give_up_at = time.monotonic() + _PATIENCE_SECONDS
    while time.monotonic() < give_up_at and process.poll() is None:
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
            return
        except OSError:
            time.sleep(0.01)
    raise RuntimeError(f"{process.args!r} did not come to listen on {port}")


def free_port() -> int:
    """Return a port of this machine that nobody has just now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
