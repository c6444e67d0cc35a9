"""What TensorFlow alone does with the same model and photos, in the same run."""

from __future__ import annotations

import json
import statistics
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from tqdm import trange

from loadtest.photos import BROKEN_SAMPLE, SUFFIXES

MODELS = Path("models/age")
BATCHES = (8, 16, 32, 64)
_COMPARED = (8, 16, 32)
_ROUNDS = 6
_SECONDS = 8


@dataclass(frozen=True)
class Comparison:
    """A whole stack beside TensorFlow alone, both as fast as they can; medians of some turns."""

    photos_per_second: float
    """What the stack does."""
    bare_photos_per_second: float
    """What TensorFlow does on full batches, of the best size."""
    matrix_gflops: float
    """What this machine multiplies of float32 matrices, 10^9 operations a second."""

    @property
    def over_bare(self) -> float:
        """The stack's share of it."""
        return self.photos_per_second / self.bare_photos_per_second


def compare(stack: Callable[[float], float], photos: Path) -> Comparison | None:
    """Measure both in turns, since a machine's speed changes; None: no model is exported here.

    Args:
        stack: measures the stack for so many seconds; returns its photos a second.
        photos: folder with photos.
    """
    if not MODELS.is_dir():
        return None
    by_stack: list[float] = []
    gflops: list[float] = []
    by_batch: dict[int, list[float]] = {batch: [] for batch in _COMPARED}
    for _ in trange(_ROUNDS, desc="beside TensorFlow alone", unit="turn", disable=None):
        by_stack.append(stack(_SECONDS))
        for batch, seen in by_batch.items():
            told = bare(photos, batch)
            seen.append(told["photos_per_second"])
            gflops.append(told["matrix_gflops"])
    best = max(map(statistics.median, by_batch.values()))
    return Comparison(statistics.median(by_stack), best, statistics.median(gflops))


def batch_seconds(photos: Path, batch: int) -> float:
    """Return how long a full batch takes when the machine does nothing else."""
    return batch / bare(photos, batch)["photos_per_second"]


def bare(photos: Path, batch: int) -> dict[str, float]:
    """Return photos_per_second on full batches, and matrix_gflops of this machine."""
    files = [it for it in sorted(photos.iterdir()) if it.suffix.lower() in SUFFIXES]
    command = [sys.executable, "-m", "agelane_serving.model_server.bare", str(MODELS)]
    command += [str(it) for it in files if it != BROKEN_SAMPLE]
    command += [f"--batch={batch}", f"--seconds={_SECONDS}"]
    done = subprocess.run(command, check=True, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
    told: dict[str, float] = json.loads(done.stdout)
    return told
