"""What TensorFlow alone does with the same model and photos, in the same run."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

from loadtest.photos import BROKEN_SAMPLE, SUFFIXES

_MODELS = Path("models/age")
_BATCHES = (16, 32, 64)


def bare_tensorflow(photos: Path) -> float | None:
    """Return the photos a second of the best batch size; None: there is no exported model here."""
    if not _MODELS.is_dir():
        return None
    files = [it for it in sorted(photos.iterdir()) if it.suffix.lower() in SUFFIXES]
    files = [it for it in files if it != BROKEN_SAMPLE]
    return max(_photos_per_second(files, batch) for batch in _BATCHES)


def _photos_per_second(files: list[Path], batch: int) -> float:
    command = [sys.executable, "-m", "agelane_serving.model_server.bare", str(_MODELS)]
    command += [*map(str, files), f"--batch={batch}", "--seconds=12"]
    done = subprocess.run(command, check=True, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
    return float(json.loads(done.stdout)["photos_per_second"])
