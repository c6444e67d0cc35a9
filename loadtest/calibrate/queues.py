"""Single-server queues, and what each customer's wait in them must be."""

from __future__ import annotations

import random
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from enum import Enum


class Service(str, Enum):
    """How long a customer is served."""

    EXPONENTIAL = "M/M/1"
    """By chance, exponential."""
    CONSTANT = "M/D/1"
    """All as long."""

    def times(self, mean_seconds: float, seed: int) -> Iterator[float]:
        """Yield the service times of the queue with this number, in seconds, without end."""
        chance = random.Random(seed)
        while True:
            is_constant = self is Service.CONSTANT
            yield mean_seconds if is_constant else chance.expovariate(1 / mean_seconds)

    def mean_seconds(self, mean_service: float, load: float) -> float:
        """Return the mean time in an endless queue (Pollaczek and Khinchine 1930/32), in seconds.

        Args:
            mean_service: of a customer, in seconds.
            load: arrivals a second times that, below 1.
        """
        variation = 1.0 if self is Service.EXPONENTIAL else 0.0
        return mean_service * (1 + load / (1 - load) * (1 + variation) / 2)


@dataclass(frozen=True)
class Expected:
    """What the times of some customers must come to."""

    seconds: tuple[float, ...]
    """From coming to leaving, rising."""

    @property
    def mean(self) -> float:
        """In seconds."""
        return sum(self.seconds) / len(self.seconds)

    def percentile(self, percent: float) -> float:
        """In seconds."""
        return self.seconds[min(len(self.seconds) - 1, int(percent / 100 * len(self.seconds)))]


def times_in_queue(arrivals: Iterable[float], services: Iterable[float]) -> list[float]:
    """Return how long each customer is there, in seconds: first come, first served.

    Lindley 1952: who comes while somebody is served waits for all who came before.

    Args:
        arrivals: moments, rising.
        services: how long each is served, at least as many.
    """
    free_at, times = 0.0, []
    for arrival, service in zip(arrivals, services, strict=False):
        free_at = max(free_at, arrival) + service
        times.append(free_at - arrival)
    return times
