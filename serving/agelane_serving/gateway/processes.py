"""Several gateways on one port: started, watched, replaced and stopped by one parent.

Python runs one event loop on one core, so a gateway uses more of them as several processes, between
which the kernel spreads connections (SO_REUSEPORT). They are spawned: gRPC does not survive a fork.
"""

from __future__ import annotations

import contextlib
import fcntl
import logging
import os
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from prometheus_client import CollectorRegistry, multiprocess, start_http_server

from agelane_serving.gateway.server import StartupError
from agelane_serving.gateway.settings import Settings

WORKER = "AGELANE_GATEWAY_WORKER"
"""Set in the environment of a process that shares its port with its siblings."""
_METRICS_FOLDER = "PROMETHEUS_MULTIPROC_DIR"
_LOOK_SECONDS = 0.1
_SHORTEST_LIFE_SECONDS = 5.0
_FIRST_PAUSE_SECONDS, _LONGEST_PAUSE_SECONDS = 0.2, 10.0
_KILL_AFTER_SECONDS = 5.0
_logger = logging.getLogger(__name__)


def supervise(settings: Settings, argv: Sequence[str]) -> int:
    """Run `settings.processes` gateways until SIGTERM or SIGINT; return the exit code.

    SIGHUP is passed on. A process that ends by itself is replaced, ever more slowly if its
    successors end at once too; the others go on meanwhile.

    Args:
        settings: of all of them.
        argv: the flags that they were made of.

    Raises:
        StartupError: the port can't be had, or another gateway has it.
    """
    with (
        _reserved(settings.listen) as address,
        tempfile.TemporaryDirectory(prefix="agelane-metrics-") as folder,
    ):
        if settings.metrics_listen:
            _serve_metrics(settings.metrics_listen, folder)
        environment = {**os.environ, WORKER: "1", _METRICS_FOLDER: folder}
        # Tied to this process: what it leaves behind if it is killed would keep the port.
        command = [sys.executable, "-m", "agelane_serving.tied", "agelane_serving.gateway", *argv]
        # The last flag counts.
        command += [f"--listen={address}", "--processes=1", "--metrics-listen="]
        workers: list[_Worker] = []
        asked = _listen_to_signals(workers)
        for number in range(settings.processes):
            workers.append(_Worker([*command, *_own_flags(settings, number)], environment))
        _logger.info("%d processes on %s", settings.processes, address)
        return _watch(workers, asked, settings.drain_seconds + settings.notice_seconds)


class _Worker:
    """One of the processes, and its successors."""

    def __init__(self, command: Sequence[str], environment: dict[str, str]) -> None:
        self._command, self._environment = command, environment
        self._pause_seconds = _FIRST_PAUSE_SECONDS
        self._start_at: float | None = None
        self._start()

    def signal(self, number: int) -> None:
        if self._process.poll() is None:
            self._process.send_signal(number)

    def replace_if_ended(self) -> None:
        """Start a successor once the process has ended and the pause is over."""
        code = self._process.poll()
        if code is None:
            return
        now = time.monotonic()
        if self._start_at is None:
            multiprocess.mark_process_dead(self._process.pid, self._environment[_METRICS_FOLDER])  # type: ignore[no-untyped-call]
            lived = now - self._started
            self._pause_seconds = (
                _FIRST_PAUSE_SECONDS
                if lived > _SHORTEST_LIFE_SECONDS
                else min(2 * self._pause_seconds, _LONGEST_PAUSE_SECONDS)
            )
            _logger.error("process %d ended with %d after %.1f s", self._process.pid, code, lived)
            self._start_at = now + self._pause_seconds
        elif now >= self._start_at:
            self._start()

    def stop(self, seconds: float) -> None:
        """Wait until it has ended, at most so long."""
        try:
            self._process.wait(seconds)
        except subprocess.TimeoutExpired:
            _logger.error("process %d does not end, and is killed", self._process.pid)
            self._process.kill()
            self._process.wait()

    def _start(self) -> None:
        self._process = subprocess.Popen(
            self._command, env=self._environment, stdin=subprocess.PIPE
        )
        self._started, self._start_at = time.monotonic(), None


def _own_flags(settings: Settings, number: int) -> list[str]:
    """Return the flags in which a process differs: operators ask each at a port of its own."""
    host, _, port = settings.admin_listen.rpartition(":")
    if not settings.admin_listen or port == "0":
        return []
    return [f"--admin-listen={host}:{int(port) + number}"]


def _listen_to_signals(workers: Sequence[_Worker]) -> threading.Event:
    """Pass SIGHUP on from now on, and return what tells that the end was asked for."""
    asked = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: asked.set())
    signal.signal(signal.SIGHUP, lambda number, _: _signal(workers, number))
    return asked


def _watch(workers: Sequence[_Worker], asked: threading.Event, stop_seconds: float) -> int:
    while not asked.wait(_LOOK_SECONDS):
        for worker in workers:
            worker.replace_if_ended()
    _signal(workers, signal.SIGTERM)
    for worker in workers:
        worker.stop(stop_seconds + _KILL_AFTER_SECONDS)
    return 0


def _signal(workers: Sequence[_Worker], number: int) -> None:
    for worker in workers:
        worker.signal(number)


@contextmanager
def _reserved(listen: str) -> Iterator[str]:
    """Keep a port, so that it is nobody else's, and return HOST:PORT.

    With SO_REUSEPORT the kernel would let a second gateway listen there too, and each would
    silently get half the calls: so the one who has the lock has the port.
    """
    host, _, port = listen.rpartition(":")
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    name = host.strip("[]")
    lock = Path(tempfile.gettempdir()) / f"agelane-gateway-{name.replace(':', '_')}-{port}.lock"
    with contextlib.ExitStack() as stack:
        try:
            # Never through a link that somebody has put there.
            flags = os.O_CREAT | os.O_RDWR | os.O_NOFOLLOW
            file = stack.enter_context(open(os.open(lock, flags, 0o600), "w"))
            reserved = stack.enter_context(socket.socket(family, socket.SOCK_STREAM))
            if port != "0":
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                with socket.socket(family, socket.SOCK_STREAM) as alone:
                    alone.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                    alone.bind((name, int(port)))
            reserved.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
            reserved.bind((name, int(port)))
        except OSError as error:
            raise StartupError(f"cannot listen on {listen}: is the port taken?") from error
        yield f"{host}:{reserved.getsockname()[1]}"


def _serve_metrics(address: str, folder: str) -> None:
    """Answer Prometheus with the sums over all processes."""
    registry = CollectorRegistry()
    multiprocess.MultiProcessCollector(registry, path=folder)  # type: ignore[no-untyped-call]
    host, _, port = address.rpartition(":")
    try:
        start_http_server(int(port), host.strip("[]"), registry)
    except OSError as error:
        raise StartupError(f"cannot listen on {address}: {error.strerror}") from error
