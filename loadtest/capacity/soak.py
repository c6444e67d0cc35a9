"""`python -m loadtest.capacity.soak`: does a stack that is used for long stay as it was?

A stack with the real model is loaded evenly for half an hour, with 80 % of the lanes that `make
loadtest` found it to carry. In the end no call may have failed, and neither the memory of its
processes may have grown after a time to settle nor the number of files that they have open. Memory
means what is their own: a leak is in there, while the system drops parts of mapped files and reads
them again as it likes. Figures go to soak.json, curves to soak.html, what each process had at every
second to soak.csv.

Exit codes: 0 it held; 1 it did not; 4 Locust failed.
"""

from __future__ import annotations

import argparse
import csv
import json
import statistics
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from loadtest.__main__ import positive
from loadtest.capacity.model import CAPACITY, measured_lanes
from loadtest.capacity.report import Run, figures_of, page, table
from loadtest.capacity.search import Objective, Search, Trial
from loadtest.capacity.stacks import STACKS, gateway
from loadtest.capacity.trial import Load, TrialFailed, run
from loadtest.capacity.watch import Sample, Watch

_MOST_MB_AN_HOUR = 1.0
_SHARE = 0.8
_WARM_UP_SECONDS = 10.0


@dataclass(frozen=True)
class Growth:
    """What became of one process after the time to settle."""

    mb_an_hour: float
    """Slope of its own memory, without mapped files (least squares)."""
    files: float
    """Open files of the last tenth of the time, less those of the first tenth (medians)."""

    @property
    def holds(self) -> bool:
        """Whether it stayed as it was."""
        return self.mb_an_hour <= _MOST_MB_AN_HOUR and self.files <= 0


def growth(samples: Sequence[Sample], name: str, settle_seconds: float) -> Growth:
    """Return how a process grew after the time to settle.

    Raises ValueError where it was seen less than 20 times, or not to the end: it has ended, or the
    run was too short to tell.
    """
    began = samples[0].at if samples else 0.0
    seen = [
        (it.at - began, it.processes[name])
        for it in samples
        if it.at - began >= settle_seconds and name in it.processes
    ]
    tenth = len(seen) // 10
    if tenth < 2 or name not in samples[-1].processes:
        raise ValueError(f"{name} was seen {len(seen)} times after {settle_seconds:g} s")
    hours, memory = [at / 3600 for at, _ in seen], [it.own_memory_mb for _, it in seen]
    files = [it.files for _, it in seen]
    return Growth(
        statistics.linear_regression(hours, memory).slope,
        statistics.median(files[-tenth:]) - statistics.median(files[:tenth]),
    )


def main() -> int:
    """Load, judge and write; return the exit code."""
    commands = parser()
    options = commands.parse_args()
    lanes = options.lanes or round(_SHARE * measured_lanes(CAPACITY, options.p99_ms))
    if not lanes:
        commands.error(f"give --lanes: `make loadtest` has not found how many {CAPACITY} could say")
    objective = Objective(options.p99_ms, options.p99_9_ms)
    with gateway(options.stack) as measured:
        load = Load(measured.target, options.seconds, _WARM_UP_SECONDS, options.rate)
        try:
            with Watch(measured.pids, measured.metrics) as watch:
                told = run(load, lanes)
        except TrialFailed as error:
            print(error, file=sys.stderr)
            return 4
    samples = tuple(watch.samples)
    trial = Trial(lanes, told.total, objective.missed_by(told.total), told.series, samples)
    print(table([trial]))
    found, holds = figures_of(trial), not trial.missed
    for name in measured.pids:
        try:
            grown = growth(samples, name, options.settle)
        except ValueError as error:
            print(error, file=sys.stderr)
            holds = False
            continue
        found[f"{name}_mb_an_hour"] = round(grown.mb_an_hour, 3)
        found[f"{name}_more_files"] = grown.files
        holds = holds and grown.holds
    print(json.dumps(found, indent=2))
    soaked = Run(f"soak_{options.stack}", load, objective, Search([trial]))
    options.reports.mkdir(parents=True, exist_ok=True)
    (options.reports / "soak.json").write_text(json.dumps(found, indent=2) + "\n", "utf-8")
    (options.reports / "soak.html").write_text(page([soaked]), "utf-8")
    _write_samples(samples, options.reports / "soak.csv")
    return 0 if holds else 1


def _write_samples(samples: Sequence[Sample], path: Path) -> None:
    """Write a row for each process and moment: a growth of 1 MB is not to be seen in a curve."""
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(
            ("seconds", "process", "memory_mb", "own_memory_mb", "files", "cpu_seconds")
        )
        for sample in samples:
            at = round(sample.at - samples[0].at, 3)
            for name, it in sample.processes.items():
                memory = round(it.memory_mb, 3), round(it.own_memory_mb, 3)
                writer.writerow((at, name, *memory, it.files, it.cpu_seconds))


def parser() -> argparse.ArgumentParser:
    """Return the parser of the command line."""
    _, _, more = (__doc__ or "").partition("\n\n")
    made = argparse.ArgumentParser(
        prog="python -m loadtest.capacity.soak",
        description=more,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    made.add_argument(
        "--lanes", type=positive, help=f"how many to open (80 %% of those in {CAPACITY})"
    )
    made.add_argument("--stack", choices=STACKS, default="real_model", help="which to start")
    made.add_argument("--rate", type=float, default=0.05, help="customers a second and lane")
    made.add_argument("--seconds", type=float, default=1800.0, help="(%(default)s)")
    made.add_argument(
        "--settle", type=float, default=600.0, help="seconds that memory may grow (%(default)s)"
    )
    made.add_argument("--p99-ms", type=float, default=300.0, help="objective (%(default)s)")
    made.add_argument("--p99-9-ms", type=float, default=800.0, help="objective (%(default)s)")
    made.add_argument("--reports", type=Path, default=Path("reports"), help="folder (%(default)s)")
    return made


if __name__ == "__main__":
    sys.exit(main())
