"""`python -m loadtest.calibrate`: measure queues of which every wait is known.

Customers come as in a load test, through the SDK, to single-server queues whose service times are
drawn beforehand. From the moments at which they were to come follows how long each must be there
(Lindley), and so mean and percentiles, without the chance that a comparison with an endless queue
would have. Figures go to stdout and reports/calibration.json.
"""

from __future__ import annotations

import argparse
import json
import random
import subprocess
import sys
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

import uvloop

from agelane_client import AgelaneError, AsyncClient
from loadtest.calibrate.queues import Expected, Service, times_in_queue
from loadtest.open_loop.arrivals import arrivals
from loadtest.open_loop.driver import Driver
from loadtest.open_loop.tally import LONGEST_LAG_MS, Tally
from loadtest.photos import SAMPLES

REPORT = Path("reports/calibration.json")
_PERCENTILES = (50.0, 90.0, 95.0, 99.0)
_PATIENCE_SECONDS = 120.0
Customer = tuple[float, int]
"""When one comes, in seconds, and to which queue."""


def main() -> int:
    """Measure, compare, print and write; return the exit code."""
    options = _parser().parse_args()
    figures: dict[str, float] = {}
    for service in Service:
        customers = list(_customers(options))
        with _server(service, options.service_seconds) as target:
            tally = uvloop.run(_measure(target, customers))
        figures |= _figures(service, tally, _expected(service, customers, options), options)
    print(json.dumps(figures, indent=2))
    REPORT.parent.mkdir(exist_ok=True)
    REPORT.write_text(json.dumps(figures, indent=2) + "\n", encoding="utf-8")
    off = [abs(it) for name, it in figures.items() if name.endswith("off_percent")]
    failed = sum(it for name, it in figures.items() if name.endswith("failed"))
    late = max(it for name, it in figures.items() if name.endswith("lag_p99_ms"))
    holds = max(off) <= options.tolerance and not failed and late <= LONGEST_LAG_MS
    return 0 if holds else 1


def _customers(options: argparse.Namespace) -> Iterator[Customer]:
    chance = random.Random(options.seed)
    rate = options.queues * options.load / options.service_seconds
    for moment, comes in arrivals(lambda _: rate, options.seconds, chance):
        if comes:
            yield moment, chance.randrange(options.queues)


def _expected(service: Service, customers: list[Customer], options: argparse.Namespace) -> Expected:
    """Return what the times of all customers must be."""
    moments: dict[int, list[float]] = defaultdict(list)
    for moment, queue in customers:
        moments[queue].append(moment)
    times = [
        seconds
        for queue, came in moments.items()
        for seconds in times_in_queue(came, service.times(options.service_seconds, queue))
    ]
    return Expected(tuple(sorted(times)))


async def _measure(target: str, customers: list[Customer]) -> Tally:
    """Let the customers come, and return what the load test says of them."""
    photo, driver = (SAMPLES / "collins.jpg").read_bytes(), Driver()
    async with AsyncClient(target, timeout=_PATIENCE_SECONDS) as client:
        await client.assess(photo, lane_id="lane-999999")  # connects, and stands in nobody's way

        async def assess(queue: int) -> str:
            try:
                await client.assess(photo, lane_id=f"lane-{queue}")
            except AgelaneError as error:
                return error.reason or error.code
            return ""

        await driver.begin_all((moment, partial(assess, queue)) for moment, queue in customers)
        await driver.end(_PATIENCE_SECONDS)
    return driver.take()


def _figures(
    service: Service, tally: Tally, expected: Expected, options: argparse.Namespace
) -> dict[str, float]:
    name = service.name.lower()
    mean = tally.latency.get_mean_value() / 1e6
    figures = {
        f"{name}_calls": tally.calls,
        f"{name}_failed": tally.failed,
        f"{name}_dispatch_lag_p99_ms": tally.lag_p99_ms,
        f"{name}_mean_seconds": round(mean, 4),
        f"{name}_mean_off_percent": _off(mean, expected.mean),
        f"{name}_mean_of_an_endless_queue_seconds": round(
            service.mean_seconds(options.service_seconds, options.load), 4
        ),
    }
    for percent in _PERCENTILES:
        measured = tally.latency_ms(percent) / 1000
        label = f"{name}_p{percent:g}"
        figures[f"{label}_seconds"] = round(measured, 4)
        figures[f"{label}_off_percent"] = _off(measured, expected.percentile(percent))
    return figures


def _off(measured: float, exact: float) -> float:
    return round(100 * (measured / exact - 1), 2)


@contextmanager
def _server(service: Service, mean_seconds: float) -> Iterator[str]:
    command = [sys.executable, "-m", "loadtest.calibrate.server", service.value, str(mean_seconds)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            yield process.stdout.readline().strip()
        finally:
            process.terminate()


def _parser() -> argparse.ArgumentParser:
    _, _, more = (__doc__ or "").partition("\n\n")
    parser = argparse.ArgumentParser(prog="python -m loadtest.calibrate", description=more)
    parser.add_argument("--queues", type=int, default=60, help="beside each other (%(default)s)")
    parser.add_argument("--load", type=float, default=0.6, help="of each, below 1 (%(default)s)")
    parser.add_argument(
        "--service-seconds", type=float, default=0.4, help="of a customer, mean (%(default)s)"
    )
    parser.add_argument("--seconds", type=float, default=90, help="of each kind (%(default)s)")
    parser.add_argument("--seed", type=int, default=1, help="of all chance (%(default)s)")
    parser.add_argument(
        "--tolerance", type=float, default=1.0, help="percent that fail it (%(default)s)"
    )
    return parser


if __name__ == "__main__":
    sys.exit(main())
