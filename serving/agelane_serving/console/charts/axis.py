"""From figures to places on a chart, and the marks along its edge."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from html import escape


@dataclass(frozen=True, slots=True)
class Axis:
    """A straight scale between two places of a drawing."""

    low: float
    """The figure at its start."""
    high: float
    """The figure at its end, more than `low`."""
    start: float
    """Where it starts, in units of the drawing."""
    end: float
    """Where it ends; less than `start` where figures rise upwards."""

    def place(self, value: float) -> float:
        """Return where a figure lies; one beyond an end lies there."""
        share = (min(max(value, self.low), self.high) - self.low) / (self.high - self.low)
        return round(self.start + share * (self.end - self.start), 1)

    def ticks(self, about: int = 5) -> Iterator[float]:
        """Yield round figures along it, about that many."""
        step = round_step((self.high - self.low) / about)
        first = math.ceil(self.low / step - 1e-9)
        for number in range(first, math.floor(self.high / step + 1e-9) + 1):
            yield number * step


def round_step(step: float) -> float:
    """Return 1, 2 or 5 times a power of ten, the first that is not less."""
    power: float = 10.0 ** math.floor(math.log10(step))
    for factor in (1, 2, 5, 10):
        if factor * power >= step * (1 - 1e-9):
            return factor * power
    return 10 * power


def rounded_up(value: float, about: int = 5) -> float:
    """Return the first figure at the end of round steps that is not less; for counts, 1 or more."""
    step = max(1.0, round_step(max(value, 1) / about))
    return step * math.ceil(value / step - 1e-9) or step


def drawing(width: int, height: int, label: str, content: str) -> str:
    """Return a whole drawing; `label` is what a screen reader says for it."""
    return (
        f'<svg class="chart" viewBox="0 0 {width} {height}" role="img" '
        f'aria-label="{escape(label)}" xmlns="http://www.w3.org/2000/svg">{content}</svg>'
    )


def text(x: float, y: float, words: str, anchor: str = "middle", style: str = "tick") -> str:
    """Return words at a place."""
    return f'<text class="{style}" x="{x}" y="{y}" text-anchor="{anchor}">{escape(words)}</text>'


def line(x1: float, y1: float, x2: float, y2: float, style: str) -> str:
    """Return a line."""
    return f'<line class="{style}" x1="{x1}" y1="{y1}" x2="{x2}" y2="{y2}"/>'
