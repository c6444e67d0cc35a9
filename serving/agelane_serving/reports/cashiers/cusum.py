"""Whether a cashier checks less than before: a self-starting CUSUM over weeks.

Each week's missed checks are compared with the cashier's own earlier weeks, exactly (Quesenberry
1991, Journal of Quality Technology 23:213-224; the first weeks need no known rate), and the normal
scores are summed up as Page 1954 and Hawkins and Olwell 1998 do.
"""

from __future__ import annotations

import numpy as np
from scipy import special

from agelane_serving.reports.cashiers.arrays import Flags, Floats, Ints
from agelane_serving.reports.cashiers.findings import Cases, Finding
from agelane_serving.reports.cashiers.results import AlertKind, Period
from agelane_serving.reports.cashiers.scatter import winsorised_square
from agelane_serving.reports.cashiers.sorted_sales import SortedSales
from agelane_serving.reports.cashiers.weeks import WEEK_SECONDS, start_of, week_of

_ALLOWANCE = 0.5
"""Half of the shift that is looked for, in standard deviations of a week."""
_LEAST_BEFORE = 20
"""Required checks before a week, from which it is compared with them."""
MOST_WEEKS = 26
"""How far back a cashier's own weeks are compared."""
_LONGEST_SCORE = 4.0
"""One strange week alone must not decide."""


def falling(history: SortedSales, period: Period) -> Finding:
    """Look for cashiers who miss more and more checks; `history` may begin before the period.

    Only whole weeks count, so that a report a day sees each week once.
    """
    weeks = _whole_weeks(history, period)
    missed = _by_week(history, history.missed, weeks)
    required = _by_week(history, history.required, weeks)
    scores = weekly_scores(missed, required)
    sums = cusum(scores)
    in_period = np.array([start_of(week) + WEEK_SECONDS > period.start for week in weeks], bool)
    peaks, p_values = _peaks(sums, scores, in_period)
    change = _change(sums, peaks)
    rows, counts, expected = _since(history, missed, required, weeks, change)
    return Finding(
        AlertKind.FALLING_CHECK_RATE, counts, expected, p_values, Cases.of_rows(history, rows)
    )


def weekly_scores(missed: Ints, required: Ints) -> Floats:
    """Return a normal score for each week, [C, W]: positive where more was missed than before.

    NaN where there is nothing to compare. Weeks scatter more than chance; the scores are divided by
    what that comes to over all cashiers.
    """
    before_missed = np.cumsum(missed, axis=1) - missed
    before = np.cumsum(required, axis=1) - required
    scores = np.full(missed.shape, np.nan)
    here = np.nonzero((required > 0) & (before >= _LEAST_BEFORE))
    if not len(here[0]):
        return scores
    scores[here] = _scores(missed[here], required[here], before_missed[here], before[here])
    wider = np.sqrt(max(1.0, winsorised_square(scores[here])))
    clipped: Floats = np.clip(scores / wider, -_LONGEST_SCORE, _LONGEST_SCORE)
    return clipped


def cusum(scores: Floats) -> Floats:
    """Return the sum after each week, [C, W], 0 or greater; without a score it stays."""
    steps = np.where(np.isnan(scores), 0.0, scores - _ALLOWANCE)
    sums = np.zeros(scores.shape)
    running = np.zeros(len(scores))
    for week in range(scores.shape[1]):
        running = np.maximum(0.0, running + steps[:, week])
        sums[:, week] = running
    return sums


def false_alarm_probability(peak: Floats, weeks: Ints) -> Floats:
    """Return the probability that a steady cashier's sum reaches `peak` within `weeks`, 0 … 1.

    By Siegmund's (1985) approximation of the mean time to a false alarm.
    """
    corrected = peak + 1.166
    exponent = 2 * _ALLOWANCE * corrected
    mean_weeks = (np.exp(exponent) - exponent - 1) / (2 * _ALLOWANCE**2)
    return -np.expm1(-weeks / mean_weeks)


def _scores(missed: Ints, required: Ints, before_missed: Ints, before: Ints) -> Floats:
    """Return -Φ⁻¹ of the mid-p-value of each week, given all that was missed up to its end."""
    middle = _hypergeometric_middle(missed, required, missed + before_missed, required + before)
    scores: Floats = -special.ndtri(np.clip(middle, 1e-12, 1 - 1e-12))
    return scores


