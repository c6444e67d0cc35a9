"""From the counts of several chains to the figures that are judged."""

from __future__ import annotations

from collections.abc import Sequence
from operator import attrgetter
from typing import TypeAlias

from loadtest.simulate.counts import Counts

Figures: TypeAlias = dict[str, float]
_WANTED = {
    "false_discovery_rate": "<= 0.1",
    "recall": ">= 0.8",
    "false_alerts_per_100_honest_per_month": "<= 1",
    "typed_dates_found_in_a_week": "1",
    "age_mix_error_pp": "<= 2",
}


def summarised(chains: Sequence[Counts]) -> Figures:
    """Return what chains show together; of the errors of their age mixes, the worst."""

    def values(name: str) -> list[float]:
        return [attrgetter(name)(chain) for chain in chains]

    def total(name: str) -> float:
        return sum(values(name))

    def share(part: str, whole: str) -> float:
        return total(part) / max(1, total(whole))

    def false_discoveries(look: str) -> float:
        honest = total(f"cashiers.{look}.honest")
        return honest / max(1, honest + total(f"cashiers.{look}.dishonest"))

    def false_a_month(look: str) -> float:
        months = sum(chain.cashiers.honest * chain.cashiers.months for chain in chains)
        return 100 * total(f"cashiers.{look}.false_alerts") / months

    figures = {
        "customers": total("customers"),
        "seconds": total("seconds"),
        "false_discovery_rate": false_discoveries("at_once"),
        "false_discovery_rate_monthly": false_discoveries("monthly"),
        "false_discovery_rate_nightly": false_discoveries("nightly"),
        "recall": share("cashiers.busy_skippers_found", "cashiers.busy_skippers"),
        "recall_cashiers": total("cashiers.busy_skippers"),
        "found_of_all_dishonest": share("cashiers.at_once.dishonest", "cashiers.dishonest"),
        "found_of_all_dishonest_nightly": share("cashiers.nightly.dishonest", "cashiers.dishonest"),
        "false_alerts_per_100_honest_per_month": false_a_month("nightly"),
        "false_alerts_per_100_honest_per_month_monthly": false_a_month("monthly"),
        "typed_dates_found_in_a_week": share("cashiers.typed_dates_found", "cashiers.typed_dates"),
        "typed_dates_cashiers": total("cashiers.typed_dates"),
        "typed_dates_found_in_a_week_of_often": share(
            "cashiers.typed_dates_often_found", "cashiers.typed_dates_often"
        ),
        "typed_dates_cashiers_often": total("cashiers.typed_dates_often"),
        "age_mix_error_pp": max(values("purchases.age_mix_error_pp")),
        "age_mix_error_naive_pp": max(values("purchases.age_mix_error_naive_pp")),
        "age_mix_interval_coverage": share("purchases.age_groups_held", "purchases.age_groups"),
        "offer_interval_coverage": share("purchases.offers_held", "purchases.offers"),
    }
    return {name: round(value, 4) for name, value in figures.items()}


def as_table(chains: Sequence[Counts]) -> str:
    """Return the figures of each chain and of all in Markdown, with what is wanted."""
    columns = [*(summarised([chain]) for chain in chains), summarised(chains)]
    numbers = " | ".join(f"chain {number}" for number in range(1, len(chains) + 1))
    lines = [f"| | {numbers} | all | wanted |", "|---" * (len(columns) + 2) + "|"]
    for name in columns[-1]:
        values = " | ".join(f"{column[name]:,.6g}" for column in columns)
        lines.append(f"| {name} | {values} | {_WANTED.get(name, '')} |")
    return "\n".join(lines)
