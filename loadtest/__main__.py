"""`python -m loadtest`: the most lanes that a machine carries within its objective.

It starts a stack with the real model and then one whose model costs next to nothing, opens more and
more lanes until calls take too long or fail, and halves the rest. Tables go to stdout, everything
to reports/capacity.json, .csv and .html. With --lanes nothing is searched: one run, judged.

Exit codes: 0 the objective holds with --least lanes; 1 it does not; 2 wrong usage; 3 no gateway;
4 Locust failed.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

from agelane_client import AgelaneError, Client, ConfigurationError
from loadtest.capacity.bare import Comparison, compare
from loadtest.capacity.flat_out import photos_per_second
from loadtest.capacity.report import Run, table, write_reports
from loadtest.capacity.search import Objective, Search, Trial, most_lanes
from loadtest.capacity.stacks import STACKS, gateway
from loadtest.capacity.trial import Load, TrialFailed, run
from loadtest.capacity.watch import Watch
from loadtest.connection import connection
from loadtest.open_loop.__main__ import add_habits
from loadtest.photos import read_photos

REPORTS = Path("reports")
_FIRST = {"real_model": 400, "null_model": 8000}


def main() -> int:
    """Search, print and write; return the exit code."""
    commands = parser()
    options = commands.parse_args()
    objective = Objective(options.p99_ms, options.p99_9_ms)
    stacks = ["target"] if options.target else options.stacks or list(STACKS)
    load = Load(
        "",
        options.seconds,
        options.warm_up,
        options.rate,
        shape=options.shape,
        sales_share=options.sales_share,
        photos=Path(options.photos),
        mixed_sizes=options.mixed_sizes,
        workers=options.workers,
    )
    try:
        read_photos(load.photos)
        runs: list[Run] = []
        for stack in stacks:
            _measure(stack, load, objective, options, runs)
    except (OSError, ConfigurationError) as error:
        commands.error(str(error))
    except _NoGatewayError as error:
        print(f"no gateway at {options.target}: {error}", file=sys.stderr)
        print("start one with `make serve`, or let this start its own", file=sys.stderr)
        return 3
    except (TrialFailed, AgelaneError, subprocess.CalledProcessError) as error:
        print(error, file=sys.stderr)
        return 4
    return 0 if all(it.search.lanes >= options.least for it in runs) else 1


class _NoGatewayError(Exception):
    """There is none at the target, or none that lets us in."""


def _measure(
    stack: str, load: Load, objective: Objective, options: argparse.Namespace, runs: list[Run]
) -> None:
    """Measure one stack, print a line for each trial, and write what is known of all `runs`."""
    print(f"{stack}: {load.rate:g} customers a second and lane, {load.seconds:g} s a trial")
    with gateway(stack, options.target, options.metrics) as measured:
        here = replace(load, target=measured.target)
        by = connection()
        try:
            with Client(measured.target, token=by.token, tls=by.tls) as client:
                client.health(timeout=5)
        except ConfigurationError:
            raise
        except AgelaneError as error:
            raise _NoGatewayError(error.message) from error

        def trial(lanes: int) -> Trial:
            with Watch(measured.pids, measured.metrics) as watch:
                told = run(here, lanes)
            missed = objective.missed_by(told.total)
            made = Trial(lanes, told.total, missed, told.series, tuple(watch.samples))
            print(table([made]), flush=True)
            return made

        if options.lanes:
            search = Search([trial(options.lanes)])
        else:
            first = options.first or _FIRST.get(stack, 100)
            search = most_lanes(trial, first, within=options.within)
        print(f"{stack}: {search.lanes:,} lanes", flush=True)
        runs.append(Run(stack, here, objective, search))
        write_reports(runs, REPORTS)
        if stack == "real_model":
            runs[-1] = replace(runs[-1], comparison=_compared(measured.target, load.photos))
            write_reports(runs, REPORTS)


def _compared(target: str, folder: Path) -> Comparison | None:
    """Measure a stack beside TensorFlow alone, and print what came out."""
    photos = read_photos(folder)
    found = compare(lambda seconds: photos_per_second(target, photos, seconds), folder)
    if found is not None:
        print(
            f"flat out {found.photos_per_second:.1f} photos/s, TensorFlow alone on full batches "
            f"{found.bare_photos_per_second:.1f}: {found.over_bare:.2f} of it",
            flush=True,
        )
    return found


def parser() -> argparse.ArgumentParser:
    """Return the parser of the command line."""
    _, _, more = (__doc__ or "").partition("\n\n")
    made = argparse.ArgumentParser(
        prog="python -m loadtest",
        description=more,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    made.add_argument(
        "--target",
        default=os.environ.get("AGELANE_TARGET", ""),
        help="a gateway that runs already, or AGELANE_TARGET (default: we start our own)",
    )
    made.add_argument("--metrics", default="", help="HOST:PORT of that gateway's metrics")
    made.add_argument("--stacks", nargs="+", choices=STACKS, help="which to start (both)")
    made.add_argument("--lanes", type=positive, help="measure with so many, and search nothing")
    made.add_argument("--first", type=positive, help="lanes to begin the search with")
    made.add_argument("--least", type=int, default=1, help="lanes that must hold (%(default)s)")
    made.add_argument("--within", type=float, default=0.05, help="how near to come (%(default)s)")
    made.add_argument(
        "--seconds",
        type=float,
        default=30.0,
        help="of each trial (%(default)s)",
    )
    made.add_argument(
        "--warm-up", type=float, default=8.0, help="seconds before that (%(default)s)"
    )
    made.add_argument("--p99-ms", type=float, default=300.0, help="objective (%(default)s)")
    made.add_argument("--p99-9-ms", type=float, default=800.0, help="objective (%(default)s)")
    made.add_argument("--workers", type=positive, default=1, help="Locust workers (%(default)s)")
    add_habits(made)
    return made


def positive(text: str) -> int:
    """Return `text` as a whole number of at least 1."""
    number = int(text)
    if number < 1:
        raise argparse.ArgumentTypeError("must be 1 or more")
    return number


if __name__ == "__main__":
    sys.exit(main())
