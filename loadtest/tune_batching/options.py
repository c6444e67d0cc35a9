"""The command line of the sweep."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from loadtest.photos import SAMPLES
from loadtest.tune_batching.report import machine
from loadtest.tune_batching.servers import CONFIG
from loadtest.tune_batching.setting import Grid

# A model server takes 128 calls at a time and refuses more; some are for whoever else asks.
MOST_IN_FLIGHT = 120

_DESCRIPTION = """\
Find the best batching.config for a machine by measuring: from the present file it goes step by
step to larger or smaller batches, more or fewer threads, longer or shorter waits, for as long as
a step makes it better. The best is the one with the most photos a second among those whose p99 at
a moderate rate is within --p99-ms; of several within 5 % of it, the simplest.

Without --restart it starts the embedded model server itself. For any other server:

  python -m loadtest.tune_batching --restart 'docker compose restart model-server-gpu' \\
    --target HOST:PORT --config serving/tfserving/batching.config --write

writes each setting to that file and runs the command, which must return only once the old server
is gone. In the end the file is as it was, and the server restarted with it.
"""
_EPILOG = """\
Nothing else should run on the machine meanwhile. The table goes to stdout, the figures to
--report. Exit codes: 0 found; 1 no setting answers within --p99-ms, nothing is written; 2 wrong
usage; 3 no server; 130 Ctrl-C, what was measured so far is reported all the same.
"""


@dataclass(frozen=True)
class Options:
    """What is to be done."""

    sizes: list[int]
    threads: list[int]
    timeouts_micros: list[int]
    p99_ms: float
    rate: float
    in_flight: int | None
    seconds: float
    warm_up: float
    rounds: int
    minutes: float
    photos: Path
    models: Path
    config: Path | None
    restart: str
    target: str
    patience: float
    write: bool
    out: Path | None
    report: Path
    machine: str

    @property
    def grid(self) -> Grid:
        """The values to try."""
        return Grid(tuple(self.sizes), tuple(self.threads), tuple(self.timeouts_micros))

    @property
    def present(self) -> Path:
        """The file to begin with, and to compare with."""
        return self.config or CONFIG / "batching.config"

    @property
    def written(self) -> Path | None:
        """Where the best goes; None: nowhere."""
        return self.out or (Path("reports/batching.config") if self.write else None)

    def calls_in_flight(self, largest_batch: int) -> int:
        """Return how many calls to keep in flight: enough for every batch to be full."""
        return self.in_flight or min(4 * largest_batch, MOST_IN_FLIGHT)


def parse_options(argv: Sequence[str]) -> Options:
    """Return the options; exit with code 2 and a message if they can't be used."""
    parser = argparse.ArgumentParser(
        prog="python -m loadtest.tune_batching",
        description=_DESCRIPTION,
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    _add_what_is_tried(parser)
    _add_how_it_is_measured(parser)
    _add_which_server(parser)
    _add_where_it_goes(parser)
    options = Options(**vars(parser.parse_args(argv)))
    if bool(options.restart) != bool(options.target):
        parser.error("--restart and --target go together: how to restart a server, and where it is")
    if options.restart and options.config is None:
        parser.error("--restart needs --config: the batching.config that the server reads")
    return options


def _add_what_is_tried(parser: argparse.ArgumentParser) -> None:
    group = parser.add_argument_group("what is tried, beside the present file")
    for flag, kind, default, text in (
        # Smaller ones than 8 don't load: the warm-up records of an export hold up to 8 photos.
        ("--sizes", _count, [8, 16, 32, 64], "max_batch_size, 8 or more for an exported model"),
        ("--threads", _count, [1, 2, 4], "num_batch_threads"),
        ("--timeouts-micros", _micros, [0, 1000, 4000], "batch_timeout_micros"),
    ):
        shown = " ".join(map(str, default))
        group.add_argument(
            flag, type=kind, nargs="+", default=default, metavar="N", help=f"{text} ({shown})"
        )


def _add_how_it_is_measured(parser: argparse.ArgumentParser) -> None:
    group = parser.add_argument_group("how it is measured")
    _add(group, "--p99-ms", _positive, 300.0, "longest p99 at --rate")
    group.add_argument(
        "--rate",
        type=_positive,
        default=0.0,
        metavar="N",
        help="calls a second for p50 and p99 (half of what the present file can do)",
    )
    group.add_argument(
        "--in-flight",
        type=_count,
        metavar="N",
        help=f"calls in flight for photos a second (4 largest batches, {MOST_IN_FLIGHT} at most)",
    )
    _add(group, "--seconds", _positive, 8.0, "how long each of both is measured")
    _add(group, "--warm-up", _positive, 3.0, "seconds before anything counts")
    _add(group, "--rounds", _count, 2, "measure the finalists so often; the better figures count")
    _add(group, "--minutes", _positive, 15.0, "begin nothing that would take longer than this")
    group.add_argument("--photos", type=Path, default=SAMPLES, help="folder (docs/samples)")


def _add_which_server(parser: argparse.ArgumentParser) -> None:
    group = parser.add_argument_group("which server")
    _add(group, "--models", Path, Path("models"), "folder with age/<version>/, if embedded")
    group.add_argument(
        "--config", type=Path, help="the present file (serving/tfserving/batching.config)"
    )
    group.add_argument("--restart", default="", metavar="COMMAND", help="restarts another server")
    group.add_argument("--target", default="", metavar="HOST:PORT", help="where that one listens")
    _add(group, "--patience", _positive, 180.0, "seconds that a server may take to come up")


def _add_where_it_goes(parser: argparse.ArgumentParser) -> None:
    group = parser.add_argument_group("where it goes")
    group.add_argument(
        "--write", action="store_true", help="write the best file, to reports/batching.config"
    )
    group.add_argument("--out", type=Path, metavar="FILE", help="write the best file to this one")
    _add(group, "--report", Path, Path("reports/batching.json"), "the figures")
    _add(group, "--machine", str, machine(), "what the file says it was measured on")


def _add(
    group: argparse._ArgumentGroup, flag: str, kind: object, default: object, text: str
) -> None:
    metavar = {Path: "PATH", str: "TEXT"}.get(kind, "N")  # type: ignore[call-overload]
    group.add_argument(
        flag,
        type=kind,  # type: ignore[arg-type]
        default=default,
        metavar=metavar,
        help=f"{text} (%(default)s)",
    )


def _count(text: str) -> int:
    number = int(text)
    if number < 1:
        raise argparse.ArgumentTypeError("must be 1 or more")
    return number


def _micros(text: str) -> int:
    number = int(text)
    if number < 0:
        raise argparse.ArgumentTypeError("must be 0 or more")
    return number


def _positive(text: str) -> float:
    number = float(text)
    if not 0 < number < float("inf"):
        raise argparse.ArgumentTypeError("must be more than 0")
    return number
