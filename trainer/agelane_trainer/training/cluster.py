"""Which machines train together, as the environment variable TF_CONFIG tells each of them."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass

STRATEGIES = ("none", "mirrored", "multi-worker")
"""``none``: one device; ``mirrored``: all GPUs of this machine, each with its part of a batch;
``multi-worker``: all GPUs, or else the CPU, of each machine that TF_CONFIG names."""
VARIABLE = "TF_CONFIG"
EXAMPLE = (
    '{"cluster": {"worker": ["first:5000", "second:5000"]}, "task": {"type": "worker", "index": 0}}'
)
"""What the first of two workers is given; the second has index 1."""
_JOBS = ("chief", "worker")
_ADDRESS = re.compile(r"\S+:\d{1,5}")


@dataclass(frozen=True, slots=True)
class Cluster:
    """The workers of a run; each is one process on a machine of its own."""

    addresses: tuple[str, ...] = ("localhost",)
    """``host:port`` of each, the chief's first."""
    index: int = 0
    """Which of them this process is."""

    @property
    def is_chief(self) -> bool:
        """Whether this process writes what the run leaves behind."""
        return self.index == 0

    @property
    def others(self) -> tuple[str, ...]:
        """The addresses of all but this process."""
        return tuple(a for number, a in enumerate(self.addresses) if number != self.index)


def read_cluster(environment: Mapping[str, str]) -> Cluster:
    """Return what TF_CONFIG says.

    Raises:
        ValueError: it is missing or wrong; the message shows one that is right.
    """
    text = environment.get(VARIABLE, "")
    try:
        return _parse(text)
    except ValueError as error:
        raise ValueError(f"{VARIABLE} {error}; for the first of two workers: {EXAMPLE}") from None


def _parse(text: str) -> Cluster:
    if not text.strip():
        raise ValueError("is not set, so the workers don't know each other")
    try:
        document = json.loads(text)
        jobs, task = dict(document["cluster"]), dict(document["task"])
        kind, index = str(task["type"]), int(task["index"])
    except json.JSONDecodeError as error:
        raise ValueError(f"is no JSON ({error})") from error
    except (LookupError, TypeError, ValueError) as error:
        raise ValueError('needs "cluster", and "task" with "type" and "index"') from error
    if strangers := [job for job in jobs if job not in _JOBS]:
        raise ValueError(f"names the job {strangers[0]!r}; there are workers, and maybe a chief")
    counts = {job: len(_addresses(jobs, job)) for job in _JOBS}
    if counts["chief"] > 1:
        raise ValueError("names more than one chief")
    if not 0 <= index < counts.get(kind, 0):
        raise ValueError(f"says this is {kind} {index}, which its cluster doesn't have")
    addresses = tuple(address for job in _JOBS for address in _addresses(jobs, job))
    if len(set(addresses)) < len(addresses):
        raise ValueError("names an address twice")
    return Cluster(addresses, index + (counts["chief"] if kind == "worker" else 0))


def _addresses(jobs: Mapping[str, object], job: str) -> list[str]:
    addresses = jobs.get(job, [])
    if not isinstance(addresses, list):
        raise ValueError(f"needs a list of addresses for {job!r}")
    for address in addresses:
        if not isinstance(address, str) or not _ADDRESS.fullmatch(address):
            raise ValueError(f"has {address!r} in place of host:port")
    return addresses
