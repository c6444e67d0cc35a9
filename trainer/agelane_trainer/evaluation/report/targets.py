"""What a model that decides should reach, and whether it does."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from agelane_trainer.reports.page import Headline

COVERAGE = (0.87, 0.93)
"""Bounds between which the 90 % interval's coverage should lie in each band."""
FEWEST_IN_BAND = 100
"""A band with fewer people is not held to them."""

_UNITS: dict[str, Callable[[float], str]] = {
    "years": "{:.2f} years".format,
    "signed": "{:+.2f} years".format,
    "share": "{:.1%}".format,
    "number": "{:.3f}".format,
}


@dataclass(frozen=True, slots=True)
class Target:
    """One figure and its limits."""

    name: str
    """What it is."""
    path: tuple[str, ...]
    """Where it lies in the card's ``metrics``."""
    unit: str
    """Key of how it is written."""
    text: str
    """The target in words."""
    low: float
    """Smallest value that meets it."""
    high: float
    """Largest value that does."""


NEVER_BELOW = float("-inf")
TARGETS = (
    Target("mean error", ("mae_years",), "years", "at most 4.7", NEVER_BELOW, 4.7),
    Target(
        "mean error, 14 to 20",
        ("bands", "14_to_20", "mae_years"),
        "years",
        "at most 4.2",
        NEVER_BELOW,
        4.2,
    ),
    Target("bias, 14 to 20", ("bands", "14_to_20", "bias_years"), "signed", "±1.5", -1.5, 1.5),
    Target(
        "worse than on photos learnt from",
        ("train_gap_years",),
        "signed",
        "by 1.5 at most",
        NEVER_BELOW,
        1.5,
    ),
    Target("90 % interval covers", ("coverage_90",), "share", "87 to 93 %", *COVERAGE),
    Target("P(under 18) errs by", ("ece_under_18",), "number", "at most 0.03", NEVER_BELOW, 0.03),
    Target("minors cleared", ("false_clear_rate",), "share", "at most 1 %", NEVER_BELOW, 0.01),
    Target(
        "25 and over asked for ID",
        ("id_check_rate_25_plus",),
        "share",
        "at most 35 %",
        NEVER_BELOW,
        0.35,
    ),
    Target(
        "the same, without promises to groups",
        ("id_check_rate_25_plus_all_under_18_alone",),
        "share",
        "at most 25 %",
        NEVER_BELOW,
        0.25,
    ),
)


def headlines(measured: dict[str, Any]) -> list[Headline]:
    """Return the figures of a card's ``metrics`` beside their targets."""
    return [_headline(target, figure(measured, *target.path)) for target in TARGETS]


def figure(measured: dict[str, Any], *path: str) -> float | None:
    """Return what lies at ``path`` below ``metrics``; None if nobody measured it."""
    value: Any = measured
    for key in path:
        value = value.get(key) if isinstance(value, dict) else None
    return None if value is None else float(value)


def _headline(target: Target, value: float | None) -> Headline:
    if value is None:
        return Headline(target.name, "not measured", target.text)
    met = target.low <= value <= target.high
    return Headline(target.name, _UNITS[target.unit](value), target.text, met)
