"""`python -m loadtest.capacity.model`: lanes that other machines would carry, by a queue's model.

Photos come by chance and wait while a batch is worked on; the next batch takes all that wait, as
many as fit. A batch of n takes a fixed time and one for each photo. So p99 follows for any machine
whose two times are known: for this one by measuring TensorFlow alone, for others from
machines.toml. The model knows nothing of what else runs on the machine. So what `make loadtest` has
measured on this one (reports/capacity.json) is set beside what the model says of it, and all lines
get the same discount.
"""

from __future__ import annotations

import argparse
import json
import random
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import tomllib

from loadtest.capacity.bare import BATCHES, batch_seconds
from loadtest.photos import SAMPLES

CAPACITY = Path("reports/capacity.json")
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


def measured_lanes(report: Path, p99_ms: float) -> int:
    """Return the lanes that a search found for the real model within the same p99; 0: none did."""
    if not report.exists():
        return 0
    told = json.loads(report.read_text(encoding="utf-8"))
    searched = told.get("trials_real_model", 0) > 1
    usual = told.get("customers_per_second_and_lane") == _RATE
    same = told.get("objective_p99_ms") == p99_ms
    return int(told["lanes_real_model"]) if searched and usual and same else 0


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
    parser.add_argument(
        "--capacity", type=Path, default=CAPACITY, help="what was measured here (%(default)s)"
    )
    options = parser.parse_args()
    beside = options.beside_ms / 1000
    measured = {batch: batch_seconds(options.photos, batch) for batch in BATCHES}
    rows = {"this_machine": (fitted(measured, beside), "measured: TensorFlow alone")}
    rows |= machines(beside)
    p99_seconds = options.p99_ms / 1000
    lanes = {name: most_lanes(server, p99_seconds) for name, (server, _) in rows.items()}
    carried = measured_lanes(options.capacity, options.p99_ms)
    modelled = lanes["this_machine"]
    discount = carried / modelled if carried and modelled else None
    print(f"within p99 of {options.p99_ms:.0f} ms:")
    for name, (server, source) in rows.items():
        after = "" if discount is None else f"{discount * lanes[name]:>8,.0f} after the discount"
        print(
            f"{name:20} {server.photos_per_second:>8.0f} photos/s {lanes[name]:>8,} lanes {after}"
            f"   {source}"
        )
    if discount is None:
        print(f"not compared with a measurement: `make loadtest` writes {options.capacity}")
    else:
        print(f"{carried:,} lanes were measured here, {discount:.2f} of what the model says")
    return 0


if __name__ == "__main__":
    sys.exit(main())
