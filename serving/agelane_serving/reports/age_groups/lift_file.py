"""Hand what the report learnt over to the offers: a text that the gateway reads."""

from __future__ import annotations

import json
from collections.abc import Sequence

from agelane_serving.policy import AgeGroup
from agelane_serving.reports.age_groups.report import GroupPurchases


def lifts_as_text(groups: Sequence[AgeGroup], purchases: Sequence[GroupPurchases]) -> str:
    """Return the lower ends of all lifts as JSON, for `policy.read_lift_lows`.

    What the report leaves out for its few baskets is null here: it is no more to be learnt from an
    offer than from the report.
    """
    lows: dict[str, list[float | None]] = {}
    for index, group in enumerate(purchases):
        for each in group.categories:
            row = lows.setdefault(each.category, [None] * len(groups))
            row[index] = round(each.lift.low, 4)
    content = {"age_groups": [group.id for group in groups], "lift_lows": lows}
    return json.dumps(content, sort_keys=True) + "\n"
