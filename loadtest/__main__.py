"""`python -m loadtest`: a number of lanes for a number of seconds against a running stack.

Exit codes: 0 all calls were answered with an age; 1 some were not; 2 wrong usage; 3 no gateway.
"""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path
from typing import NoReturn

from agelane_client import AgelaneError, Client, ConfigurationError
from loadtest.photos import SAMPLES, read_photos

LOCUSTFILE = Path(__file__).with_name("locustfile.py")
# Longer than any call may take, so that calls in progress at the end still count.
LAST_CALLS_SECONDS = 2


def main() -> NoReturn:
    """Check that photos and a gateway are there, then become Locust."""
    commands = parser()
    options = commands.parse_args()
    try:
        read_photos(options.photos)
        with Client(options.target) as client:
            client.health(timeout=5)
    except (OSError, ConfigurationError) as error:
        commands.error(str(error))
    except AgelaneError as error:
        print(f"no gateway at {options.target}: {error.message}", file=sys.stderr)
        print("start the stack with `make serve`, then try again", file=sys.stderr)
        sys.exit(3)
    os.execv(sys.executable, [sys.executable, *locust_arguments(options)])


def locust_arguments(options: argparse.Namespace) -> list[str]:
    """Return the arguments with which Python runs Locust."""
    arguments = {
        "--locustfile": LOCUSTFILE,
        "--users": options.lanes,
        "--spawn-rate": options.lanes,
        "--run-time": f"{options.seconds}s",
        "--stop-timeout": LAST_CALLS_SECONDS,
        "--host": options.target,
        "--pause": options.pause,
        "--photos": options.photos,
    }
    pairs = [str(part) for pair in arguments.items() for part in pair]
    return ["-m", "locust", "--headless", "--only-summary", *pairs]


def parser() -> argparse.ArgumentParser:
    """Return the parser of the command line."""
    made = argparse.ArgumentParser(
        prog="python -m loadtest",
        description="Load a running stack from checkout lanes.",
        epilog=(__doc__ or "").splitlines()[2],
        formatter_class=argparse.ArgumentDefaultsHelpFormatter,
    )
    made.add_argument("--lanes", type=positive, default=20, help="how many")
    made.add_argument("--seconds", type=positive, default=30, help="how long")
    target = os.environ.get("AGELANE_TARGET") or "127.0.0.1:50051"
    made.add_argument("--target", default=target, help="the gateway, or AGELANE_TARGET")
    made.add_argument("--pause", type=float, default=1.0, help="seconds between customers, mean")
    made.add_argument("--photos", type=Path, default=SAMPLES, help="folder with photos")
    return made


def positive(text: str) -> int:
    """Return `text` as a whole number of at least 1."""
    number = int(text)
    if number < 1:
        raise argparse.ArgumentTypeError("must be 1 or more")
    return number


if __name__ == "__main__":
    main()
