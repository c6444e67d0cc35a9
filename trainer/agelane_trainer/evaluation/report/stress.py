"""The part of the report on photos that were made harder."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from agelane_trainer.reports.drawing import BLUE, GREY, INK, ORANGE, chart
from agelane_trainer.reports.page import Picture, Section, Table


def stress_section(stress: Sequence[Mapping[str, Any]], plain_mae: float, out: Path) -> Section:
    """Show a card's ``stress``: errors on the same people, their photos made harder."""
    kinds = sorted(stress, key=lambda kind: -float(kind["mae_years"]))
    _draw_stress(kinds, plain_mae, out / "stress.png")
    worst = kinds[0]
    findings = (
        f"Of {len(kinds)} ways to make the photos harder, “{worst['name']}” hurts most: the mean "
        f"error grows from {plain_mae:.2f} to {worst['mae_years']:.2f} years.",
    )
    caption = (
        "The same people under each stress, the worst first: mean error (bars) and bias (points, "
        "right of 0 is too old). The dotted line is the mean error on the photos as they are."
    )
    keys = [key for key in worst if key != "name"]
    head = ("stress", *(key.replace("_", " ") for key in keys))
    rows = tuple((str(kind["name"]), *(_cell(kind.get(key)) for key in keys)) for kind in kinds)
    return Section(
        "Harder photos", findings, (Picture(out / "stress.png", caption),), (Table(head, rows),)
    )


def _cell(value: Any) -> str:
    if isinstance(value, float):
        return f"{value:.2f}"
    return "–" if value is None else str(value)


def _draw_stress(kinds: Sequence[Mapping[str, Any]], plain_mae: float, path: Path) -> None:
    places = np.arange(len(kinds))
    with chart(path, (11, 1.5 + 0.34 * len(kinds))) as figure:
        axes = figure.subplots()
        errors = [float(kind["mae_years"]) for kind in kinds]
        bars = axes.barh(places, errors, 0.7, color=BLUE, alpha=0.85, label="mean error")
        axes.bar_label(bars, [f"{error:.1f}" for error in errors], fontsize=9, padding=3)
        bias = [float(kind.get("bias_years", np.nan)) for kind in kinds]
        axes.plot(bias, places, "D", color=ORANGE, markeredgecolor="white", label="bias")
        axes.axvline(plain_mae, color=INK, linewidth=1, linestyle=":")
        axes.axvline(0, color=GREY, linewidth=0.8)
        axes.set_yticks(places, [str(kind["name"]) for kind in kinds])
        axes.invert_yaxis()
        axes.margins(x=0.08)
        axes.set(title="Errors on harder photos", xlabel="years")
        axes.grid(visible=False, axis="y")
        axes.legend(loc="lower right")
