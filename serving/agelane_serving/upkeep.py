"""`python -m agelane_serving.upkeep --key FILE --days N [--at HH:MM]`: what a ledger needs nightly.

It removes what is old, looks at the cashiers and lets offers learn, and verifies the chain; each is
done whatever became of the others. Without --at that is done once, at once, and the exit code is 1
if any of it failed. With --at it is done every night; what fails is logged, and tried again the
next night.
"""

from __future__ import annotations

import argparse
import logging
import os
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from datetime import time as TimeOfDay  # noqa: N812  # `time` is the module, as everywhere
from pathlib import Path

from agelane_serving.ledger.chain import BEGINNING, ChainBroken, Position, read_key
from agelane_serving.ledger.receipt import LedgerError
from agelane_serving.ledger.retention import LEAST_DAYS, retain
from agelane_serving.ledger.store import engine_for
from agelane_serving.ledger.verify import verify

_VARIABLE = "AGELANE_GATEWAY_LEDGER"
_DAY_SECONDS = 86_400
_LONGEST_SLEEP_SECONDS = 60.0  # a clock may be set, and a machine asleep
_logger = logging.getLogger("upkeep")


class ReportsFailed(Exception):
    """The reports' program failed; the message is what it said."""


class Upkeep:
    """Looks after one ledger."""

    def __init__(
        self, url: str, key: bytes, days: int, basket_days: int, seen: Path | None
    ) -> None:
        """`seen` keeps the last event that was verified, from one good night to the next.

        Raises:
            LedgerError: there is no such kind of database.
        """
        self._url, self._engine, self._key = url, engine_for(url), key
        self._days, self._basket_days = days, basket_days
        self._seen = seen
        self._last = BEGINNING

    def do_all(self) -> bool:
        """Do all of it; return whether all went well."""
        steps = {"retention": self._retain, "reports": self._report, "verification": self._verify}
        well = [_went_well(name, step) for name, step in steps.items()]
        if all(well) and self._seen is not None:
            aside = self._seen.with_suffix(".new")
            aside.write_text(f"{self._last}\n", "ascii")
            aside.replace(self._seen)
        return all(well)

    def is_due(self) -> bool:
        """Tell whether the last good night is more than a day ago."""
        if self._seen is None or not self._seen.exists():
            return True
        return time.time() - self._seen.stat().st_mtime > _DAY_SECONDS

    def _retain(self) -> str:
        gone = retain(self._engine, self._key, time.time(), self._days, self._basket_days)
        return f"removed {gone.events} events, {gone.baskets} baskets and {gone.alerts} alerts"

    def _report(self) -> str:
        # In a process of its own: its memory is given back.
        done = subprocess.run(
            [sys.executable, "-m", "agelane_serving.reports", "nightly"],
            env={**os.environ, _VARIABLE: self._url},
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode != 0:
            raise ReportsFailed(done.stderr.strip())
        return done.stdout.strip()

    def _verify(self) -> str:
        seen = BEGINNING
        if self._seen is not None and self._seen.exists():
            seen = Position.parse(self._seen.read_text("ascii").strip())
        verdict = verify(self._engine, self._key, seen)
        if verdict.faults:
            raise ChainBroken("; ".join(verdict.faults))
        self._last = verdict.last
        return f"{verdict.events} events are as they were recorded, the last one {verdict.last}"


def main(argv: Sequence[str] | None = None) -> int:
    """Look after a ledger once, or every night until ended; return the exit code."""
    options = _parser().parse_args(argv)
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(message)s")
    try:
        key, baskets = read_key(options.key), options.basket_days or options.days
        upkeep = Upkeep(options.ledger, key, options.days, baskets, options.seen)
    except (LedgerError, OSError, ValueError) as error:
        _logger.error("%s", error)
        return 2
    if options.at is None:
        return 0 if upkeep.do_all() else 1
    if upkeep.is_due():
        upkeep.do_all()
    while True:
        _sleep_until(next_moment(time.time(), options.at))
        upkeep.do_all()


def next_moment(now: float, at: TimeOfDay) -> float:
    """Return when the local clock shows a time of day next, in Unix seconds; later than now."""
    year, month, day, *_ = time.localtime(now)
    moments = (
        # -1: whether it is summer time then, the system knows.
        time.mktime((year, month, day + days, at.hour, at.minute, 0, 0, 0, -1))
        for days in range(3)
    )
    return next(moment for moment in moments if moment > now)


def _sleep_until(moment: float) -> None:
    _logger.info("next on %s", time.strftime("%Y-%m-%d at %H:%M %Z", time.localtime(moment)))
    while (left := moment - time.time()) > 0:
        time.sleep(min(left, _LONGEST_SLEEP_SECONDS))


def _went_well(name: str, step: Callable[[], str]) -> bool:
    try:
        _logger.info("%s: %s", name, step())
    except (ChainBroken, LedgerError, ReportsFailed, OSError, ValueError) as error:
        _logger.error("%s failed: %s", name, error)
        return False
    return True


def _parser() -> argparse.ArgumentParser:
    _, _, more = (__doc__ or "").partition("\n\n")
    parser = argparse.ArgumentParser(prog="python -m agelane_serving.upkeep", description=more)
    parser.add_argument(
        "--ledger",
        metavar="URL",
        default=os.environ.get(_VARIABLE, ""),
        help=f"database, as sqlite:///ledger.db ({_VARIABLE})",
    )
    parser.add_argument("--key", type=Path, required=True, help="file with the chain's key")
    help_ = f"keep events for so long, and closed alerts; {LEAST_DAYS} or more"
    parser.add_argument("--days", type=int, required=True, help=help_)
    parser.add_argument("--basket-days", type=int, help="keep baskets for so long (--days)")
    parser.add_argument("--at", type=TimeOfDay.fromisoformat, metavar="HH:MM", help="local time")
    parser.add_argument(
        "--seen",
        type=Path,
        metavar="FILE",
        help="where the last event is kept after each good night, to notice if the end is cut off",
    )
    return parser


if __name__ == "__main__":
    sys.exit(main())
