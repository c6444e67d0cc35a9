"""`agelane` as a process of its own."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import Any

from agelane_client.cli.main import main

COMMAND = [sys.executable, "-m", "agelane_client.cli"]
PATIENTLY = ["--timeout", "30"]


def agelane(
    *arguments: str, closed: int | None = None, **options: Any
) -> subprocess.CompletedProcess[Any]:
    """Run the command; standard input is empty unless told otherwise.

    What it printed is text, or bytes if its input is. `closed` is a descriptor that it gets closed.
    """
    closing = [] if closed is None else ["sh", "-c", f'exec "$@" {closed}>&-', "sh"]
    if "input" not in options:
        options.setdefault("stdin", subprocess.DEVNULL)
    options.setdefault("stdout", subprocess.PIPE)
    return subprocess.run(
        [*closing, *COMMAND, *arguments],
        stderr=subprocess.PIPE,
        text=isinstance(options.get("input", ""), str),
        timeout=60,
        check=False,
        **options,
    )


def exit_of(*arguments: str) -> int:
    """Run the command in this process; return its exit code, also of a wrong command line."""
    try:
        return main(arguments)
    except SystemExit as error:
        return int(str(error.code))


def documents(text: str) -> list[dict[str, Any]]:
    """Return the JSON documents in `text`, one a line."""
    return [json.loads(line) for line in text.splitlines()]
