"""`python -m loadtest.peers`: the same model and photos behind other model servers, beside ours.

LitServe, BentoML, MLServer and Ray Serve each get an environment of their own (in .peers/, made at
the first use) with our TensorFlow, load the same SavedModel, and make batches as large as our
server does, two at once. All systems are measured in turns, several times, each alone on the
machine: how long an answer takes when photos come by chance at a rate, and how many photos a second
they assess when asked without a pause. Each answer is compared with the age that the same system
gives for that photo alone: those of another photo are counted as wrong. A table goes to stdout, the
figures to reports/peers.json.

Exit codes: 0 measured; 1 a system did not start or gave no age; 2 wrong usage.
"""

from __future__ import annotations

import argparse
import asyncio
import itertools
import json
import random
import statistics
import sys
import time
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import uvloop
from tqdm import tqdm

from loadtest.__main__ import positive
from loadtest.capacity.bare import MODELS, bare
from loadtest.capacity.flat_out import answers_per_second
from loadtest.open_loop.arrivals import arrivals
from loadtest.open_loop.driver import NEVER_ENDED, Driver
from loadtest.peers.environments import REQUIREMENTS, environment
from loadtest.peers.systems import OURS, Ask, System, systems
from loadtest.photos import SAMPLES, read_photos

REPORT = Path("reports/peers.json")
_BATCH = 16
"""As in batching.config."""
_START_SECONDS = 240.0
_WARM_UP_SECONDS = 10.0
_PAUSE_SECONDS = 0.05
"""After a failure, so that nobody is asked again and again for nothing."""
_FULL_BATCHES = (8, 16, 32)
_LANES = 400
_ALONE = "TensorFlow alone"
_SAME_YEARS = 0.5
"""Sums in another order, and batches of another size, change an age by less."""


@dataclass(frozen=True)
class Turn:
    """What one system did in one turn."""

    photos_per_second: float
    """Flat out."""
    p50_ms: float
    """At the rate."""
    p99_ms: float
    """At the rate."""
    failed: int
    """Calls without an age, in all."""
    wrong: int
    """Calls with the age of another photo, in all."""
    lag_p99_ms: float
    """How late the driver was."""


class NotStartedError(Exception):
    """A system gave no age in time."""


def main() -> int:
    """Measure, print and write; return the exit code."""
    options = parser().parse_args()
    photos = read_photos(options.photos)
    model = max((int(it.name), it) for it in MODELS.iterdir() if it.name.isdigit())[1]
    environments = {
        name: environment(name) for name in tqdm(options.peers, desc="environments", disable=None)
    }
    compared = systems(environments, model, _BATCH)
    turns: dict[str, list[Turn]] = defaultdict(list)
    alone: list[dict[str, float]] = []
    for _ in tqdm(range(options.rounds), unit="round", disable=None):
        alone.append(max((bare(options.photos, it) for it in _FULL_BATCHES), key=_rate))
        for system in compared:
            try:
                turns[system.name].append(uvloop.run(_turn(system, photos, options)))
            except NotStartedError as error:
                print(error, file=sys.stderr)
                return 1
        # After each round, so that a later one that fails loses nothing.
        told = json.dumps(figures(turns, alone), indent=2) + "\n"
        REPORT.parent.mkdir(exist_ok=True)
        REPORT.write_text(told, encoding="utf-8")
    print(_table(figures(turns, alone)))
    return 0


async def _turn(system: System, photos: Sequence[bytes], options: argparse.Namespace) -> Turn:
    """Start a system, measure it, and stop it."""
    with system.start() as address:
        async with system.connect(address) as ask:
            ages = await _first_ages(system, ask, photos)
            checked = Checked(ask, photos, ages)
            # At the rate first: BentoML goes on for a while as the load before it was.
            driver = Driver(_WARM_UP_SECONDS)
            seconds = _WARM_UP_SECONDS + options.seconds
            moments = arrivals(lambda _: options.rate, seconds, random.Random(1))
            await driver.begin_all((at, checked.call if comes else None) for at, comes in moments)
            await driver.end()
            tally = driver.take()
            flat_out = await answers_per_second(checked.answered, options.seconds)
    return Turn(
        flat_out,
        tally.latency_ms(50),
        tally.latency_ms(99),
        checked.failed + tally.errors[NEVER_ENDED],
        checked.wrong,
        tally.lag_p99_ms,
    )


