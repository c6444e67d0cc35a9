"""`python -m loadtest.open_loop`: one worker of a load test; Locust's workers run it.

Lines on standard input say how many lanes are open from then on; the end of standard input, or of
the time, ends it. Each second, and in the end, it writes what was measured since, a line each.
"""

from __future__ import annotations

import argparse
import asyncio
import random
import sys
from contextlib import suppress
from itertools import repeat
from pathlib import Path

import uvloop

from agelane_client import AsyncClient
from loadtest.connection import connection
from loadtest.open_loop.arrivals import Traffic, arrivals
from loadtest.open_loop.customers import Habits, Lanes
from loadtest.open_loop.driver import Driver
from loadtest.open_loop.shapes import shape_names, traffic_of
from loadtest.photos import SAMPLES, of_mixed_sizes, read_photos

_TOLD_SECONDS = 1.0
_OPENING_SECONDS = 20.0
_CLIENTS = 4
TIMEOUT_SECONDS = 2.0
"""After which a call has failed."""


def main() -> None:
    """Let customers come, as the arguments say."""
    options = parser().parse_args()
    with suppress(BrokenPipeError):  # whoever asked for it is gone
        uvloop.run(_work(options))


async def _work(options: argparse.Namespace) -> None:
    chance, driver = random.Random(options.seed), Driver(options.warm_up)
    traffic = traffic_of(options.shape, options.seconds)
    photos = read_photos(Path(options.photos))
    seen = of_mixed_sizes(photos) if options.mixed_sizes else photos
    habits = Habits(tuple(seen), options.sales_share)
    async with Lanes(_clients(options.target), habits, driver, chance) as lanes:
        opening = asyncio.create_task(_open_lanes(lanes, driver, options, chance))
        telling = asyncio.create_task(_tell(driver))
        coming = asyncio.create_task(_come(lanes, driver, traffic, options, chance))
        await asyncio.wait({opening, coming}, return_when=asyncio.FIRST_COMPLETED)
        for task in (opening, coming, telling):
            task.cancel()
        await driver.end()
    print(driver.take().to_json(), flush=True)
    for task in (opening, coming):
        if task.done() and not task.cancelled():
            task.result()  # what went wrong there ends this process with an error


def _clients(target: str) -> list[AsyncClient]:
    by = connection()
    return [
        AsyncClient(target, timeout=TIMEOUT_SECONDS, token=by.token, tls=by.tls)
        for _ in range(_CLIENTS)
    ]


async def _come(
    lanes: Lanes,
    driver: Driver,
    traffic: Traffic,
    options: argparse.Namespace,
    chance: random.Random,
) -> None:
    """Let customers come to the lanes that are open."""

    def rate(moment: float) -> float:
        return lanes.open * float(options.rate) * traffic.at(moment)

    moments = arrivals(rate, options.seconds, chance)
    await driver.begin_all(
        (moment, lanes.photograph if comes else None) for moment, comes in moments
    )


async def _open_lanes(
    lanes: Lanes, driver: Driver, options: argparse.Namespace, chance: random.Random
) -> None:
    """Open and close lanes as standard input says; at one that opens, some wait already."""
    reader = asyncio.StreamReader()
    await asyncio.get_running_loop().connect_read_pipe(
        lambda: asyncio.StreamReaderProtocol(reader), sys.stdin
    )
    while line := await reader.readline():
        opened, lanes.open = int(line) - lanes.open, int(line)
        for _ in repeat(None, max(0, opened) * options.waiting):
            driver.begin_later(lanes.photograph, chance.uniform(0, _OPENING_SECONDS))


async def _tell(driver: Driver) -> None:
    while True:
        await asyncio.sleep(_TOLD_SECONDS)
        print(driver.take().to_json(), flush=True)


def parser() -> argparse.ArgumentParser:
    """Return the parser of the command line."""
    made = argparse.ArgumentParser(
        prog="python -m loadtest.open_loop",
        description=(__doc__ or "").partition("\n\n")[2],
        formatter_class=argparse.ArgumentDefaultsHelpFormatter,
    )
    made.add_argument("--target", required=True, help="the gateway")
    made.add_argument("--seconds", type=float, default=60.0, help="how long customers come")
    made.add_argument("--warm-up", type=float, default=0.0, help="seconds that do not count")
    add_habits(made)
    made.add_argument("--seed", type=int, default=1, help="of all chance")
    return made


def add_habits(made: argparse.ArgumentParser) -> None:
    """Add what customers do, which Locust's command line has too."""
    made.add_argument("--rate", type=float, default=0.05, help="customers a second and lane")
    made.add_argument("--shape", choices=shape_names(), default="steady", help="of the traffic")
    made.add_argument("--sales-share", type=float, default=0.0, help="of customers, 0 to 1")
    made.add_argument(
        "--waiting", type=int, default=0, help="customers who wait at an opening lane"
    )
    # As text: Locust sends it to its workers.
    made.add_argument("--photos", default=str(SAMPLES), help="folder with photos")
    made.add_argument(
        "--mixed-sizes",
        action="store_true",
        help="photos of 320, 640 and 1280 pixels, six, three and one of ten",
    )


if __name__ == "__main__":
    main()
