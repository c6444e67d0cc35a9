"""Stacked bars, as of decisions by hour."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from html import escape

from agelane_serving.console.charts.axis import Axis, drawing, line, rounded_up, text

_WIDTH, _HEIGHT = 880, 260
_LEFT, _RIGHT, _TOP, _BOTTOM = 52, 8, 12, 30


@dataclass(frozen=True, slots=True)
class Bar:
    """One bar."""

    label: str
    """What stands below it; empty: nothing."""
    parts: tuple[tuple[str, float], ...]
    """From the bottom up: class of console.css, and size, 0 or more."""
    words: str
    """What it says in full, when pointed at."""


def bars(
    all_bars: Sequence[Bar], label: str, number: Callable[[float], str], top: float | None = None
) -> str:
    """Return a chart of bars, at least one; `top` ends its scale, None: as the bars need."""
    largest = max(sum(size for _, size in bar.parts) for bar in all_bars)
    high = rounded_up(largest) if top is None else top
    scale = Axis(0, high, _HEIGHT - _BOTTOM, _TOP)
    grid = "".join(
        line(_LEFT, scale.place(tick), _WIDTH - _RIGHT, scale.place(tick), "grid")
        + text(_LEFT - 8, scale.place(tick) + 4, number(tick), "end")
        for tick in scale.ticks()
    )
    step = (_WIDTH - _LEFT - _RIGHT) / len(all_bars)
    drawn = "".join(
        _bar(bar, _LEFT + step * place, step, scale) for place, bar in enumerate(all_bars)
    )
    return drawing(_WIDTH, _HEIGHT, label, grid + drawn)


def _bar(bar: Bar, left: float, step: float, scale: Axis) -> str:
    width = min(44.0, 0.72 * step)
    x = round(left + (step - width) / 2, 1)
    parts, below = "", 0.0
    for style, size in bar.parts:
        bottom, top = scale.place(below), scale.place(below + size)
        height = round(bottom - top, 1)
        if height > 0:
            parts += (
                f'<rect class="{style}" x="{x}" y="{top}" width="{width:.1f}" height="{height}"/>'
            )
        below += size
    name = text(round(left + step / 2, 1), _HEIGHT - 10, bar.label) if bar.label else ""
    return f"<g><title>{escape(bar.words)}</title>{parts}{name}</g>"
