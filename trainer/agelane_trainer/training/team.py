"""The devices that train together, on one machine or several, and how machines come to agree."""

from __future__ import annotations

import hashlib
import os
import signal
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import TypeVar

import numpy as np
import numpy.typing as npt
import tensorflow as tf

from agelane_trainer.training.cluster import STRATEGIES, Cluster, read_cluster
from agelane_trainer.training.rendezvous import wait_for_others

_PATIENCE_SECONDS = 600
"""How long workers wait for each other: longer than any of them saves, evaluates or reads."""
_LOST = (
    tf.errors.UnavailableError,
    tf.errors.DeadlineExceededError,
    tf.errors.AbortedError,
    tf.errors.CancelledError,
)
_Array = TypeVar("_Array", bound=npt.NDArray[np.generic])


class Team:
    """The devices that train together.

    Args:
        strategy: spreads the work over the devices.
        cluster: the machines; one by default.
    """

    def __init__(self, strategy: tf.distribute.Strategy, cluster: Cluster | None = None) -> None:
        self.strategy, self.cluster = strategy, cluster or Cluster()
        self.workers, self.is_chief = len(self.cluster.addresses), self.cluster.is_chief
        self.devices: int = strategy.num_replicas_in_sync

    def sum(self, values: _Array) -> _Array:
        """Return the sum over all workers; each must call it."""
        if self.workers == 1:
            return values
        here, nothing = tf.constant(values), tf.zeros_like(values)
        devices_each = self.devices // self.workers
        spread = self.strategy.experimental_distribute_values_from_function(
            lambda context: nothing if context.replica_id_in_sync_group % devices_each else here
        )
        total: _Array = self.strategy.reduce("sum", spread, axis=None).numpy()
        return total

    def from_chief(self, values: _Array) -> _Array:
        """Return what the chief handed in; each worker must call it."""
        return self.sum(values if self.is_chief else np.zeros_like(values))

    def decided(self, choice: bool) -> bool:
        """Return the chief's choice; each worker must call it, and so none runs ahead."""
        return bool(self.from_chief(np.array(choice, np.float32)))

    def check_same(self, what: str, text: str) -> None:
        """Make sure that ``text`` is the same on all workers; each must call it.

        Raises:
            ValueError: it isn't; the message says ``what`` differs, and where.
        """
        digests = np.zeros(self.workers, np.int64)
        digests[self.cluster.index] = int(hashlib.sha256(text.encode()).hexdigest()[:15], 16)
        digests = self.sum(digests)
        others = [str(n) for n, digest in enumerate(digests) if digest != digests[0]]
        if others:
            raise ValueError(f"worker {', '.join(others)} has another {what} than the chief")

    @contextmanager
    def noticing_losses(self) -> Iterator[None]:
        """Turn the errors of a lost worker into a ConnectionError in words."""
        try:
            yield
        except _LOST as error:
            if self.workers == 1:
                raise
            raise ConnectionError(
                f"another worker ended, hangs or can't be reached ({', '.join(self.cluster.others)}"
                "); start all workers again and they go on from the chief's last checkpoint"
            ) from error


def make_team(name: str, environment: Mapping[str, str] = os.environ) -> Team:
    """Return the devices of one of ``STRATEGIES``.

    For ``multi-worker`` nothing may have been computed with TensorFlow before; it returns when all
    workers are there.

    Raises:
        ValueError: there is none of that name, or TF_CONFIG is missing or wrong.
        ConnectionError: this worker can't have its port, or others don't come.
    """
    if name not in STRATEGIES:
        raise ValueError(f"no strategy {name!r}; there are: {', '.join(STRATEGIES)}")
    if name == "mirrored":
        return Team(tf.distribute.MirroredStrategy())
    return _meet(read_cluster(environment)) if name == STRATEGIES[-1] else alone()


def alone() -> Team:
    """Return the one device that TensorFlow chooses by itself."""
    return Team(tf.distribute.get_strategy())


def _meet(cluster: Cluster) -> Team:
    wait_for_others(cluster, _PATIENCE_SECONDS)
    options = tf.distribute.experimental.CommunicationOptions(timeout_seconds=_PATIENCE_SECONDS)
    ending = signal.getsignal(signal.SIGTERM)
    try:
        strategy = tf.distribute.MultiWorkerMirroredStrategy(communication_options=options)
        # TensorFlow takes the signal for itself and goes on; a worker that is told to end must end.
        signal.signal(signal.SIGTERM, ending)
        return Team(strategy, cluster)
    except tf.errors.OpError as error:
        raise ConnectionError(f"worker {cluster.index}: {error.message}") from error
