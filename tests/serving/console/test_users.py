"""The users' file, the command that makes its entries, and passwords."""

from __future__ import annotations

import subprocess
import sys

import pytest

from agelane_serving.console.passwords import fits, hashed
from agelane_serving.console.users import Role, User, UsersError, read_users
from tests.serving.console.conftest import PASSWORD

COMMAND = (sys.executable, "-m", "agelane_serving.console", "user")
HASH = hashed(PASSWORD)


def made(*arguments: str, password: str = PASSWORD) -> subprocess.CompletedProcess[str]:
    """Run the command that makes an entry."""
    return subprocess.run(
        [*COMMAND, *arguments], input=f"{password}\n", capture_output=True, text=True, check=False
    )


def user(role: Role, stores: tuple[str, ...] | None, cashier: str = "") -> User:
    """Return a user."""
    return User("anna", role, stores, cashier, HASH)


def test_the_command_makes_an_entry_that_the_console_reads() -> None:
    """With the right password in it, and no trace of it to be read."""
    done = made('o"mar', "--role=cashier", "--store=kiel-2", "--cashier=c03")
    assert done.returncode == 0
    assert PASSWORD not in done.stdout
    entry = read_users(f"schema = 1\n{done.stdout}")['o"mar']
    assert (entry.role, entry.stores, entry.cashier_id) == (Role.CASHIER, ("kiel-2",), "c03")
    assert fits(PASSWORD, entry.password)
    assert not fits("something else", entry.password)


@pytest.mark.parametrize(
    ("arguments", "password", "words"),
    [
        (("anna", "--role=manager"), "short", "10 to 256 characters"),
        (("omar", "--role=cashier", "--store=kiel-2"), PASSWORD, "cashier"),
        (("omar", "--role=cashier", "--cashier=c03"), PASSWORD, "stores"),
        (("anna", "--role=king"), PASSWORD, "--role"),
    ],
)
def test_the_command_refuses_what_would_not_work(
    arguments: tuple[str, ...], password: str, words: str
) -> None:
    """With exit code 2 and a word about it."""
    done = made(*arguments, password=password)
    assert done.returncode == 2
    assert words in done.stderr
    assert done.stdout == ""


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "schema"),
        ("schema = 1", "empty"),
        ("schema = 1\n[users.a]\nrole = 'manager'", "password"),
        (f"schema = 1\n[users.a]\npassword = '{HASH}'\nrole = 'king'", "role"),
        (f"schema = 1\n[users.a]\npassword = '{HASH}'\nrole = 'manager'\nstores = []", "stores"),
        (f"schema = 1\n[users.a]\npassword = '{HASH}'\nrole = 'manager'\nstore = 'b'", "store"),
        (f"schema = 1\n[users.a]\npassword = '{HASH}'\nrole = 'manager'\ncashier = 'c'", "cashier"),
    ],
)
def test_a_wrong_file_is_refused_by_the_key(text: str, words: str) -> None:
    """A misspelt limit must not pass for a set one."""
    with pytest.raises(UsersError, match=words):
        read_users(text)


def test_a_password_that_got_into_the_file_is_not_quoted() -> None:
    """Neither in an error nor in a repr."""
    with pytest.raises(UsersError) as caught:
        read_users(f"schema = 1\n[users.a]\npassword = '{PASSWORD}'\nrole = 'manager'")
    assert PASSWORD not in str(caught.value)
    assert HASH not in repr(user(Role.MANAGER, None))


def test_each_hash_has_a_salt_of_its_own() -> None:
    """Two with the same password don't show it."""
    assert hashed(PASSWORD) != hashed(PASSWORD)
    with pytest.raises(ValueError, match="not the hash"):
        fits(PASSWORD, PASSWORD)


def test_roles_say_whose_figures_somebody_sees() -> None:
    """Managers those of their stores, cashiers their own, operators nobody's."""
    cases = [
        (user(Role.MANAGER, None), ("kiel-2", "c01"), True),
        (user(Role.MANAGER, ("kiel-2",)), ("kiel-2", "c01"), True),
        (user(Role.MANAGER, ("kiel-2",)), ("hamburg-1", "c01"), False),
        (user(Role.CASHIER, ("kiel-2",), "c01"), ("kiel-2", "c01"), True),
        (user(Role.CASHIER, ("kiel-2",), "c01"), ("kiel-2", "c02"), False),
        (user(Role.CASHIER, ("kiel-2",), "c01"), ("hamburg-1", "c01"), False),
        (user(Role.OPERATOR, None), ("kiel-2", "c01"), False),
    ]
    for who, cashier, sees in cases:
        assert who.sees_cashier(*cashier) is sees
