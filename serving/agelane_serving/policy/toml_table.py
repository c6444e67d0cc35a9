"""Take a TOML file apart key by key, so that none is overlooked and each is what it must be."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

from agelane_serving.policy.rules import PolicyError


class Kind(NamedTuple):
    """What a value must be."""

    description: str
    """The words of the refusal: "must be …"."""
    fits: Callable[[Any], bool]
    """Tells whether a value is one."""


def is_whole(value: Any) -> bool:
    """Tell whether a value is an integer, which True and False are not."""
    return type(value) is int


def is_number(value: Any) -> bool:
    """Tell whether a value is an integer or a float."""
    return type(value) in (int, float)


class Table:
    """A TOML table that remembers which of its keys nobody has asked for."""

    def __init__(self, content: object, path: str) -> None:
        """`path` is how the table is reached, for messages: "" or "name.".

        Raises:
            PolicyError: the content is no table.
        """
        if not isinstance(content, dict):
            raise PolicyError(f"{path.rstrip('.')} must be a table")
        self._left: dict[str, Any] = dict(content)
        self.path = path

    def names(self) -> list[str]:
        """Return the keys that are left."""
        return list(self._left)

    def take(self, key: str, kind: Kind) -> Any:
        """Return a value that has to be there.

        Raises:
            PolicyError: it is missing, or of another kind.
        """
        if key not in self._left:
            raise PolicyError(f"{self.path}{key} is missing")
        value = self._left.pop(key)
        if not kind.fits(value):
            raise PolicyError(f"{self.path}{key} must be {kind.description}, not {value!r}")
        return value

    def take_or(self, default: Any, key: str, kind: Kind) -> Any:
        """Return a value that may be left out; raises as `take` does."""
        return self.take(key, kind) if key in self._left else default

    def table(self, key: str) -> Table:
        """Return a table within this one; one that is left out is empty."""
        return Table(self._left.pop(key, {}), f"{self.path}{key}.")

    def finish(self) -> None:
        """Refuse keys that are not known: a misspelt limit must not pass for a set one.

        Raises:
            PolicyError: names one of them.
        """
        if self._left:
            raise PolicyError(f"unknown key {self.path}{min(self._left)}")
