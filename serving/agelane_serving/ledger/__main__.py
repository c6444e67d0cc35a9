"""`python -m agelane_serving.ledger COMMAND --url URL`: look after a ledger."""

from __future__ import annotations

import argparse
import os
import sys
import time
from pathlib import Path

from agelane_serving.ledger.chain import BEGINNING, ChainBroken, Position, read_key
from agelane_serving.ledger.erasure import erase
from agelane_serving.ledger.migrate import migrate
from agelane_serving.ledger.receipt import LedgerError
from agelane_serving.ledger.retention import LEAST_DAYS, retain
from agelane_serving.ledger.store import engine_for
from agelane_serving.ledger.verify import verify


def main() -> int:
    """Run one command; return the exit code: 1 for a chain that is broken, 2 for no database."""
    options = _parser().parse_args()
    try:
        code: int = options.run(options)
    except ChainBroken as error:
        print(f"the chain is broken: {error}", file=sys.stderr)
        return 1
    except (LedgerError, OSError, ValueError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    return code


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m agelane_serving.ledger", description="Look after a ledger of sales."
    )
    parser.add_argument(
        "--url",
        default=os.environ.get("AGELANE_GATEWAY_LEDGER", ""),
        help="database, as sqlite:///ledger.db (AGELANE_GATEWAY_LEDGER)",
    )
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    key = argparse.ArgumentParser(add_help=False)
    key.add_argument("--key", type=Path, required=True, help="file with the chain's key")

    each = commands.add_parser("migrate", help="create the tables, or bring them up to date")
    help_ = "and let each role of docs/operations.md do what it has to; PostgreSQL"
    each.add_argument("--grant", action="store_true", help=help_)
    each.set_defaults(run=_migrate)

    help_ = "find what was altered, removed or reordered"
    each = commands.add_parser("verify", parents=[key], help=help_)
    each.add_argument("--seen", type=Position.parse, default=BEGINNING, help="as it was printed")
    each.set_defaults(run=_verify)

    each = commands.add_parser("retain", parents=[key], help="remove what is old; once a day")
    help_ = f"keep events for so long, and closed alerts; {LEAST_DAYS} or more"
    each.add_argument("--days", type=int, required=True, help=help_)
    each.add_argument("--basket-days", type=int, help="keep baskets for so long (--days)")
    each.set_defaults(run=_retain)

    help_ = "erase a cashier's number, once they have left"
    each = commands.add_parser("erase", parents=[key], help=help_)
    each.add_argument("--store", required=True, help="the store")
    each.add_argument("--cashier", required=True, help="the cashier's number")
    each.set_defaults(run=_erase)
    return parser


def _migrate(options: argparse.Namespace) -> int:
    migrate(options.url, grant=options.grant)
    return 0


def _verify(options: argparse.Namespace) -> int:
    verdict = verify(engine_for(options.url), read_key(options.key), options.seen)
    for fault in verdict.faults:
        print(fault)
    print(f"{verdict.events} events, the last one {verdict.last}")
    return 1 if verdict.faults else 0


def _retain(options: argparse.Namespace) -> int:
    key, basket_days = read_key(options.key), options.basket_days
    if basket_days is None:
        basket_days = options.days
    gone = retain(engine_for(options.url), key, time.time(), options.days, basket_days)
    print(f"removed {gone.events} events, {gone.baskets} baskets and {gone.alerts} alerts")
    return 0


def _erase(options: argparse.Namespace) -> int:
    engine, key = engine_for(options.url), read_key(options.key)
    done = erase(engine, key, options.store, options.cashier)
    print(f"erased the number from {done.events} events and {done.alerts} alerts")
    return 0


if __name__ == "__main__":
    sys.exit(main())
