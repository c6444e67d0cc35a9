"""Print what the cashier report finds in simulated chains, and how long a million sales take.

python -m tests.serving.reports.cashier_benchmark
"""

from __future__ import annotations

import time
from collections import defaultdict
from dataclasses import fields, replace
from typing import Any

import numpy as np

from agelane_serving.reports.cashiers import DAILY, SaleColumns, cashier_report
from loadtest.simulate.marks import ENOUGH_DATES, Marks, busy_skippers, days_to_find
from loadtest.simulate.plan import DISHONEST, Conduct, Plan
from tests.serving.reports.cashier_chain import Chain, simulate
from tests.serving.reports.cashier_marks import daily, marks_of, monthly, once, reports_on

SEEDS = (1, 2, 3)
MANY_SEEDS = range(11, 31)
MILLION = 1_000_000


def main() -> None:
    """Print everything."""
    for seed in SEEDS:
        _chain(seed)
    _many_chains()
    for share in (0.05, 0.1):
        for seed in SEEDS:
            _skippers(seed, share)
    _million(Plan(sales_a_day=46.0))
    _million(Plan(cashiers=3000, sales_a_day=4.6))


def _chain(seed: int) -> None:
    chain = simulate(seed)
    print(f"\nseed {seed}: {len(chain.sales.cashier):,} sales")
    _print("once", chain, marks_of(chain, reports_on(chain, once(chain))))
    _print("monthly", chain, marks_of(chain, reports_on(chain, monthly(chain))))
    carried = marks_of(chain, reports_on(chain, daily(chain), DAILY))
    _print("daily", chain, carried)
    print(f"  dates typed again in the first week: {chain.truth.dates_in_first_week}")
    for conduct in DISHONEST:
        found = days_to_find(chain.plan, chain.crew, carried, conduct)
        days = ", ".join(f"{it:.0f}" for it in found)
        print(f"  days until a daily report has {conduct.name}: {days}")


def _print(title: str, chain: Chain, marks: Marks) -> None:
    cheats = sum(it is not Conduct.HONEST for it in chain.crew.conduct)
    kinds = ", ".join(f"{kind} {count}" for kind, count in marks.false_alerts.items())
    print(
        f"  {title}: {marks.alerts} alerts; found {len(marks.found)} of {cheats};"
        f" false discoveries {marks.mean_false_discovery_rate:.1%} a report,"
        f" {marks.false_discovery_rate:.1%} altogether;"
        f" false alerts a month per 100 honest {marks.false_a_month:.2f} ({kinds or 'none'})"
    )


def _many_chains() -> None:
    """Print what comes out on average, of chains that nobody looked at before."""
    honest = defaultdict[str, list[float]](list)
    days: list[float] = []
    often: list[int] = []
    for seed in MANY_SEEDS:
        chain = simulate(seed)
        for title, periods in (("once", once(chain)), ("monthly", monthly(chain))):
            honest[title].append(marks_of(chain, reports_on(chain, periods)).false_discovery_rate)
        looks = marks_of(chain, reports_on(chain, daily(chain), DAILY))
        honest["daily"].append(looks.false_discovery_rate)
        days += days_to_find(chain.plan, chain.crew, looks, Conduct.ONE_BIRTH_DATE)
        often += chain.truth.dates_in_first_week
    print(f"\nseeds {MANY_SEEDS.start} to {MANY_SEEDS.stop - 1}")
    for title, shares in honest.items():
        above = sum(share > 0.1 for share in shares)
        print(
            f"  {title}: honest among all named {np.mean(shares):.1%} on average,"
            f" {max(shares):.1%} at most, above 10 % on {above}"
        )
    enough = [found <= 7 for found, typed in zip(days, often, strict=True) if typed >= ENOUGH_DATES]
    print(
        f"  dates found in a week: {sum(it <= 7 for it in days)} of {len(days)};"
        f" of those typed {ENOUGH_DATES} times in it {sum(enough)} of {len(enough)}"
    )


def _skippers(seed: int, share: float) -> None:
    chain = simulate(seed, Plan(conducts=(Conduct.SKIPS,), dishonest_share=share))
    reports = reports_on(chain, once(chain))
    marks, busy = marks_of(chain, reports), busy_skippers(chain.crew, reports[0].cashiers)
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
