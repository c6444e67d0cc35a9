"""Hand what the report learnt over to the offers: a text that the gateway reads."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence

from agelane_serving.policy import AgeGroup
from agelane_serving.reports.age_groups.report import GroupPurchases


def lifts_as_text(
    groups: Sequence[AgeGroup],
    purchases: Sequence[GroupPurchases],
    restricted_categories: Mapping[str, str],
) -> str:
    """Return the lower ends of all lifts as JSON, for `policy.read_lift_lows`.

    `restricted_categories` are the goods that tills sell with an age restriction, and which it is.
    What the report leaves out for its few baskets is null here: it is no more to be learnt from an
    offer than from the report.
    """
    lows: dict[str, list[float | None]] = {}
    for index, group in enumerate(purchases):
        for each in group.categories:
            row = lows.setdefault(each.category, [None] * len(groups))
            row[index] = round(each.lift.low, 4)
    content = {
        "age_groups": [group.id for group in groups],
        "lift_lows": lows,
        "restricted_categories": dict(restricted_categories),
    }
    return json.dumps(content, sort_keys=True) + "\n"
