"""`python -m loadtest.peers`: the same model and photos behind other model servers, beside ours.

LitServe, BentoML, MLServer and Ray Serve each get an environment of their own (in .peers/, made at
the first use) with our TensorFlow, load the same SavedModel, and make batches as large as our
server does, two at once. All systems are started, and measured in many short turns, while the
others are paused (SIGSTOP), as a machine's speed changes: how long an answer takes when photos come
by chance at a rate, and how many photos a second they assess when asked without a pause. That takes
20 GB of memory, and with four rounds 20 minutes. Each answer is compared with the age that the same
system gives for that photo alone: those of another photo are counted as wrong. A table goes to
stdout, the figures to reports/peers.json.

Exit codes: 0 measured; 1 a system did not start or gave no age; 2 wrong usage.
"""

from __future__ import annotations

import argparse
import asyncio
import itertools
import json
import random
import signal
import statistics
import sys
import time
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import ExitStack, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

import uvloop
from tqdm import tqdm, trange

from loadtest.__main__ import positive
from loadtest.capacity.bare import MODELS, bare
from loadtest.capacity.flat_out import answers_per_second
from loadtest.open_loop.arrivals import arrivals
from loadtest.open_loop.driver import NEVER_ENDED, Driver
from loadtest.open_loop.tally import Tally
from loadtest.peers.environments import REQUIREMENTS, environment
from loadtest.peers.systems import OURS, Ask, Running, System, systems
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


@dataclass
class Seen:
    """What one system did in all its turns."""

    flat_out: list[float] = field(default_factory=list)
    """Photos a second, in each turn."""
    at_rate: Tally = field(default_factory=Tally)
    """Calls at the rate, of all turns."""
    failed: int = 0
    """Calls without an age, in all."""
    wrong: int = 0
    """Calls with the age of another photo, in all."""

    def add_at_rate(self, tally: Tally) -> None:
        """Take up a turn at the rate; the driver counts as late as it was in the worst of them."""
        worst = max(self.at_rate.lag_p99_ms, tally.lag_p99_ms)
        self.at_rate.add_then(tally)
        self.at_rate.worst_lag_p99_ms = worst


@dataclass(frozen=True)
class _Started:
    """A system that is measured, or paused until its next turn."""

    system: System
    running: Running
    seen: Seen = field(default_factory=Seen)


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
    try:
        uvloop.run(_compare(systems(environments, model, _BATCH), photos, options))
    except NotStartedError as error:
        print(error, file=sys.stderr)
        return 1
    except asyncio.CancelledError:
        return 1
    return 0


async def _compare(
    systems: Sequence[System], photos: Sequence[bytes], options: argparse.Namespace
) -> None:
    """Measure all systems in turns; write after each round, so that a failure loses little."""
    this = asyncio.current_task()
    assert this is not None
    # Who kills it means the paused ones too, which would not hear of it.
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, this.cancel)
    alone: list[dict[str, float]] = []
    with ExitStack() as started:
        compared = [
            await _started(system, photos, started)
            for system in tqdm(systems, desc="starting", disable=None)
        ]
        seen = {each.system.name: each.seen for each in compared}
        # All at the rate first: BentoML goes on for a while as the load before it was.
        for number in trange(options.rounds, desc="at the rate", unit="round", disable=None):
            for each in compared if number % 2 else reversed(compared):
                async with _turn(each, photos) as checked:
                    tally = await _at_rate(checked, options, random.Random(number))
                each.seen.add_at_rate(tally)
        for _ in trange(options.rounds, desc="flat out", unit="round", disable=None):
            alone.append(max((bare(options.photos, it) for it in _FULL_BATCHES), key=_rate))
            # There and back: a machine that gets slower is nobody's advantage.
            for each in [*compared, *reversed(compared)]:
                async with _turn(each, photos) as checked:
                    rate = await answers_per_second(checked.answered, options.seconds)
                each.seen.flat_out.append(rate)
            _write(figures(seen, alone))
    print(_table(figures(seen, alone)))


async def _started(system: System, photos: Sequence[bytes], until: ExitStack) -> _Started:
    """Start a system, wait for its first ages, and pause it."""
    running = until.enter_context(system.start())
    until.callback(running.resume)  # or it would not hear that it should stop
    async with system.connect(running.address) as ask:
        await _ages(system, ask, photos)
    running.pause()
    return _Started(system, running)


@asynccontextmanager
async def _turn(each: _Started, photos: Sequence[bytes]) -> AsyncIterator[Checked]:
    """Let one system go on, and pause it again; give what asks it."""
    each.running.resume()
    try:
        async with each.system.connect(each.running.address) as ask:
            checked = Checked(ask, photos, await _ages(each.system, ask, photos))
            yield checked
    finally:
        each.running.pause()
    each.seen.failed += checked.failed
    each.seen.wrong += checked.wrong


async def _at_rate(checked: Checked, options: argparse.Namespace, chance: random.Random) -> Tally:
    """Ask by chance at a rate, whether answers come or not."""
    driver = Driver(_WARM_UP_SECONDS)
    seconds = _WARM_UP_SECONDS + options.seconds
    moments = arrivals(lambda _: options.rate, seconds, chance)
    await driver.begin_all((at, checked.call if comes else None) for at, comes in moments)
    await driver.end()
    return driver.take()


async def _ages(system: System, ask: Ask, photos: Sequence[bytes]) -> list[float]:
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
    seen: Mapping[str, Seen], alone: Sequence[Mapping[str, float]]
) -> dict[str, dict[str, float]]:
    """Return what each system did; rates are medians of its turns, and over those of others."""
    bare_rate = statistics.median(it["photos_per_second"] for it in alone)
    gflops = statistics.median(it["matrix_gflops"] for it in alone)
    found = {_ALONE: {"photos_per_second": bare_rate, "matrix_gflops": gflops}}
    own = statistics.median(seen[OURS].flat_out)
    for name, each in seen.items():
        rate = statistics.median(each.flat_out)
        found[name] = {
            "photos_per_second": round(rate, 1),
            "least_photos_per_second": round(min(each.flat_out), 1),
            "most_photos_per_second": round(max(each.flat_out), 1),
            "over_bare_tensorflow": round(rate / bare_rate, 3),
            "over_gateway": round(rate / own, 3),
            "p50_ms": round(each.at_rate.latency_ms(50), 1),
            "p99_ms": round(each.at_rate.latency_ms(99), 1),
            "failed": each.failed + each.at_rate.errors[NEVER_ENDED],
            "wrong": each.wrong,
            "lag_p99_ms": each.at_rate.lag_p99_ms,
        }
    return found


def _write(found: Mapping[str, Mapping[str, float]]) -> None:
    REPORT.parent.mkdir(exist_ok=True)
    REPORT.write_text(json.dumps(found, indent=2) + "\n", encoding="utf-8")


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
    made.add_argument("--rounds", type=positive, default=4, help="(%(default)s)")
    made.add_argument("--seconds", type=float, default=8.0, help="each turn (%(default)s)")
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
