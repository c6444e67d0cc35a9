"""Charts as SVG: drawn here, coloured by console.css, so that they are light or dark as pages are.

Each has its figures in a table or in words beside it, and says in a sentence what it shows.
"""

from __future__ import annotations

from agelane_serving.console.charts.bars import Bar, bars
from agelane_serving.console.charts.funnel import Limits, Point, funnel
from agelane_serving.console.charts.whiskers import Whisker, whiskers

__all__ = ["Bar", "Limits", "Point", "Whisker", "bars", "funnel", "whiskers"]
