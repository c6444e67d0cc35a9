"""What each age group buys, corrected for the errors of the age estimate: see `report`."""

from __future__ import annotations

from agelane_serving.reports.age_groups.confusion import (
    Confusion,
    confusion_of_groups,
    estimate_confusion,
)
from agelane_serving.reports.age_groups.lift_file import lifts_as_text
from agelane_serving.reports.age_groups.report import (
    CategoryLift,
    GroupPurchases,
    report_age_groups,
)
from agelane_serving.reports.age_groups.tally import Basket, Line, Moments, Tally, tally

__all__ = [
    "Basket",
    "CategoryLift",
    "Confusion",
    "GroupPurchases",
    "Line",
    "Moments",
    "Tally",
    "confusion_of_groups",
    "estimate_confusion",
    "lifts_as_text",
    "report_age_groups",
    "tally",
]
