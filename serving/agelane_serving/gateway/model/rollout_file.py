"""How a new version is tried out: the operator's file."""

from __future__ import annotations

import re
from dataclasses import dataclass

import tomllib

from agelane_serving.policy import PolicyError
from agelane_serving.policy.toml_table import Kind, Table, is_number, is_whole

_SCHEMA = 1
_LABEL = re.compile(r"[A-Za-z0-9._-]{0,64}")
_SCHEMA_NUMBER = Kind(str(_SCHEMA), lambda v: is_whole(v) and v == _SCHEMA)
_NAME = Kind("a label of A-Z a-z 0-9 . _ -", lambda v: type(v) is str and bool(_LABEL.fullmatch(v)))
_SHARE = Kind("a number from 0 to 1", lambda v: is_number(v) and 0 <= v <= 1)
_COUNT = Kind("a whole number of at least 10", lambda v: is_whole(v) and v >= 10)


@dataclass(frozen=True, slots=True)
class RolloutPlan:
    """Who is answered by which version, by the labels in the model server's `models.config`."""

    stable: str = ""
    """Label of the version in charge; "" is the newest one there."""
    canary: str = ""
    """Label of the version on trial; "" is none."""
    canary_share: float = 0.0
    """Share of the lanes that the canary answers, 0 … 1; a lane stays with what it has."""
    shadow_share: float = 0.0
    """Share of the other calls that the canary is asked about too, without effect, 0 … 1."""
    min_calls: int = 200
    """Calls of each kind that the shares below refer to, at least."""
    max_failure_share: float = 0.02
    """Share of its calls that may fail, 0 … 1; with more it is rolled back."""
    max_flip_share: float = 0.1
    """Share of shadow calls that it may decide otherwise, 0 … 1; with more it is rolled back."""


def read_rollout(text: str) -> RolloutPlan:
    """Return the plan that a file's text describes.

    Raises:
        ValueError: it is not TOML, has a key that is not known, or a value is wrong.
    """
    try:
        table = Table(tomllib.loads(text), "")
    except tomllib.TOMLDecodeError as error:
        raise PolicyError(f"not TOML: {error}") from error
    table.take("schema", _SCHEMA_NUMBER)
    default = RolloutPlan()
    plan = RolloutPlan(
        stable=table.take_or(default.stable, "stable", _NAME),
        canary=table.take_or(default.canary, "canary", _NAME),
        canary_share=table.take_or(default.canary_share, "canary_share", _SHARE),
        shadow_share=table.take_or(default.shadow_share, "shadow_share", _SHARE),
        min_calls=table.take_or(default.min_calls, "min_calls", _COUNT),
        max_failure_share=table.take_or(default.max_failure_share, "max_failure_share", _SHARE),
        max_flip_share=table.take_or(default.max_flip_share, "max_flip_share", _SHARE),
    )
    table.finish()
    if (plan.canary_share or plan.shadow_share) and not plan.canary:
        raise PolicyError("canary is missing: the label of the version on trial")
    if plan.canary and not plan.stable:
        raise PolicyError("stable is missing: without it the newest version is in charge")
    return plan