def _hypergeometric_middle(drawn_marked: Ints, drawn: Ints, marked: Ints, total: Ints) -> Floats:
    """Return P(X > drawn_marked) + P(X = drawn_marked) / 2, elementwise, all sums of one length.

    A week has few checks, so that one table of terms for all is faster than a loop.
    """
    longest = int((np.minimum(marked, drawn) - drawn_marked).max(initial=0))
    x = drawn_marked[:, None] + np.arange(longest)
    up = np.maximum(marked[:, None] - x, 0.0) * np.maximum(drawn[:, None] - x, 0)
    down = (x + 1.0) * ((total - marked - drawn)[:, None] + x + 1)
    # Beyond the largest possible count `up` is 0, and so are all later terms.
    ratios = np.divide(up, down, out=np.zeros(up.shape), where=up > 0)
    beyond = np.cumprod(ratios, axis=1).sum(axis=1)
    middle: Floats = np.exp(_log_first(drawn_marked, drawn, marked, total)) * (0.5 + beyond)
    return middle


def _log_first(drawn_marked: Ints, drawn: Ints, marked: Ints, total: Ints) -> Floats:
    def log_choose(n: Ints, k: Ints) -> Floats:
        chosen: Floats = (
            special.gammaln(n + 1) - special.gammaln(k + 1) - special.gammaln(n - k + 1)
        )
        return chosen

    marked_ways = log_choose(marked, drawn_marked)
    return marked_ways + log_choose(total - marked, drawn - drawn_marked) - log_choose(total, drawn)


def _whole_weeks(history: SortedSales, period: Period) -> range:
    end = week_of(period.end)
    moments = history.columns.sold_at
    start = week_of(float(moments.min())) if len(moments) else end
    return range(min(end, max(start, end - MOST_WEEKS)), end)


def _by_week(history: SortedSales, which: Flags, weeks: range) -> Ints:
    """Return the number of marked sales, [C, W]."""
    week = np.floor((history.columns.sold_at[which] - start_of(weeks.start)) / WEEK_SECONDS)
    inside = (week >= 0) & (week < len(weeks))
    place = history.columns.cashier[which][inside] * len(weeks) + week[inside].astype(np.int64)
    counts = np.bincount(place, minlength=len(history.cashiers) * len(weeks))
    table: Ints = counts.astype(np.int64).reshape(len(history.cashiers), len(weeks))
    return table


def _peaks(sums: Floats, scores: Floats, in_period: Flags) -> tuple[Ints, Floats]:
    """Return the week of the highest sum within the period, [C], and its p-value, [C]."""
    if not in_period.any():
        return np.zeros(len(sums), np.int64), np.full(len(sums), np.nan)
    peaks = np.where(in_period, sums, -1.0).argmax(axis=1)
    compared = (~np.isnan(scores)).sum(axis=1)
    highest = sums[np.arange(len(sums)), peaks]
    p_values = np.where(compared > 0, false_alarm_probability(highest, compared), np.nan)
    return peaks, p_values


def _change(sums: Floats, peaks: Ints) -> Ints:
    """Return the week after the last zero before each peak, [C]: when it probably began."""
    weeks = np.arange(sums.shape[1])
    calm = (sums <= 0) & (weeks <= peaks[:, None])
    change: Ints = np.where(calm, weeks + 1, 0).max(axis=1, initial=0)
    return change


def _since(
    history: SortedSales, missed: Ints, required: Ints, weeks: range, change: Ints
) -> tuple[Ints, Ints, Floats]:
    """Return the rows of the checks missed since the change, their number and the expected one."""
    columns = history.columns
    began = np.array([start_of(weeks.start + int(week)) for week in change])
    late = columns.sold_at >= began[columns.cashier]
    before = np.arange(len(weeks)) < change[:, None]
    rate = (missed * before).sum(axis=1) / np.maximum(1, (required * before).sum(axis=1))
    rows = np.flatnonzero(history.missed & late)
    counts = history.count(history.missed & late)
    return rows, counts, rate * history.count(history.required & late)
