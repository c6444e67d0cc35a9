"""What servers need while they are measured: memory, files, processor time, time by stage."""

from __future__ import annotations

import os
import re
import threading
import time
import urllib.request
from collections.abc import Mapping
from dataclasses import dataclass
from http.client import HTTPException
from pathlib import Path
from types import TracebackType

from prometheus_client.parser import text_string_to_metric_families

_PROC = Path("/proc")
_TICKS = os.sysconf("SC_CLK_TCK")
_PAGE_MB = os.sysconf("SC_PAGE_SIZE") / 1e6
_ANONYMOUS = re.compile(r"^RssAnon:\s+(\d+) kB$", re.MULTILINE)
_STAGES = "agelane_stage_seconds"


@dataclass(frozen=True)
class Process:
    """A process at a moment."""

    memory_mb: float
    """Resident, in 10^6 bytes."""
    own_memory_mb: float
    """What of it is anonymous: of mapped files, as libraries, the system drops what it likes."""
    files: int
    """Open ones, connections among them."""
    cpu_seconds: float
    """Used so far."""


@dataclass(frozen=True)
class Sample:
    """All that is watched, at a moment."""

    at: float
    """Unix time."""
    processes: Mapping[str, Process]
    """By name; those that are gone are left out."""
    stages: Mapping[str, tuple[float, float]]
    """The gateway's own clock: seconds and calls so far, by stage; {} without metrics."""


class Watch:
    """Takes samples in a thread, from entering to leaving."""

    def __init__(self, pids: Mapping[str, int], metrics: str = "", every: float = 1.0) -> None:
        """Watch processes of this machine, and a gateway's HOST:PORT of metrics; "": none."""
        self.samples: list[Sample] = []
        """In their order."""
        self._pids, self._metrics, self._every = pids, metrics, every
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._work, name="watch", daemon=True)

    def __enter__(self) -> Watch:
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._over.set()
        self._thread.join()

    def _work(self) -> None:
        while not self._over.is_set():
            self.samples.append(self._sample())
            self._over.wait(self._every)
        self.samples.append(self._sample())

    def _sample(self) -> Sample:
        seen = {name: _process(pid) for name, pid in self._pids.items()}
        return Sample(
            time.time(),
            {name: process for name, process in seen.items() if process is not None},
            _stages(self._metrics) if self._metrics else {},
        )


def _process(pid: int) -> Process | None:
    """Return a process as it is now (proc(5)), None if it is gone."""
    folder = _PROC / str(pid)
    try:
        # The name may have blanks and brackets; what follows has none.
        fields = (folder / "stat").read_text("utf-8", "replace").rpartition(")")[2].split()
        files = len(os.listdir(folder / "fd"))
        status = (folder / "status").read_text("utf-8", "replace")
    except OSError:
        return None
    user, system, pages = int(fields[11]), int(fields[12]), int(fields[21])
    anonymous = _ANONYMOUS.search(status)
    own_mb = int(anonymous[1]) * 1024 / 1e6 if anonymous else 0.0
    return Process(pages * _PAGE_MB, own_mb, files, (user + system) / _TICKS)


def _stages(metrics: str) -> dict[str, tuple[float, float]]:
    found: dict[tuple[str, str], float] = {}
    try:
        with urllib.request.urlopen(f"http://{metrics}/metrics", timeout=2) as page:
            families = list(text_string_to_metric_families(page.read().decode()))
    except (OSError, ValueError, HTTPException):  # it may be starting, or something else
        return {}
    for family in families:
        if family.name == _STAGES:
            for it in family.samples:
                if "le" not in it.labels:
                    found[it.labels["stage"], it.name.removeprefix(_STAGES)] = it.value
    stages = {stage for stage, _ in found}
    return {it: (found.get((it, "_sum"), 0.0), found.get((it, "_count"), 0.0)) for it in stages}


def children(pid: int) -> dict[str, int]:
    """Return the processes that one has started, by the module that each runs."""
    found = {}
    for folder in _PROC.iterdir():
        if not folder.name.isdigit():
            continue
        try:
            status = (folder / "stat").read_text("utf-8", "replace")
            words = (folder / "cmdline").read_text("utf-8", "replace").split("\0")
        except OSError:  # gone meanwhile
            continue
        if int(status.rpartition(")")[2].split()[1]) == pid:
            modules = [it for it in words if it.startswith("agelane_serving.")]
            found[modules[-1].rpartition(".")[2] if modules else words[0]] = int(folder.name)
    return found
