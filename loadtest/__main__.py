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
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

from agelane_client import AgelaneError, Client, ConfigurationError
from loadtest.bench import processes
from loadtest.capacity.bare import bare_tensorflow
from loadtest.capacity.report import Run, table, write_reports
from loadtest.capacity.search import Objective, Search, Trial, most_lanes
from loadtest.capacity.trial import Load, TrialFailed, run
from loadtest.connection import connection
from loadtest.open_loop.__main__ import add_habits
from loadtest.photos import read_photos

REPORTS = Path("reports")
_STACKS = ("real_model", "null_model")
_FIRST = {"real_model": 400, "null_model": 8000}


def main() -> int:
    """Search, print and write; return the exit code."""
    commands = parser()
    options = commands.parse_args()
    objective = Objective(options.p99_ms, options.p99_9_ms)
    stacks = ["target"] if options.target else options.stacks or list(_STACKS)
    load = Load(
        "",
        options.seconds,
        options.warm_up,
        options.rate,
        options.shape,
        options.sales_share,
        Path(options.photos),
        options.workers,
    )
    try:
        read_photos(load.photos)
        runs = [_measured(stack, load, objective, options) for stack in stacks]
    except (OSError, ConfigurationError) as error:
        commands.error(str(error))
    except AgelaneError as error:
        print(f"no gateway at {options.target}: {error.message}", file=sys.stderr)
        print("start one with `make serve`, or let this start its own", file=sys.stderr)
        return 3
    except TrialFailed as error:
        print(error, file=sys.stderr)
        return 4
    write_reports(runs, REPORTS)
    bare = bare_tensorflow(load.photos) if "real_model" in stacks else None
    if bare is not None:
        print(f"TensorFlow alone, on full batches: {bare:.1f} photos a second")
        write_reports(runs, REPORTS, bare)
    return 0 if all(it.search.lanes >= options.least for it in runs) else 1


def _measured(stack: str, load: Load, objective: Objective, options: argparse.Namespace) -> Run:
    """Measure one stack, and print a line for each trial."""
    print(f"{stack}: {load.rate:g} customers a second and lane, {load.seconds:g} s a trial")
    with _gateway(stack, options.target) as target:
        here = replace(load, target=target)
        by = connection()
        with Client(target, token=by.token, tls=by.tls) as client:
            client.health(timeout=5)

        def trial(lanes: int) -> Trial:
            tally = run(here, lanes)
            made = Trial(lanes, tally, objective.missed_by(tally))
            print(table([made]), flush=True)
            return made

        if options.lanes:
            search = Search([trial(options.lanes)])
        else:
            first = options.first or _FIRST.get(stack, 100)
            search = most_lanes(trial, first, within=options.within)
    print(f"{stack}: {search.lanes:,} lanes\n", flush=True)
    return Run(stack, here, objective, search)


@contextmanager
def _gateway(stack: str, target: str) -> Iterator[str]:
    """Run a stack, or use the one that runs; give its address."""
    if stack == "real_model":
        with processes.stack({}) as (gateway, _):
            yield gateway
    elif stack == "null_model":
        with (
            processes.null_backend() as backend,
            processes.gateway(backend, 1, ["--lane-rate=100000"]) as server,
        ):
            yield server.address
    else:
        yield target


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
    made.add_argument("--stacks", nargs="+", choices=_STACKS, help="which to start (both)")
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
