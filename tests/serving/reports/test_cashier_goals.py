"""The goals of the cashier report, on one simulated chain; `cashier_benchmark` measures more."""

from __future__ import annotations

import pytest

from agelane_serving.reports.cashiers import DAILY
from tests.serving.reports.cashier_chain import Chain, simulate
from tests.serving.reports.cashier_marks import (
    busy_skippers,
    daily,
    dates_typed_in_first_week,
    days_to_find,
    mark,
    monthly,
    once,
)
from tests.serving.reports.cashier_plan import Conduct, Plan

ENOUGH_DATES = 8
"""So many of one date in a week no regular customer explains; of fewer, a week may be too short."""


@pytest.fixture(scope="module")
def chain() -> Chain:
    """Return 90 days of 300 cashiers, 15 of them dishonest."""
    return simulate(1)


def test_few_of_those_who_stand_out_are_honest(chain: Chain) -> None:
    """At most one in ten, and most of those who cheat are found."""
    marks = mark(chain, once(chain))
    assert marks.false_discovery_rate <= 0.1
    assert len(marks.found) >= 0.8 * sum(it is not Conduct.HONEST for it in chain.conduct)


def test_those_who_skip_three_times_as_often_are_found() -> None:
    """Four of five of those with 120 required checks or more."""
    chain = simulate(1, Plan(conducts=(Conduct.SKIPS,)))
    marks = mark(chain, once(chain))
    busy = busy_skippers(chain, marks.reports[0])
    assert len(busy & marks.found.keys()) >= 0.8 * len(busy)
    assert marks.false_discovery_rate <= 0.1


def test_a_report_a_month_raises_few_false_alerts(chain: Chain) -> None:
    """At most one per 100 honest cashiers a month."""
    assert mark(chain, monthly(chain)).false_a_month <= 1


def test_a_report_a_day_raises_no_more_and_finds_one_date_within_a_week() -> None:
    """Looking often must not pile up alerts."""
    chain = simulate(1, Plan(days=60))
    marks = mark(chain, daily(chain), DAILY)
    assert marks.false_a_month <= 1
    assert marks.alerts <= 3 * len(marks.found)
    days = zip(
        days_to_find(chain, marks, Conduct.ONE_BIRTH_DATE),
        dates_typed_in_first_week(chain),
        strict=True,
    )
    assert max(found for found, typed in days if typed >= ENOUGH_DATES) <= 7
