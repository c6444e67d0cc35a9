"""`python -m agelane_serving.ledger migrate|verify --url URL`: look after a ledger."""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path

from sqlalchemy.exc import DBAPIError

from agelane_serving.ledger.chain import read_key
from agelane_serving.ledger.migrate import migrate
from agelane_serving.ledger.receipt import LedgerError
from agelane_serving.ledger.store import engine_for
from agelane_serving.ledger.verify import verify


def main() -> int:
    """Run one command; return the exit code: 1 for a chain that is broken, 2 for no database."""
    parser = argparse.ArgumentParser(
        prog="python -m agelane_serving.ledger", description="Look after a ledger of sales."
    )
    parser.add_argument(
        "--url",
        default=os.environ.get("AGELANE_GATEWAY_LEDGER", ""),
        help="database, as sqlite:///ledger.db (AGELANE_GATEWAY_LEDGER)",
    )
    commands = parser.add_subparsers(required=True, dest="command")
    commands.add_parser("migrate", help="create the tables, or bring them up to date")
    checking = commands.add_parser("verify", help="find what was altered, removed or reordered")
    checking.add_argument("--key", type=Path, required=True, help="file with the chain's key")
    checking.add_argument("--seen", default="", help="hash that an earlier run printed")
    options = parser.parse_args()
    try:
        if options.command == "migrate":
            migrate(options.url)
            return 0
        return _verify(options.url, options.key, options.seen)
    except (LedgerError, DBAPIError, OSError, ValueError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 2


def _verify(url: str, key: Path, seen: str) -> int:
    verdict = verify(engine_for(url), read_key(key), bytes.fromhex(seen) if seen else None)
    for fault in verdict.faults:
        print(fault)
    print(f"{verdict.events} events, the last one {verdict.last_hash.hex()}")
    return 1 if verdict.faults else 0


if __name__ == "__main__":
    sys.exit(main())
