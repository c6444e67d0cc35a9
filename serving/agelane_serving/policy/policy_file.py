"""Read a policy file: TOML, every key known, every value in its range, or refused."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import asdict

import tomllib

from agelane_serving.policy.age_groups import AgeGroup, groups_from_starts
from agelane_serving.policy.rules import Policy, PolicyError, Requirement, Rule, Rules
from agelane_serving.policy.toml_table import Kind, Table, is_number, is_whole

_SCHEMA = 2
_NEEDED_CATEGORY = "alcohol"
_NAME = re.compile(r"[A-Za-z0-9._-]{1,64}")
_MOST_AUDITED = 0.2

_SCHEMA_NUMBER = Kind(str(_SCHEMA), lambda v: is_whole(v) and v == _SCHEMA)
_LEGAL_AGE = Kind("a whole number from 1 to 100", lambda v: is_whole(v) and 1 <= v <= 100)
_YEARS = Kind("a list of whole numbers", lambda v: type(v) is list and all(map(is_whole, v)))
_DURATION = Kind("a whole number from 1 to 86400", lambda v: is_whole(v) and 1 <= v <= 86400)
_SHARE = Kind("a number between 0 and 1", lambda v: type(v) is float and 0 < v < 1)
_THRESHOLD = Kind("a number from 0 to 1", lambda v: is_number(v) and 0 <= v <= 1)
_AUDIT = Kind(f"a number from 0 to {_MOST_AUDITED}", lambda v: is_number(v) and 0 <= v <= 0.2)
_FLAG = Kind("true or false", lambda v: type(v) is bool)
_TEXT = Kind("a name in quotes", lambda v: type(v) is str)


def load_policy(text: str) -> Policy:
    """Return the policy that a file's text describes.

    Raises:
        PolicyError: it is not TOML, lacks a key, has one that is not known, or a value is wrong.
    """
    try:
        content = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise PolicyError(f"not TOML: {error}") from error
    file = Table(content, "")
    file.take("schema", _SCHEMA_NUMBER)
    requirement = _requirement(file.table("certificate"))
    jurisdictions = _jurisdictions(file.table("jurisdictions"), requirement)
    jurisdiction = file.take("jurisdiction", _one_of(jurisdictions))
    stores = _stores(file.table("stores"), jurisdictions)
    groups = _groups(file.take("age_group_starts", _YEARS))
    valid_seconds = file.take("valid_seconds", _DURATION)
    audit_share = float(file.take("audit_share", _AUDIT))
    file.finish()
    meaning = {
        "schema": _SCHEMA,
        "jurisdictions": {
            name: {category: asdict(rule) for category, rule in rules.items()}
            for name, rules in jurisdictions.items()
        },
        "jurisdiction": jurisdiction,
        "stores": stores,
        "age_group_starts": [group.from_years for group in groups],
        "valid_seconds": valid_seconds,
        "audit_share": audit_share,
    }
    return Policy(
        version=_hash(meaning),
        jurisdictions=jurisdictions,
        jurisdiction=jurisdiction,
        stores=stores,
        age_groups=groups,
        valid_seconds=valid_seconds,
        audit_share=audit_share,
    )


def _requirement(table: Table) -> Requirement:
    default = Requirement()
    rate = table.take_or(default.max_false_clear_rate, "max_false_clear_rate", _SHARE)
    confidence = table.take_or(default.min_confidence, "min_confidence", _SHARE)
    table.finish()
    return Requirement(rate, confidence)


def _jurisdictions(table: Table, requirement: Requirement) -> dict[str, Rules]:
    names = table.names()
    _check_names(table, names)
    return {name: _rules(table.table(name), requirement) for name in names}


def _rules(table: Table, requirement: Requirement) -> Rules:
    names = table.names()
    _check_names(table, names)
    if _NEEDED_CATEGORY not in names:
        raise PolicyError(f"{table.path}{_NEEDED_CATEGORY} is missing")
    return {name: _rule(table.table(name), requirement) for name in names}


def _rule(table: Table, requirement: Requirement) -> Rule:
    legal_age = table.take("legal_age_years", _LEGAL_AGE)
    threshold = table.take_or(None, "local_threshold", _THRESHOLD)
    allow_refuse = table.take_or(False, "allow_refuse", _FLAG)
    table.finish()
    local = None if threshold is None else float(threshold)
    return Rule(legal_age, local, allow_refuse, requirement)


def _stores(table: Table, jurisdictions: Mapping[str, Rules]) -> dict[str, str]:
    names = table.names()
    _check_names(table, names)
    return {name: table.take(name, _one_of(jurisdictions)) for name in names}


def _one_of(jurisdictions: Mapping[str, Rules]) -> Kind:
    known = ", ".join(sorted(jurisdictions)) or "none"
    return Kind(
        f"one of the jurisdictions ({known})", lambda v: _TEXT.fits(v) and v in jurisdictions
    )


def _check_names(table: Table, names: list[str]) -> None:
    for name in names:
        if not _NAME.fullmatch(name):
            raise PolicyError(f"{table.path}{name!r}: a name is 1 to 64 of A-Z a-z 0-9 . _ -")


def _groups(starts: list[int]) -> tuple[AgeGroup, ...]:
    try:
        return groups_from_starts(starts)
    except ValueError as error:
        raise PolicyError(f"age_group_starts {error}") from error


def _hash(meaning: object) -> str:
    """Hash what the file means, so that comments, order and defaults written out don't matter."""
    return hashlib.sha256(json.dumps(meaning, sort_keys=True).encode()).hexdigest()[:16]
