"""`python -m agelane_serving.reports COMMAND`: make reports from a ledger.

A gateway runs `cashiers` and `age-groups` to answer managers, and reads the message they write. An
operator has `nightly` run once a day.
"""

from __future__ import annotations

import argparse
import gc
import os
import sys
import time

from google.protobuf.message import Message

from agelane_serving.ledger.receipt import LedgerError
from agelane_serving.ledger.store import engine_for
from agelane_serving.policy.age_groups import groups_from_starts
from agelane_serving.reports.cashiers import Period
from agelane_serving.reports.from_ledger.cashier_report import report_cashiers
from agelane_serving.reports.from_ledger.purchase_report import report_purchases
from agelane_serving.reports.kept_alerts import read_kept
from agelane_serving.reports.messages import age_group_message, cashier_message
from agelane_serving.reports.nightly import do_nightly_work

_NICENESS = 10  # tills go first on the same machine


def main() -> int:
    """Run one command; return the exit code: 1 for what can't be answered, 2 for no database."""
    options = _parser().parse_args()
    os.nice(_NICENESS)
    gc.disable()  # it would go through a million rows again and again, and the process ends soon
    try:
        options.run(options)
    except LedgerError as error:
        print(f"error: the ledger can't be used: {error}", file=sys.stderr)
        return 2
    except ValueError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    return 0


def _cashiers(options: argparse.Namespace) -> None:
    engine, period = engine_for(options.ledger), Period(options.start, options.end)
    kept = read_kept(engine)
    report = report_cashiers(engine, period, options.restricted_category, kept.alerts)
    _write(cashier_message(report, kept.standings, options.store, options.cashier))


def _age_groups(options: argparse.Namespace) -> None:
    period = Period(options.start, options.end)
    groups = groups_from_starts([int(start) for start in options.age_groups.split(",")])
    report = report_purchases(engine_for(options.ledger), period, options.store, groups)
    _write(age_group_message(report, period))


def _nightly(options: argparse.Namespace) -> None:
    done = do_nightly_work(
        engine_for(options.ledger), options.now or time.time(), options.restricted_category
    )
    print(done)


def _parser() -> argparse.ArgumentParser:
    _, _, more = (__doc__ or "").partition("\n\n")
    parser = argparse.ArgumentParser(prog="python -m agelane_serving.reports", description=more)
    parser.add_argument(
        "--ledger",
        metavar="URL",
        default=os.environ.get("AGELANE_GATEWAY_LEDGER", ""),
        help="database, as sqlite:///ledger.db (AGELANE_GATEWAY_LEDGER)",
    )
    commands = parser.add_subparsers(required=True, metavar="COMMAND")

    asked = argparse.ArgumentParser(add_help=False)
    asked.add_argument("--start", type=float, required=True, help="first moment, Unix seconds")
    asked.add_argument("--end", type=float, required=True, help="first moment after it")
    asked.add_argument("--store", default="", help="one store only")
    goods = argparse.ArgumentParser(add_help=False)
    goods.add_argument("--restricted-category", default="alcohol", help="(%(default)s)")

    each = commands.add_parser(
        "cashiers", parents=[asked, goods], help="write a GetCashierReportResponse"
    )
    each.add_argument("--cashier", default="", help="one cashier only")
    each.set_defaults(run=_cashiers)

    each = commands.add_parser(
        "age-groups", parents=[asked], help="write a GetAgeGroupReportResponse"
    )
    each.add_argument("--age-groups", required=True, help="first years of the groups, by commas")
    each.set_defaults(run=_age_groups)

    each = commands.add_parser(
        "nightly",
        parents=[goods],
        help="keep what stands out among the cashiers as alerts, and learn what offers sell",
    )
    each.add_argument("--now", type=float, help="as if it were then, Unix seconds")
    each.set_defaults(run=_nightly)
    return parser


def _write(message: Message) -> None:
    sys.stdout.buffer.write(message.SerializeToString())


if __name__ == "__main__":
    sys.exit(main())
