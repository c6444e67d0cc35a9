"""What TensorFlow alone does with the same model and photos, in the same run."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

from loadtest.photos import BROKEN_SAMPLE, SUFFIXES

MODELS = Path("models/age")
BATCHES = (8, 16, 32, 64)
_SECONDS = 12


def bare_tensorflow(photos: Path) -> float | None:
    """Return the photos a second of the best batch size; None: there is no exported model here."""
    if not MODELS.is_dir():
        return None
    return max(batch / batch_seconds(photos, batch) for batch in BATCHES)


def batch_seconds(photos: Path, batch: int) -> float:
    """Return how long a full batch takes when the machine does nothing else."""
    files = [it for it in sorted(photos.iterdir()) if it.suffix.lower() in SUFFIXES]
    command = [sys.executable, "-m", "agelane_serving.model_server.bare", str(MODELS)]
    command += [str(it) for it in files if it != BROKEN_SAMPLE]
    command += [f"--batch={batch}", f"--seconds={_SECONDS}"]
    done = subprocess.run(command, check=True, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
    return batch / float(json.loads(done.stdout)["photos_per_second"])
