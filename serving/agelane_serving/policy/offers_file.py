"""Read an offers file (TOML) and the lifts that reports found (JSON), or refuse them."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Collection, Mapping, Sequence
from typing import Any

import tomllib

from agelane_serving.policy.age_groups import AgeGroup
from agelane_serving.policy.offers import LONGEST_ID, MOST_OFFERS, LiftLows, Offer, OfferBook
from agelane_serving.policy.rules import Policy, PolicyError
from agelane_serving.policy.toml_table import Kind, Table, is_number, is_whole

_SCHEMA = 1
_MOST_HELD_OUT = 0.5
_ID = re.compile(rf"[A-Za-z0-9._-]{{1,{LONGEST_ID}}}")

_SCHEMA_NUMBER = Kind(str(_SCHEMA), lambda v: is_whole(v) and v == _SCHEMA)
_COUNT = Kind(
    f"a whole number from 1 to {MOST_OFFERS}", lambda v: is_whole(v) and 1 <= v <= MOST_OFFERS
)
_SHARE = Kind(
    f"a number from 0 to {_MOST_HELD_OUT}", lambda v: is_number(v) and 0 <= v <= _MOST_HELD_OUT
)
_YEARS = Kind("a whole number from 0 to 100", lambda v: is_whole(v) and 0 <= v <= 100)
_WORD = Kind("1 to 64 characters in quotes", lambda v: type(v) is str and 1 <= len(v) <= 64)
_TEXT = Kind("at most 200 characters in quotes", lambda v: type(v) is str and len(v) <= 200)


def load_offers(text: str, policy: Policy) -> OfferBook:
    """Return the offers that a file's text describes, to be made under this policy.

    Raises:
        PolicyError: it is not TOML, lacks a key, has one that is not known, or a value is wrong; or
            goods with a legal age are not marked as such.
    """
    try:
        content = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise PolicyError(f"not TOML: {error}") from error
    file = Table(content, "")
    file.take("schema", _SCHEMA_NUMBER)
    most_offers = file.take("most_offers", _COUNT)
    hold_out_share = float(file.take("hold_out_share", _SHARE))
    youngest_years = file.take("youngest_years", _YEARS)
    offers = _offers(file.table("offers"), policy)
    file.finish()
    return OfferBook(offers, most_offers, hold_out_share, youngest_years, policy.version)


def read_lift_lows(text: str, groups: Sequence[AgeGroup]) -> LiftLows:
    """Return the lower ends of lifts that a report wrote, for these age groups.

    The text is JSON: `{"age_groups": ["0_12", …], "lift_lows": {"dairy": [0.9, null, …], …}}`.

    Raises:
        PolicyError: it is something else, or was made for other age groups.
    """
    content = _json_object(text)
    if not isinstance(content.get("lift_lows"), dict):
        raise PolicyError("lift_lows must be a table")
    if content.get("age_groups") != [group.id for group in groups]:
        raise PolicyError("the lifts are of other age groups than the policy's")
    return {name: _lows(name, lows, len(groups)) for name, lows in content["lift_lows"].items()}


def read_restricted_categories(text: str) -> Mapping[str, str]:
    """Return which goods baskets call restricted, as a report wrote it beside the lifts.

    The text is JSON: `{"restricted_categories": {"beer": "alcohol", …}, …}`; without that entry
    there are none.

    Raises:
        PolicyError: it is something else.
    """
    found = _json_object(text).get("restricted_categories", {})
    if not isinstance(found, dict) or not all(type(name) is str for name in found.values()):
        raise PolicyError("restricted_categories must be a table of names")
    return found


def _json_object(text: str) -> dict[str, Any]:
    try:
        content = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise PolicyError("the lifts are not JSON") from error
    if not isinstance(content, dict):
        raise PolicyError("the lifts must be a table")
    return content


def _lows(category: str, lows: Any, count: int) -> tuple[float | None, ...]:
    if not isinstance(lows, list) or len(lows) != count or not all(map(_is_low, lows)):
        raise PolicyError(f"lift_lows.{category} must be {count} numbers of 0 or more, or null")
    return tuple(lows)


def _is_low(value: Any) -> bool:
    return value is None or (is_number(value) and math.isfinite(value) and value >= 0)


def _offers(table: Table, policy: Policy) -> tuple[Offer, ...]:
    restricted = {name for rules in policy.jurisdictions.values() for name in rules}
    groups = {group.id for group in policy.age_groups}
    return tuple(_offer(name, table, restricted, groups) for name in table.names())


def _offer(name: str, offers: Table, restricted: Collection[str], groups: Collection[str]) -> Offer:
    if not _ID.fullmatch(name):
        said = f"a name is 1 to {LONGEST_ID} of A-Z a-z 0-9 . _ -"
        raise PolicyError(f"{offers.path}{name!r}: {said}")
    table = offers.table(name)
    category = table.take("category", _WORD)
    # The likeliest slip, and the gravest: beer that nobody said is beer.
    unmarked = None if category not in restricted else category
    offer = Offer(
        name,
        category,
        table.take_or(unmarked, "restricted_category", _one_of(restricted)),
        table.take_or("", "text", _TEXT),
        frozenset(table.take("age_groups", _list_of(groups))),
    )
    table.finish()
    return offer


def _one_of(names: Collection[str]) -> Kind:
    return Kind(
        f"one of the policy's ({', '.join(sorted(names))})",
        lambda v: type(v) is str and v in names,
    )


def _list_of(names: Collection[str]) -> Kind:
    return Kind(
        f"a list of some of {', '.join(sorted(names))}",
        lambda v: type(v) is list and all(type(each) is str and each in names for each in v),
    )
