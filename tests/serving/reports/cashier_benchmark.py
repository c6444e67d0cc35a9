"""Print what the cashier report finds in simulated chains, and how long a million sales take.

python -m tests.serving.reports.cashier_benchmark
"""

from __future__ import annotations

import time
from dataclasses import fields, replace
from typing import Any

import numpy as np

from agelane_serving.reports.cashiers import DAILY, SaleColumns, cashier_report
from tests.serving.reports.cashier_chain import Chain, simulate
from tests.serving.reports.cashier_marks import (
    Marks,
    busy_skippers,
    daily,
    dates_typed_in_first_week,
    days_to_find,
    mark,
    monthly,
    once,
)
from tests.serving.reports.cashier_plan import DISHONEST, Conduct, Plan

SEEDS = (1, 2, 3)
MILLION = 1_000_000


def main() -> None:
    """Print everything."""
    for seed in SEEDS:
        _chain(seed)
    for share in (0.05, 0.1):
        for seed in SEEDS:
            _skippers(seed, share)
    _million(Plan(sales_a_day=46.0))
    _million(Plan(cashiers=3000, sales_a_day=4.6))


def _chain(seed: int) -> None:
    chain = simulate(seed)
    print(f"\nseed {seed}: {len(chain.sales.cashier):,} sales")
    _print("once", chain, mark(chain, once(chain)))
    _print("monthly", chain, mark(chain, monthly(chain)))
    carried = mark(chain, daily(chain), DAILY)
    _print("daily", chain, carried)
    _print("daily at 0.05", chain, mark(chain, daily(chain)))
    _print("daily, ids not carried on", chain, mark(chain, daily(chain), DAILY, carry_on=False))
    print(f"  dates typed again in the first week: {dates_typed_in_first_week(chain)}")
    for conduct in DISHONEST:
        days = ", ".join(f"{it:.0f}" for it in days_to_find(chain, carried, conduct))
        print(f"  days until a daily report has {conduct.name}: {days}")


def _print(title: str, chain: Chain, marks: Marks) -> None:
    cheats = sum(it is not Conduct.HONEST for it in chain.conduct)
    kinds = ", ".join(f"{kind.name} {count}" for kind, count in marks.false_alerts.items())
    print(
        f"  {title}: {marks.alerts} alerts; found {len(marks.found)} of {cheats};"
        f" false discoveries {marks.mean_false_discovery_rate:.1%} a report,"
        f" {marks.false_discovery_rate:.1%} altogether;"
        f" false alerts a month per 100 honest {marks.false_a_month:.2f} ({kinds or 'none'})"
    )


def _skippers(seed: int, share: float) -> None:
    chain = simulate(seed, Plan(conducts=(Conduct.SKIPS,), dishonest_share=share))
    marks = mark(chain, once(chain))
    busy = busy_skippers(chain, marks.reports[0])
    found = len(busy & marks.found.keys())
    print(
        f"seed {seed}, {share:.0%} skip three times as often: found {found}"
        f" of {len(busy)} with >= 120 required checks;"
        f" false discoveries {marks.false_discovery_rate:.1%}"
    )


def _million(plan: Plan) -> None:
    chain = simulate(1, plan)
    rows = np.random.default_rng(0).permutation(len(chain.sales.cashier))[:MILLION]
    columns: dict[str, Any] = {
        field.name: getattr(chain.sales, field.name)[rows] for field in fields(SaleColumns)[1:]
    }
    sales = replace(chain.sales, **columns)
    started = time.process_time()
    report = cashier_report(sales, once(chain)[0], chain.attempts)
    seconds = time.process_time() - started
    print(
        f"{len(rows):,} sales of {plan.cashiers:,} cashiers: {seconds:.2f} s of one core,"
        f" {len(report.alerts)} alerts"
    )


if __name__ == "__main__":
    main()
