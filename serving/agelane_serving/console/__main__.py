"""`python -m agelane_serving.console [--listen HOST:PORT] …`, or `… user NAME` for a new user."""

from __future__ import annotations

import asyncio
import logging
import sys
from collections.abc import Sequence

from agelane_serving.console.new_user import new_user


def main(argv: Sequence[str] | None = None) -> int:
    """Run the console until it is told to stop, or make a user; return the exit code."""
    argv = sys.argv[1:] if argv is None else argv
    if argv[:1] == ["user"]:
        return new_user(argv[1:])
    # NiceGUI takes a second to load.
    from agelane_serving.console.server import serve
    from agelane_serving.console.settings import parse_settings
    from agelane_serving.console.users import UsersError
    from agelane_serving.flags import SettingsError
    from agelane_serving.ledger.receipt import LedgerError

    settings = parse_settings(argv)
    logging.basicConfig(
        level=settings.log_level, format="%(asctime)s %(levelname)s %(name)s: %(message)s"
    )
    try:
        asyncio.run(serve(settings))
    except (SettingsError, UsersError, LedgerError, OSError) as error:
        logging.getLogger(__name__).error("%s", error)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
