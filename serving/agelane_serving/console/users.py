"""Who may log in, and what each may see.

schema = 1
[users.anna]
password = "scrypt:…"    # as `python -m agelane_serving.console user anna` prints it
role = "manager"         # manager, cashier or operator
stores = ["hamburg-1"]   # left out: all stores, which cashiers can't have
cashier = "c7"           # a cashier's own number; only for cashiers
"""

from __future__ import annotations

import logging
from dataclasses import dataclass, field
from enum import Enum
from pathlib import Path

import tomllib

from agelane_serving.console.passwords import is_hash
from agelane_serving.policy.rules import PolicyError
from agelane_serving.policy.toml_table import Kind, Table, is_whole

_logger = logging.getLogger(__name__)


class UsersError(ValueError):
    """A users' file that can't be used; the message names the key and quotes no password."""


class Role(Enum):
    """What a user is, by the words of the file."""

    MANAGER = "manager"
    CASHIER = "cashier"
    OPERATOR = "operator"


@dataclass(frozen=True, slots=True)
class User:
    """One who may log in."""

    name: str
    """What they log in as."""
    role: Role
    """What they are."""
    stores: tuple[str, ...] | None
    """The stores that they may see, at least one; None: all."""
    cashier_id: str
    """A cashier's own number; empty for others."""
    password: str = field(repr=False)
    """As `passwords.hashed` returns it."""

    def sees_store(self, store_id: str) -> bool:
        """Tell whether a store is theirs to see."""
        return self.stores is None or store_id in self.stores

    def sees_cashier(self, store_id: str, cashier_id: str) -> bool:
        """Tell whether a cashier's figures are theirs to see."""
        if self.role is Role.OPERATOR or not self.sees_store(store_id):
            return False
        return self.role is Role.MANAGER or cashier_id == self.cashier_id


class Users:
    """The users of one file, which may change at any time."""

    def __init__(self, path: Path) -> None:
        """Read the file.

        Raises:
            UsersError: it can't be read or used.
        """
        self._path = path
        self._seen = self._stamp()
        self._users = _read(path)

    def find(self, name: str) -> User | None:
        """Return the user of that name as the file has them now; None: there is none.

        A file that has become wrong is logged, and what it said before stays in force.
        """
        stamp = self._stamp()
        if stamp != self._seen:
            self._seen = stamp
            try:
                self._users = _read(self._path)
                _logger.info("users read anew from %s", self._path)
            except UsersError as error:
                _logger.error("the users before stay in force: %s", error)
        return self._users.get(name)

    def _stamp(self) -> tuple[int, int, int] | None:
        try:
            stat = self._path.stat()
        except OSError:
            return None
        return stat.st_mtime_ns, stat.st_ino, stat.st_size


def read_users(text: str) -> dict[str, User]:
    """Return the users that a file's text describes, by name.

    Raises:
        UsersError: it is not TOML, lacks a key, has one that is not known, or a value is wrong.
    """
    try:
        file = Table(tomllib.loads(text), "")
        file.take("schema", Kind("1", lambda v: is_whole(v) and v == 1))
        users = file.table("users")
        file.finish()
        names = users.names()
        if not names:
            raise UsersError("[users] is empty: nobody could log in")
        return {name: _user(name, users.table(name)) for name in names}
    except (tomllib.TOMLDecodeError, PolicyError) as error:
        raise UsersError(str(error)) from error


def _read(path: Path) -> dict[str, User]:
    try:
        return read_users(path.read_text("utf-8"))
    except (OSError, UnicodeDecodeError, UsersError) as error:
        reason = error.strerror if isinstance(error, OSError) else error
        raise UsersError(f"{path}: {reason}") from error


def _user(name: str, table: Table) -> User:
    # It might be the password itself: never quoted.
    password = table.take("password", Kind("", lambda _: True))
    if type(password) is not str or not is_hash(password):
        raise UsersError(f"{table.path}password must be as the command `user` prints it")
    role = Role(table.take("role", _ROLE))
    stores = table.take_or(None, "stores", _STORES)
    cashier_id = table.take_or("", "cashier", _CASHIER)
    table.finish()
    if (role is Role.CASHIER) != bool(cashier_id):
        raise UsersError(f"{table.path}cashier is for cashiers, who need it")
    if role is Role.CASHIER and (stores is None or len(stores) != 1):
        raise UsersError(f"{table.path}stores must be a cashier's one store")
    return User(name, role, None if stores is None else tuple(stores), cashier_id, password)


def _is_name(value: object) -> bool:
    return type(value) is str and 0 < len(value) <= 64


_ROLES = [role.value for role in Role]
_ROLE = Kind(f"one of {', '.join(_ROLES)}", lambda v: v in _ROLES)
_CASHIER = Kind("1 to 64 characters in quotes", _is_name)
_STORES = Kind(
    "a list of names, at least one",
    lambda v: type(v) is list and bool(v) and all(map(_is_name, v)),
)