async def _first_ages(system: System, ask: Ask, photos: Sequence[bytes]) -> list[float]:
    """Wait until a system gives ages, and return those of all photos, one asked after another."""
    give_up_at = time.monotonic() + _START_SECONDS
    while True:
        try:
            return [await ask(photo, "lane-0") for photo in photos]
        except Exception as error:  # each fails in its own way until it is up
            if time.monotonic() > give_up_at:
                raise NotStartedError(f"{system.name} gave no age: {error!r}") from error
            await asyncio.sleep(0.5)


class Checked:
    """Asks, and compares what comes with the age that the photo has when it is asked for alone."""

    def __init__(self, ask: Ask, photos: Sequence[bytes], ages: Sequence[float]) -> None:
        self.failed = self.wrong = 0
        self._ask, self._number, self._lane = ask, itertools.count(), itertools.count()
        self._known = list(zip(photos, ages, strict=True))

    async def answered(self, caller: int) -> bool:
        """Ask for a caller; return whether the right age came."""
        photo, age = self._known[next(self._number) % len(self._known)]
        try:
            told = await self._ask(photo, f"lane-{caller}")
        except Exception:  # noqa: BLE001 - whatever it is, no age came
            self.failed += 1
            await asyncio.sleep(_PAUSE_SECONDS)
            return False
        wrong = abs(told - age) > _SAME_YEARS
        self.wrong += wrong
        return not wrong

    async def call(self) -> str:
        """Ask for one of many lanes; return "" or that no right age came."""
        return "" if await self.answered(next(self._lane) % _LANES) else "NO_AGE"


def figures(
    turns: Mapping[str, Sequence[Turn]], alone: Sequence[Mapping[str, float]]
) -> dict[str, dict[str, float]]:
    """Return the medians of each system's turns, and its throughput over those of others."""
    bare_rate = statistics.median(it["photos_per_second"] for it in alone)
    gflops = statistics.median(it["matrix_gflops"] for it in alone)
    found = {_ALONE: {"photos_per_second": bare_rate, "matrix_gflops": gflops}}
    own = statistics.median(it.photos_per_second for it in turns[OURS])
    for name, each in turns.items():
        rate = statistics.median(it.photos_per_second for it in each)
        found[name] = {
            "photos_per_second": round(rate, 1),
            "least_photos_per_second": round(min(it.photos_per_second for it in each), 1),
            "most_photos_per_second": round(max(it.photos_per_second for it in each), 1),
            "over_bare_tensorflow": round(rate / bare_rate, 3),
            "over_gateway": round(rate / own, 3),
            "p50_ms": round(statistics.median(it.p50_ms for it in each), 1),
            "p99_ms": round(statistics.median(it.p99_ms for it in each), 1),
            "failed": sum(it.failed for it in each),
            "wrong": sum(it.wrong for it in each),
            "lag_p99_ms": max(it.lag_p99_ms for it in each),
        }
    return found


def _rate(told: Mapping[str, float]) -> float:
    return told["photos_per_second"]


def _table(found: Mapping[str, Mapping[str, float]]) -> str:
    """Return a line for each system, as Markdown."""
    columns = ["photos_per_second", "over_bare_tensorflow", "over_gateway"]
    columns += ["p50_ms", "p99_ms", "failed", "wrong", "lag_p99_ms"]
    rows = [f"| system | {' | '.join(columns)} |", "|---" * (len(columns) + 1) + "|"]
    for name, figures in found.items():
        cells = (f"{figures[it]:g}" if it in figures else "" for it in columns)
        rows.append(f"| {name} | {' | '.join(cells)} |")
    return "\n".join(rows)


def parser() -> argparse.ArgumentParser:
    """Return the parser of the command line."""
    made = argparse.ArgumentParser(
        prog="python -m loadtest.peers",
        description=(__doc__ or "").partition("\n\n")[2],
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    made.add_argument("--photos", type=Path, default=SAMPLES, help="folder with photos")
    made.add_argument("--rounds", type=positive, default=3, help="turns of each (%(default)s)")
    made.add_argument("--seconds", type=float, default=12.0, help="each way (%(default)s)")
    made.add_argument("--rate", type=float, default=12.0, help="photos a second (%(default)s)")
    made.add_argument(
        "--peers",
        nargs="*",
        choices=sorted(REQUIREMENTS),
        default=sorted(REQUIREMENTS),
        help="which (all)",
    )
    return made


if __name__ == "__main__":
    sys.exit(main())
