"""What each age group buys, corrected for the errors of the age estimate: see `report`."""

from __future__ import annotations

from agelane_serving.reports.age_groups.card import confusion_from_card
from agelane_serving.reports.age_groups.confusion import Confusion
from agelane_serving.reports.age_groups.lift_file import lifts_as_text
from agelane_serving.reports.age_groups.report import (
    LEAST_BASKETS,
    CategoryLift,
    GroupPurchases,
    report_age_groups,
)
from agelane_serving.reports.age_groups.tally import Basket, Line, Moments, Tally, tally

__all__ = [
    "LEAST_BASKETS",
    "Basket",
    "CategoryLift",
    "Confusion",
    "GroupPurchases",
    "Line",
    "Moments",
    "Tally",
    "confusion_from_card",
    "lifts_as_text",
    "report_age_groups",
    "tally",
]
