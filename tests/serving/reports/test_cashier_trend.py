"""Whether somebody checks less than before."""

from __future__ import annotations

import numpy as np
import pytest

from agelane_serving.reports.cashiers import AlertKind, Period, RestrictedSale
from agelane_serving.reports.cashiers.cusum import cusum, false_alarm_probability, weekly_scores
from tests.serving.reports.cashier_sales import (
    CHECKED,
    DAY,
    FOUR_WEEKS,
    MISSED,
    MONDAY,
    honest,
    report_on,
    spread_out,
)


def test_a_falling_check_rate_stands_out() -> None:
    """Ten good weeks, then five bad ones; the alert tells when it began."""
    weeks = Period(MONDAY + 77 * DAY, MONDAY + 105 * DAY)

    def sale(n: int) -> RestrictedSale:
        return CHECKED if n % 10 and (n < 700 or n % 3) else MISSED

    report = report_on(
        [
            *(
                each
                for who in range(20)
                for each in spread_out(
                    (CHECKED if n % 10 else MISSED for n in range(1050)), f"honest-{who}"
                )
            ),
            *spread_out(map(sale, range(1050)), "bad"),
        ],
        weeks,
    )
    (alert,) = [it for it in report.alerts if it.kind is AlertKind.FALLING_CHECK_RATE]
    assert alert.cashier_id == "bad"
    assert alert.first_case_at == pytest.approx(MONDAY + 70 * DAY, abs=7 * DAY)
    assert alert.expected_cases == pytest.approx(35, abs=5)


def test_steady_cashiers_raise_few_false_alarms() -> None:
    """Of 4,000 steady cashiers over 26 weeks, about as many peak as the p-value says."""
    random = np.random.default_rng(0)
    required = random.poisson(30, (4000, 26))
    missed = random.binomial(required, 0.08)
    scores = weekly_scores(missed, required)
    peaks = cusum(scores).max(axis=1)
    p_values = false_alarm_probability(peaks, (~np.isnan(scores)).sum(axis=1))
    assert (p_values < 0.05).mean() < 0.075
    assert (p_values < 0.005).mean() < 0.01


def test_a_half_week_is_not_judged() -> None:
    """A report in the middle of a week says about falling rates what it said on Monday."""
    sales = [*honest(), *spread_out((CHECKED for _ in range(280)), "1")]
    thursday = Period(FOUR_WEEKS.start, MONDAY + 17 * DAY)
    monday = Period(FOUR_WEEKS.start, MONDAY + 14 * DAY)
    assert report_on(sales, thursday).alerts == report_on(sales, monday).alerts
