"""What stands between Locust and the drivers: one process of each for every worker.

Locust opens and closes lanes, and gathers figures over machines; the driver lets customers come,
without waiting for answers, and measures. A driver is a process of its own since gRPC under gevent
manages half the calls, and Locust's own statistics would add to each.
"""

from __future__ import annotations

import json
import subprocess
import sys
import time
from argparse import ArgumentParser
from collections import Counter, defaultdict
from contextlib import suppress
from pathlib import Path
from typing import Any, cast
from weakref import WeakKeyDictionary

import gevent
from gevent.subprocess import Popen
from locust import events
from locust.env import Environment
from locust.runners import MasterRunner, WorkerRunner

from loadtest.open_loop.__main__ import add_habits
from loadtest.open_loop.tally import Tally

_WEB_SECONDS = 86_400.0
_TOLD_SECONDS = 0.1
_END_SECONDS = 30
_STRETCHES = 120
_SHORTEST_STRETCH = 3.0  # workers report to their master as seldom
_NAME, _KIND = "AssessCustomer", "gRPC"
_HERE = ""

_figures: WeakKeyDictionary[Environment, Figures] = WeakKeyDictionary()
_workers: WeakKeyDictionary[Environment, Worker] = WeakKeyDictionary()


class Worker:
    """The driver of this process, while a test runs."""

    def __init__(self, environment: Environment) -> None:
        """Start it."""
        self._environment, self._lanes, self._told = environment, 0, 0
        self._driver: Any = Popen(
            driver_command(environment), stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        self._listening = gevent.spawn(self._listen)
        self._telling = gevent.spawn(self._tell)

    def open_lane(self) -> None:
        """Open a lane more."""
        self._lanes += 1

    def close_lane(self) -> None:
        """Close one."""
        self._lanes -= 1

    def end(self) -> None:
        """Let no more customers come, and take what the last ones made."""
        self._telling.kill()
        with suppress(OSError):  # it may have ended by itself, when its time was over
            self._driver.stdin.close()
        self._listening.join(_END_SECONDS)
        self._driver.kill()
        if self._driver.wait() != 0:
            died = Tally(errors=Counter(DRIVER_DIED=1))
            _figures[self._environment].add(_HERE, died)
            _figures[self._environment].unsent.add_then(died)

    def _tell(self) -> None:
        """Tell the driver how many lanes are open, in few words while Locust opens thousands."""
        while True:
            if self._lanes != self._told:
                self._told = self._lanes
                with suppress(OSError):  # that it ended is seen in the end
                    self._driver.stdin.write(f"{self._told}\n")
                    self._driver.stdin.flush()
            gevent.sleep(_TOLD_SECONDS)

    def _listen(self) -> None:
        for line in self._driver.stdout:
            tally = Tally.from_json(line)
            figures = _figures[self._environment]
            figures.add(_HERE, tally)
            figures.unsent.add_then(tally)
            _show(self._environment, tally)


class Figures:
    """What all drivers have measured, as far as it has come here."""

    def __init__(self, stretch_seconds: float) -> None:
        """Nothing yet; what is measured within such a stretch of time is kept together too."""
        self._parts: defaultdict[str, Tally] = defaultdict(Tally)
        self._stretch_seconds = stretch_seconds
        self._stretches: defaultdict[int, dict[str, Tally]] = defaultdict(dict)
        self.unsent = Tally()
        """Of a worker: what its master does not know yet."""

    def begin_anew(self) -> None:
        """Forget the run before."""
        self._parts.clear()
        self._stretches.clear()
        self.unsent = Tally()

    def add(self, worker: str, tally: Tally) -> None:
        """Take up what a worker's driver measured, after what it did before."""
        self._parts[worker].add_then(tally)
        if tally.calls or tally.failed:
            stretch = int(time.time() / self._stretch_seconds)
            self._stretches[stretch].setdefault(worker, Tally()).add_then(tally)

    def series(self) -> list[tuple[float, Tally]]:
        """Return what was measured by stretches of time, each with the Unix time that it began."""
        found = []
        for number, parts in sorted(self._stretches.items()):
            together = Tally()
            for part in parts.values():
                together.add_at_once(part)
            found.append((number * self._stretch_seconds, together))
        return found

    def total(self) -> Tally:
        """Return it all together."""
        total = Tally()
        for part in self._parts.values():
            total.add_at_once(part)
        return total


def driver_command(environment: Environment) -> list[str]:
    """Return what starts the driver of this worker, as Locust's command line says."""
    options: Any = environment.parsed_options
    runner = environment.runner
    number = runner.worker_index if isinstance(runner, WorkerRunner) else 0
    arguments = {
        "--target": environment.host,
        "--seconds": options.warm_up + options.measured,
        "--warm-up": options.warm_up,
        "--rate": options.rate,
        "--shape": options.shape,
        "--sales-share": options.sales_share,
        "--waiting": options.waiting,
        "--photos": options.photos,
        "--seed": options.seed + number,
    }
    pairs = [str(part) for pair in arguments.items() for part in pair]
    mixed = ["--mixed-sizes"] if options.mixed_sizes else []
    return [sys.executable, "-m", "loadtest.open_loop", *pairs, *mixed]


def worker_of(environment: Environment) -> Worker:
    """Return the worker of a test that runs."""
    return _workers[environment]


def wait_until_closed() -> None:
    """Wait until Locust ends the lane that calls this."""
    gevent.sleep(_WEB_SECONDS)


def _show(environment: Environment, tally: Tally) -> None:
    """Let Locust show, on its page and in its table, what a driver measured."""
    for item in tally.latency.get_recorded_iterator():
        milliseconds = item.value_iterated_to / 1000
        for _ in range(item.count_at_value_iterated_to):
            environment.stats.log_request(_KIND, _NAME, milliseconds, 0)
    for reason, count in tally.reasons().items():
        for _ in range(count):
            # It has no latency, and must not make the others look quicker.
            environment.stats.log_request(_KIND, _NAME, cast("int", None), 0)
            environment.stats.log_error(_KIND, _NAME, reason)


@events.init_command_line_parser.add_listener
def _add_arguments(parser: ArgumentParser) -> None:
    add_habits(parser)
    parser.add_argument("--warm-up", type=float, default=0.0, help="seconds that do not count")
    parser.add_argument(
        "--measured", type=float, default=_WEB_SECONDS, help="seconds after them that do"
    )
    parser.add_argument("--seed", type=int, default=1, help="of all chance")
    parser.add_argument(
        "--tally",
        help="file to write what was measured to, a line for all and one for each stretch of it",
    )


@events.init.add_listener
def _prepare(environment: Environment, **_: Any) -> None:
    options: Any = environment.parsed_options
    _figures[environment] = Figures(max(_SHORTEST_STRETCH, options.measured / _STRETCHES))
    if isinstance(environment.runner, MasterRunner):
        environment.events.worker_report.add_listener(
            lambda client_id, data: _figures[environment].add(
                client_id, Tally.from_json(data["tally"])
            )
        )
    elif isinstance(environment.runner, WorkerRunner):
        environment.events.report_to_master.add_listener(
            lambda client_id, data: data.update(tally=_unsent(environment))
        )


@events.test_start.add_listener
def _start(environment: Environment, **_: Any) -> None:
    _figures[environment].begin_anew()
    if not isinstance(environment.runner, MasterRunner):
        _workers[environment] = Worker(environment)


@events.test_stop.add_listener
def _stop(environment: Environment, **_: Any) -> None:
    if environment in _workers:
        _workers.pop(environment).end()


@events.quitting.add_listener
def _judge(environment: Environment, **_: Any) -> None:
    """Say what was measured; a run that measured nothing, or the driver itself, has failed."""
    if isinstance(environment.runner, WorkerRunner):
        return
    options: Any = environment.parsed_options
    total = _figures[environment].total()
    print(summary(total), file=sys.stderr)
    if options.tally:
        series = _figures[environment].series()
        lines = [total.to_json(), *(f"{at} {tally.to_json()}" for at, tally in series)]
        Path(options.tally).write_text("\n".join(lines) + "\n", encoding="utf-8")
    environment.process_exit_code = 0 if total.is_valid and not total.failed else 1


def summary(tally: Tally) -> str:
    """Return what was measured, in words."""
    if not tally.calls:
        return "no customer came: open more lanes, or let it run longer"
    percentiles = ", ".join(f"p{it:g} {tally.latency_ms(it):.1f} ms" for it in (50, 95, 99, 99.9))
    lines = [
        f"{tally.calls:,} calls in {tally.seconds:.0f} s ({tally.calls / tally.seconds:.1f}/s), "
        f"{tally.failed:,} failed; from the intended beginning: {percentiles}",
        f"dispatch lag p99 {tally.lag_p99_ms:.1f} ms" + ("" if tally.is_valid else ": INVALID"),
    ]
    if tally.failed:
        lines.append(f"failed: {json.dumps(tally.reasons())}")
    return "\n".join(lines)


def _unsent(environment: Environment) -> str:
    figures = _figures[environment]
    unsent, figures.unsent = figures.unsent, Tally()
    return unsent.to_json()
