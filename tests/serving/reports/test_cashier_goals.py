"""The goals of the cashier report, on simulated chains; `cashier_benchmark` measures more."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from agelane_serving.reports.cashiers import DAILY
from loadtest.simulate.marks import ENOUGH_DATES, Marks, busy_skippers, days_to_find
from loadtest.simulate.plan import Conduct, Plan
from tests.serving.reports.cashier_chain import Chain, simulate
from tests.serving.reports.cashier_marks import daily, marks_of, monthly, once, reports_on

SEEDS = range(101, 107)
"""One chain alone may have two honest cashiers among seventeen named by chance."""


@pytest.fixture(scope="module")
def chains() -> list[Chain]:
    """Return 90 days of 300 cashiers each, 15 of them dishonest."""
    return [simulate(seed) for seed in SEEDS]


def honest_among_named(marks: Sequence[Marks]) -> float:
    """Return their share in all chains together."""
    accused = sum(len(each.accused) for each in marks)
    return accused / max(1, accused + sum(len(each.found) for each in marks))


def test_few_of_those_who_stand_out_are_honest(chains: list[Chain]) -> None:
    """At most one in ten, and most of those who cheat are found."""
    marks = [marks_of(chain, reports_on(chain, once(chain))) for chain in chains]
    cheats = sum(it is not Conduct.HONEST for chain in chains for it in chain.crew.conduct)
    assert honest_among_named(marks) <= 0.1
    assert sum(len(each.found) for each in marks) >= 0.8 * cheats


def test_those_who_skip_three_times_as_often_are_found() -> None:
    """Four of five of those with 120 required checks or more."""
    marks, found, skippers = [], 0, 0
    for seed in SEEDS:
        chain = simulate(seed, Plan(conducts=(Conduct.SKIPS,)))
        reports = reports_on(chain, once(chain))
        marks.append(marks_of(chain, reports))
        busy = busy_skippers(chain.crew, reports[0].cashiers)
        found, skippers = found + len(busy & marks[-1].found.keys()), skippers + len(busy)
    assert found >= 0.8 * skippers
    assert honest_among_named(marks) <= 0.1


def test_a_report_a_month_raises_few_false_alerts(chains: list[Chain]) -> None:
    """At most one per 100 honest cashiers a month."""
    for chain in chains:
        assert marks_of(chain, reports_on(chain, monthly(chain))).false_a_month <= 1


def test_a_report_a_day_raises_no_more_and_finds_one_date_within_a_week() -> None:
    """Looking often must not pile up alerts."""
    chain = simulate(101, Plan(days=60))
    marks = marks_of(chain, reports_on(chain, daily(chain), DAILY))
    assert marks.false_a_month <= 1
    assert marks.alerts <= 3 * len(marks.found)
    days = zip(
        days_to_find(chain.plan, chain.crew, marks, Conduct.ONE_BIRTH_DATE),
        chain.truth.dates_in_first_week,
        strict=True,
    )
    assert max(found for found, typed in days if typed >= ENOUGH_DATES) <= 7
