"""The funnel plot: rates by number of checks, between the limits that chance explains."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from html import escape

from agelane_serving.console.charts.axis import Axis, drawing, line, rounded_up, text

_WIDTH, _HEIGHT = 880, 400
_LEFT, _RIGHT, _TOP, _BOTTOM = 60, 16, 14, 52


@dataclass(frozen=True, slots=True)
class Point:
    """One cashier."""

    checks: int
    """Required checks, 1 or more."""
    rate: float
    """Share of them that were done, 0 … 1."""
    words: str
    """What it says in full, when pointed at."""
    href: str
    """Where a click leads."""
    stands_out: bool
    """Whether chance hardly explains it."""


@dataclass(frozen=True, slots=True)
class Limits:
    """The limits at one number of checks."""

    checks: int
    """Required checks, 1 or more."""
    warning: tuple[float, float]
    """19 of 20 at the target lie between these, 0 … 1."""
    alarm: tuple[float, float]
    """998 of 1,000 at the target lie between these, 0 … 1."""


def funnel(
    points: Sequence[Point],
    limits: Sequence[Limits],
    target: float,
    words: tuple[str, str],
    percent: Callable[[float], str],
    number: Callable[[float], str],
) -> str:
    """Return the plot; `words` are what a screen reader says, and what stands below the plot."""
    most = max([point.checks for point in points], default=1)
    lowest = min([point.rate for point in points], default=target)
    across = Axis(0, rounded_up(1.03 * most, 8), _LEFT, _WIDTH - _RIGHT)
    up = Axis(max(0.0, int(10 * min(lowest, target) - 1) / 10), 1, _HEIGHT - _BOTTOM, _TOP)
    grid = "".join(
        line(_LEFT, up.place(tick), _WIDTH - _RIGHT, up.place(tick), "grid")
        + text(_LEFT - 8, up.place(tick) + 4, percent(tick), "end")
        for tick in up.ticks()
    )
    grid += "".join(
        text(across.place(tick), _HEIGHT - _BOTTOM + 20, number(tick)) for tick in across.ticks(8)
    )
    grid += text((_LEFT + _WIDTH - _RIGHT) / 2, _HEIGHT - 8, words[1], style="name")
    at = up.place(target)
    grid += line(_LEFT, at, _WIDTH - _RIGHT, at, "target")
    drawn = grid + _limits(limits, across, up) + "".join(_point(p, across, up) for p in points)
    return drawing(_WIDTH, _HEIGHT, words[0], drawn)


def _limits(limits: Sequence[Limits], across: Axis, up: Axis) -> str:
    shown = [limit for limit in limits if limit.checks <= across.high]
    drawn = ""
    for style, side in (("alarm", 0), ("alarm", 1), ("warning", 0), ("warning", 1)):
        path = " ".join(
            f"{across.place(limit.checks)},{up.place(getattr(limit, style)[side])}"
            for limit in shown
        )
        drawn += f'<polyline class="{style}" points="{path}"/>'
    return drawn


def _point(point: Point, across: Axis, up: Axis) -> str:
    style = "point out" if point.stands_out else "point"
    # The table below has the same links; a keyboard need not go through all points first.
    return (
        f'<a href="{escape(point.href)}" tabindex="-1"><title>{escape(point.words)}</title>'
        f'<circle class="{style}" cx="{across.place(point.checks)}" cy="{up.place(point.rate)}" '
        'r="6"/></a>'
    )
