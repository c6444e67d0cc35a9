"""`python -m agelane_serving.console user NAME …`: an entry for the users' file."""

from __future__ import annotations

import argparse
import getpass
import json
import sys
from collections.abc import Callable, Sequence

from agelane_serving.console.passwords import LONGEST, hashed
from agelane_serving.console.users import Role, UsersError, read_users

_SHORTEST = 10


def new_user(argv: Sequence[str], ask: Callable[[str], str] = getpass.getpass) -> int:
    """Ask for a password twice and print the entry; return the exit code, 2 for one that is wrong.

    Without a terminal the password is read from standard input, one line.
    """
    parser = argparse.ArgumentParser(
        prog="python -m agelane_serving.console user",
        description="Print an entry for the users' file; asks for the password.",
    )
    parser.add_argument("name", help="what they log in as")
    parser.add_argument("--role", required=True, choices=[role.value for role in Role])
    parser.add_argument("--store", action="append", help="a store they may see; again for more")
    parser.add_argument("--cashier", default="", help="a cashier's own number")
    options = parser.parse_args(argv)
    password = _password(ask) if sys.stdin.isatty() else sys.stdin.readline().rstrip("\n")
    if not _SHORTEST <= len(password) <= LONGEST:
        parser.error(
            f"a password has {_SHORTEST} to {LONGEST} characters, and is typed twice alike"
        )
    entry = _entry(options, hashed(password))
    try:
        read_users(f"schema = 1\n{entry}")
    except UsersError as error:
        parser.error(str(error))
    print(entry)
    return 0


def _password(ask: Callable[[str], str]) -> str:
    password = ask("Password: ")
    return password if ask("Once more: ") == password else ""


def _entry(options: argparse.Namespace, password: str) -> str:
    lines = [f"[users.{_quoted(options.name)}]", f'password = "{password}"']
    lines.append(f'role = "{options.role}"')
    if options.store:
        lines.append(f"stores = [{', '.join(map(_quoted, options.store))}]")
    if options.cashier:
        lines.append(f"cashier = {_quoted(options.cashier)}")
    return "\n".join(lines)


def _quoted(text: str) -> str:
    """Return a string as TOML has it, of which JSON's are a part."""
    return json.dumps(text, ensure_ascii=False)
