"""What TensorFlow alone can do is measured on the newest version, in full batches."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

from tests.serving.model_server.tiny_model import photo


def test_full_batches_of_the_newest_version_are_counted(exported: Path, tmp_path: Path) -> None:
    """In photos, not in batches; a broken model ends it."""
    (tmp_path / "a.png").write_bytes(photo(30))
    command = [sys.executable, "-m", "agelane_serving.model_server.bare", str(exported)]
    command += [str(tmp_path / "a.png"), "--batch=8", "--seconds=0.5", "--threads=1"]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    figures = json.loads(done.stdout)
    assert figures["photos_per_second"] > 8
    assert figures["matrix_gflops"] > 0
    assert (figures["batch"], figures["threads"]) == (8, 1)
