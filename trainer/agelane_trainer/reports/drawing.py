"""The look of every chart. Blue and orange stay apart for colour-blind readers, and in grey."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import seaborn as sns
from matplotlib import rc_context
from matplotlib.figure import Figure

INK, GREY, PALE, BLUE, ORANGE = "#1f2933", "#7b8794", "#9fb3c8", "#2f6f9f", "#d9622b"
# Matplotlib's own type of the keys is a list of all of them.
_STYLE: dict[Any, Any] = {
    "axes.edgecolor": "#cbd2d9",
    "axes.labelcolor": INK,
    "axes.spines.right": False,
    "axes.spines.top": False,
    "axes.titlelocation": "left",
    "axes.titleweight": "bold",
    "font.size": 11,
    "grid.color": "#e9edf1",
    "legend.frameon": False,
    "text.color": INK,
    "xtick.color": INK,
    "ytick.color": INK,
}


@contextmanager
def chart(path: Path, inches: tuple[float, float]) -> Iterator[Figure]:
    """Give a figure to draw in, and write it to ``path`` (PNG)."""
    with sns.axes_style("whitegrid"), rc_context(_STYLE):
        figure = Figure(figsize=inches, layout="constrained")
        yield figure
        figure.savefig(path, dpi=130)
