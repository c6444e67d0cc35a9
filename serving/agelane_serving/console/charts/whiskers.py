"""Figures with their intervals, one below the other."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from html import escape

from agelane_serving.console.charts.axis import Axis, drawing, line, round_step, text

_WIDTH, _ROW = 880, 34
_LEFT, _RIGHT, _TOP, _BOTTOM = 190, 24, 10, 34


@dataclass(frozen=True, slots=True)
class Whisker:
    """A figure with its interval."""

    label: str
    """What it is of."""
    value: float
    """The figure."""
    low: float
    """Lower end of the interval."""
    high: float
    """Upper end of the interval."""
    words: str
    """What it says in full, when pointed at."""
    beside: float | None = None
    """Another figure to compare with; None: there is none."""


def whiskers(
    rows: Sequence[Whisker],
    label: str,
    number: Callable[[float], str],
    reference: float | None = None,
) -> str:
    """Return a chart of figures, at least one; a line stands at `reference`."""
    height = _TOP + _ROW * len(rows) + _BOTTOM
    scale = _scale(rows, reference)
    grid = "".join(
        line(scale.place(tick), _TOP, scale.place(tick), height - _BOTTOM, "grid")
        + text(scale.place(tick), height - 12, number(tick))
        for tick in scale.ticks(6)
    )
    if reference is not None:
        at = scale.place(reference)
        grid += line(at, _TOP, at, height - _BOTTOM, "target")
    drawn = "".join(
        _whisker(row, _TOP + _ROW * place + _ROW / 2, scale) for place, row in enumerate(rows)
    )
    return drawing(_WIDTH, height, label, grid + drawn)


def _scale(rows: Sequence[Whisker], reference: float | None) -> Axis:
    figures = [figure for row in rows for figure in (row.low, row.high, row.beside)]
    known = [figure for figure in (*figures, reference) if figure is not None]
    low, high = min(known), max(known)
    step = round_step(max(high - low, 1e-3) / 6)
    low = step * (low // step)
    return Axis(low, max(step * -(-high // step), low + step), _LEFT, _WIDTH - _RIGHT)


def _whisker(row: Whisker, y: float, scale: Axis) -> str:
    low, high, at = scale.place(row.low), scale.place(row.high), scale.place(row.value)
    drawn = text(_LEFT - 14, y + 4, row.label, "end", "name")
    drawn += line(low, y, high, y, "whisker")
    drawn += line(low, y - 5, low, y + 5, "whisker") + line(high, y - 5, high, y + 5, "whisker")
    if row.beside is not None:
        x = scale.place(row.beside)
        drawn += f'<path class="beside" d="M{x} {y - 6}l6 6-6 6-6-6z"/>'
    drawn += f'<circle class="mark" cx="{at}" cy="{y}" r="5.5"/>'
    return f"<g><title>{escape(row.words)}</title>{drawn}</g>"
