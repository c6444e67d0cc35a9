"""Tills that are killed, again and again, lose no sale that they had kept."""

from __future__ import annotations

import subprocess
import sys


def test_killed_tills_lose_no_sale_and_tell_none_twice() -> None:
    """Thirty kills here; the program alone makes a thousand."""
    # In a process of its own: it forks, which must not happen where gRPC has run.
    command = [sys.executable, "-m", "tests.e2e.power_cuts", "--cuts=30"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
