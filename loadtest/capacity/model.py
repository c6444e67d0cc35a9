"""`python -m loadtest.capacity.model`: lanes that other machines would carry, by a queue's model.

Photos come by chance and wait while a batch is worked on; the next batch takes all that wait, as
many as fit. A batch of n takes a fixed time and one for each photo. So p99 follows for any machine
whose two times are known: for this one by measuring TensorFlow alone, for others from
machines.toml. Compare the first line with what `make loadtest` measures before you trust the rest.
"""

from __future__ import annotations

import argparse
import random
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import tomllib

from loadtest.capacity.bare import BATCHES, batch_seconds
from loadtest.capacity.search import Objective
from loadtest.photos import SAMPLES

MACHINES = Path(__file__).with_name("machines.toml")
_PHOTOS = 100_000
_RATE = 0.05


@dataclass(frozen=True)
class BatchServer:
    """A machine that works on one batch at a time."""

    fixed_seconds: float
    """For each batch."""
    photo_seconds: float
    """For each photo in it; more than 0."""
    most: int
    """Photos in a batch, 1 or more."""
    beside_seconds: float = 0.0
    """What a call takes beside waiting and working: the network, the gateway."""

    @property
    def photos_per_second(self) -> float:
        """What it does at most, in full batches."""
        return self.most / (self.fixed_seconds + self.most * self.photo_seconds)

    def latencies(self, rate: float, photos: int, chance: random.Random) -> Iterator[float]:
        """Yield how long photos take that come by chance, so many a second (Poisson)."""
        coming, free_at, queue = 0.0, 0.0, list[float]()
        for _ in range(photos):
            coming += chance.expovariate(rate)
            while queue and free_at <= coming:
                batch, queue = queue[: self.most], queue[self.most :]
                begins = max(free_at, batch[0])
                free_at = begins + self.fixed_seconds + len(batch) * self.photo_seconds
                yield from (free_at - came + self.beside_seconds for came in batch)
            queue.append(coming)

    def p99_seconds(self, rate: float) -> float:
        """Return what 99 of 100 photos take at most, at so many a second."""
        seconds = sorted(self.latencies(rate, _PHOTOS, random.Random(1)))
        return seconds[int(0.99 * len(seconds))]


def most_lanes(server: BatchServer, p99_seconds: float, rate: float = _RATE) -> int:
    """Return how many lanes with so many photos a second each stay within a p99."""
    low, high = 0.0, server.photos_per_second
    while high - low > 0.005 * high:
        middle = (low + high) / 2
        low, high = (middle, high) if server.p99_seconds(middle) <= p99_seconds else (low, middle)
    return int(low / rate)


def fitted(seconds_by_batch: dict[int, float], beside_seconds: float) -> BatchServer:
    """Return the server whose batches take about as long (least squares), of the sizes measured."""
    sizes = list(seconds_by_batch)
    mean_size = sum(sizes) / len(sizes)
    mean_seconds = sum(seconds_by_batch.values()) / len(sizes)
    slope = sum(
        (size - mean_size) * (seconds_by_batch[size] - mean_seconds) for size in sizes
    ) / sum((size - mean_size) ** 2 for size in sizes)
    fixed = max(0.0, mean_seconds - slope * mean_size)
    return BatchServer(fixed, slope, max(sizes), beside_seconds)


def machines(beside_seconds: float) -> dict[str, tuple[BatchServer, str]]:
    """Return the machines of machines.toml with their sources."""
    read = tomllib.loads(MACHINES.read_text(encoding="utf-8"))
    return {
        name: (
            BatchServer(it["fixed_ms"] / 1000, it["photo_ms"] / 1000, it["batch"], beside_seconds),
            it["source"],
        )
        for name, it in read.items()
    }


def main() -> int:
    """Measure this machine, and print a table of all; return the exit code."""
    parser = argparse.ArgumentParser(
        prog="python -m loadtest.capacity.model", description=(__doc__ or "").partition("\n\n")[2]
    )
    parser.add_argument("--photos", type=Path, default=SAMPLES, help="folder with photos")
    parser.add_argument("--p99-ms", type=float, default=300.0, help="objective (%(default)s)")
    parser.add_argument(
        "--beside-ms", type=float, default=5.0, help="network and gateway (%(default)s)"
    )
    options = parser.parse_args()
    beside = options.beside_ms / 1000
    measured = {batch: batch_seconds(options.photos, batch) for batch in BATCHES}
    rows = {"this_machine": (fitted(measured, beside), "measured: TensorFlow alone")}
    objective = Objective(p99_ms=options.p99_ms)
    for name, (server, source) in (rows | machines(beside)).items():
        lanes = most_lanes(server, objective.p99_ms / 1000)
        print(
            f"{name:20} {server.photos_per_second:>8.0f} photos/s {lanes:>8,} lanes within p99 of "
            f"{objective.p99_ms:.0f} ms   {source}",
            flush=True,
        )
    return 0


if __name__ == "__main__":
    sys.exit(main())
