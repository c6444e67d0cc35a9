"""How workers wait for each other before TensorFlow does.

TensorFlow's own wait lasts an hour, says nothing, and lets neither Ctrl-C nor another thread
through. So each worker first opens its port by itself, and sees that all others have opened theirs.
"""

from __future__ import annotations

import socket
import time

from agelane_trainer.training.cluster import Cluster

_PAUSE_SECONDS = 0.2
_DIAL_SECONDS = 5.0


def wait_for_others(cluster: Cluster, seconds: float) -> None:
    """Return when all workers are there.

    Raises:
        ConnectionError: this worker can't have its port, or others are silent for so long.
    """
    mine = cluster.addresses[cluster.index]
    silent, until = list(cluster.others), time.monotonic() + seconds
    try:
        door = socket.create_server(("", _split(mine)[1]), backlog=len(cluster.addresses))
    except (OSError, OverflowError) as error:
        raise ConnectionError(
            f"worker {cluster.index} can't have its port of {mine}: {error}"
        ) from error
    with door:
        if silent:
            print(f"worker {cluster.index} ({mine}) waits for {', '.join(silent)}", flush=True)
        while silent := [address for address in silent if not _answers(address)]:
            if time.monotonic() > until:
                raise ConnectionError(f"nothing from {', '.join(silent)} in {seconds:g} seconds")
            time.sleep(_PAUSE_SECONDS)


def _answers(address: str) -> bool:
    try:
        # Another worker may be a step ahead: then it is TensorFlow that answers.
        with socket.create_connection(_split(address), timeout=_DIAL_SECONDS):
            return True
    except (OSError, OverflowError):
        return False


def _split(address: str) -> tuple[str, int]:
    host, _, port = address.rpartition(":")
    return host.strip("[]"), int(port)
