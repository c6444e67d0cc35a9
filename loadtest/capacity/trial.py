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
    mixed_sizes: bool = False
    """Whether photos are made as large as different cameras send them."""
    workers: int = 1
    """Processes that let customers come, a driver each."""


@dataclass(frozen=True)
class Stretch:
    """What was measured within a stretch of time."""

    at: float
    """Unix time of its beginning."""
    tally: Tally
    """All drivers together."""


@dataclass(frozen=True)
class Measured:
    """What the drivers of a run measured after its warm-up."""

    total: Tally
    """In all."""
    series: tuple[Stretch, ...] = ()
    """The same in stretches of some seconds."""


def run(load: Load, lanes: int) -> Measured:
    """Open so many lanes and return what was measured. Raises TrialFailed."""
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "tally.jsonl"
        command = [sys.executable, "-m", "locust", *locust_arguments(load, lanes, file)]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if not file.exists():
            raise TrialFailed(f"Locust failed:\n{done.stderr}")
        total, *lines = file.read_text(encoding="utf-8").splitlines()
        pairs = (line.split(" ", 1) for line in lines)
        series = (Stretch(float(at), Tally.from_json(tally)) for at, tally in pairs)
        return Measured(Tally.from_json(total), tuple(series))


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
    mixed = ["--mixed-sizes"] if load.mixed_sizes else []
    return ["--headless", "--only-summary", *several, *mixed, *pairs]
