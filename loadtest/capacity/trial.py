"""One run of Locust with so many lanes, and what its drivers measured."""

from __future__ import annotations

import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

from loadtest.open_loop.tally import Tally
from loadtest.photos import SAMPLES

LOCUSTFILE = Path(__file__).parents[1] / "locustfile.py"
_SPAWN_SECONDS = 3
_STARTING_SECONDS = 4
"""How much later than Locust a driver may begin."""


class TrialFailed(Exception):
    """Locust did not measure anything; the message says what it said."""


@dataclass(frozen=True)
class Load:
    """What the lanes of a run do."""

    target: str
    """The gateway."""
    seconds: float
    """How long it is measured."""
    warm_up: float
    """How long before that it is not, in which lanes open."""
    rate: float
    """Customers a second and lane."""
    shape: str = "steady"
    """Of the traffic."""
    sales_share: float = 0.0
    """Of customers whose sale is recorded."""
    photos: Path = SAMPLES
    """Folder with photos."""
    workers: int = 1
    """Processes that let customers come, a driver each."""


def run(load: Load, lanes: int) -> Tally:
    """Open so many lanes, and return what was measured after a warm-up; nothing if Locust fails."""
    with tempfile.TemporaryDirectory() as folder:
        tally = Path(folder) / "tally.json"
        command = [sys.executable, "-m", "locust", *locust_arguments(load, lanes, tally)]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if not tally.exists():
            raise TrialFailed(f"Locust failed:\n{done.stderr}")
        return Tally.from_json(tally.read_text(encoding="utf-8"))


def locust_arguments(load: Load, lanes: int, tally: Path) -> list[str]:
    """Return Locust's command line."""
    arguments = {
        "--locustfile": LOCUSTFILE,
        "--users": lanes,
        "--spawn-rate": max(1, lanes // _SPAWN_SECONDS),
        "--run-time": f"{round(load.seconds + load.warm_up) + _STARTING_SECONDS}s",
        "--stop-timeout": 0,
        "--host": load.target,
        "--rate": load.rate,
        "--shape": load.shape,
        "--sales-share": load.sales_share,
        "--photos": load.photos,
        "--warm-up": load.warm_up,
        "--measured": load.seconds,
        "--tally": tally,
    }
    pairs = [str(part) for pair in arguments.items() for part in pair]
    # With one worker Locust is its own master.
    several = ["--processes", str(load.workers)] if load.workers > 1 else []
    return ["--headless", "--only-summary", *several, *pairs]
