"""The gateways that are measured: our own stacks, or one that runs already."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass

from loadtest.bench import processes
from loadtest.capacity.watch import children

STACKS = ("real_model", "null_model")
"""Those that we start. The null model costs next to nothing: gateway, SDK and driver remain."""


@dataclass(frozen=True)
class Measurable:
    """A gateway that is measured."""

    target: str
    """HOST:PORT."""
    metrics: str
    """HOST:PORT of its metrics; "": unknown."""
    pids: Mapping[str, int]
    """Processes behind it, by name, as far as we have started them."""


@contextmanager
def gateway(stack: str, target: str = "", metrics: str = "") -> Iterator[Measurable]:
    """Run one of STACKS, or use the gateway that runs at `target`."""
    if stack == "real_model":
        listen = f"127.0.0.1:{processes.free_port()}"
        with processes.stack({"AGELANE_GATEWAY_METRICS_LISTEN": listen}) as running:
            yield Measurable(running.gateway, listen, children(running.pid))
    elif stack == "null_model":
        with (
            processes.null_backend() as backend,
            processes.gateway(backend, 1, ["--lane-rate=100000"]) as server,
        ):
            pids = {"gateway": server.process.pid, "backend": backend.process.pid}
            yield Measurable(server.address, server.metrics, pids)
    else:
        yield Measurable(target, metrics, {})
