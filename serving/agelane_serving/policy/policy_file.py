"""Read a policy file: TOML, every key known, every value in its range, or refused."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Callable, Mapping
from dataclasses import asdict
from typing import Any, NamedTuple

import tomllib

from agelane_serving.policy.age_groups import AgeGroup, groups_from_starts
from agelane_serving.policy.rules import Policy, PolicyError, Requirement, Rule

_SCHEMA = 1
_NEEDED_CATEGORY = "alcohol"
_CATEGORY_NAME = re.compile(r"[A-Za-z0-9._-]{1,64}")


def load_policy(text: str) -> Policy:
    """Return the policy that a file's text describes.

    Raises:
        PolicyError: it is not TOML, lacks a key, has one that is not known, or a value is wrong.
    """
    try:
        content = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise PolicyError(f"not TOML: {error}") from error
    file = _Table(content, "")
    file.take("schema", _SCHEMA_NUMBER)
    requirement = _requirement(file.table("certificate"))
    rules = _rules(file.table("restricted"), requirement)
    groups = _groups(file.take("age_group_starts", _YEARS))
    valid_seconds = file.take("valid_seconds", _DURATION)
    file.finish()
    return Policy(_version(rules, groups, valid_seconds), rules, groups, valid_seconds)


class _Kind(NamedTuple):
    """What a value must be."""

    description: str
    fits: Callable[[Any], bool]


def _is_whole(value: Any) -> bool:
    return type(value) is int  # which True and False are not


_SCHEMA_NUMBER = _Kind(str(_SCHEMA), lambda v: _is_whole(v) and v == _SCHEMA)
_LEGAL_AGE = _Kind("a whole number from 1 to 100", lambda v: _is_whole(v) and 1 <= v <= 100)
_YEARS = _Kind("a list of whole numbers", lambda v: type(v) is list and all(map(_is_whole, v)))
_DURATION = _Kind("a whole number from 1 to 86400", lambda v: _is_whole(v) and 1 <= v <= 86400)
_SHARE = _Kind("a number between 0 and 1", lambda v: type(v) is float and 0 < v < 1)
_THRESHOLD = _Kind("a number from 0 to 1", lambda v: type(v) in (int, float) and 0 <= v <= 1)
_FLAG = _Kind("true or false", lambda v: type(v) is bool)


class _Table:
    """A TOML table that remembers which of its keys nobody has asked for."""

    def __init__(self, content: object, path: str) -> None:
        if not isinstance(content, dict):
            raise PolicyError(f"{path.rstrip('.')} must be a table")
        self._left: dict[str, Any] = dict(content)
        self._path = path

    def names(self) -> list[str]:
        """Return the keys that are left."""
        return list(self._left)

    def take(self, key: str, kind: _Kind) -> Any:
        """Return a value that has to be there."""
        if key not in self._left:
            raise PolicyError(f"{self._path}{key} is missing")
        value = self._left.pop(key)
        if not kind.fits(value):
            raise PolicyError(f"{self._path}{key} must be {kind.description}, not {value!r}")
        return value

    def take_or(self, default: Any, key: str, kind: _Kind) -> Any:
        """Return a value that may be left out."""
        return self.take(key, kind) if key in self._left else default

    def table(self, key: str) -> _Table:
        """Return a table within this one; one that is left out is empty."""
        return _Table(self._left.pop(key, {}), f"{self._path}{key}.")

    def finish(self) -> None:
        """Refuse keys that are not known: a misspelt limit must not pass for a set one."""
        if self._left:
            raise PolicyError(f"unknown key {self._path}{min(self._left)}")


def _requirement(table: _Table) -> Requirement:
    default = Requirement()
    rate = table.take_or(default.max_false_clear_rate, "max_false_clear_rate", _SHARE)
    confidence = table.take_or(default.min_confidence, "min_confidence", _SHARE)
    table.finish()
    return Requirement(rate, confidence)


def _rules(table: _Table, requirement: Requirement) -> dict[str, Rule]:
    rules = {name: _rule(table.table(name), requirement) for name in table.names()}
    for name in rules:
        if not _CATEGORY_NAME.fullmatch(name):
            raise PolicyError(f"restricted.{name!r}: a name is 1 to 64 of A-Z a-z 0-9 . _ -")
    if _NEEDED_CATEGORY not in rules:
        raise PolicyError(f"restricted.{_NEEDED_CATEGORY} is missing")
    return rules


def _rule(table: _Table, requirement: Requirement) -> Rule:
    legal_age = table.take("legal_age_years", _LEGAL_AGE)
    threshold = table.take_or(None, "local_threshold", _THRESHOLD)
    allow_refuse = table.take_or(False, "allow_refuse", _FLAG)
    table.finish()
    local = None if threshold is None else float(threshold)
    return Rule(legal_age, local, allow_refuse, requirement)


def _groups(starts: list[int]) -> tuple[AgeGroup, ...]:
    try:
        return groups_from_starts(starts)
    except ValueError as error:
        raise PolicyError(f"age_group_starts {error}") from error


def _version(rules: Mapping[str, Rule], groups: tuple[AgeGroup, ...], valid_seconds: int) -> str:
    """Hash what the file means, so that comments, order and defaults written out don't matter."""
    content = {
        "schema": _SCHEMA,
        "rules": {name: asdict(rule) for name, rule in rules.items()},
        "age_group_starts": [group.from_years for group in groups],
        "valid_seconds": valid_seconds,
    }
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()[:16]
