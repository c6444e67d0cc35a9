"""What simulated cashiers do: check, forget, or cheat."""

from __future__ import annotations

import numpy as np
from scipy import special

from agelane.v1 import assessment_pb2, sale_pb2
from loadtest.simulate.crew import Crew, typed_again
from loadtest.simulate.plan import WATCHED, Columns, Conduct, Flags, Floats, Ints

_LEGAL_AGE_YEARS = 18
_TOKENS_USED_AGAIN = 5e-5
"""Share of sales after which a till sends the same assessment once more, by mishap."""


def behave(random: np.random.Generator, crew: Crew, columns: Columns) -> Columns:
    """Return what becomes of customers about whom the gateway has decided; see `customers`.

    Args:
        random: where chance comes from.
        crew: the cashiers.
        columns: of the customers, with
            - decision: an `AlcoholDecision`; counts where they were assessed.

    Returns:
        As many sales, or some more: baskets that were cancelled and rung up again. `assessed` is
        now False where a cashier made no use of the assessment, and there are in addition
        - outcome: a `SaleOutcome`,
        - document_result: a `DocumentResult`, 0 where no document was asked for,
        - reading: a `DocumentReading`, 0 where it is not told,
        - check_seconds: how long that took, NaN where nobody measured,
        - document_age_years, birth_date_bucket: what was read, -1 where nothing was,
        - token_used_again: a second sale is told under the same assessment, which does not count,
        - rung_up_again: the basket had been cancelled.
    """
    n = len(columns["cashier"])
    columns = columns | {
        "outcome": np.full(n, sale_pb2.SALE_OUTCOME_SOLD, np.int16),
        "document_result": np.zeros(n, np.int16),
        "reading": np.zeros(n, np.int16),
        "check_seconds": np.full(n, np.nan),
        "document_age_years": np.full(n, -1, np.int16),
        "birth_date_bucket": np.full(n, -1, np.int16),
        "rung_up_again": np.zeros(n, bool),
    }
    cheats = columns["day"] >= crew.begins_day[columns["cashier"]]
    _check_or_not(random, crew, columns, cheats)
    columns = _with_rekeyed(random, crew, columns, cheats)
    # What was cancelled has used nothing up.
    uses = columns["assessed"] & (columns["outcome"] != sale_pb2.SALE_OUTCOME_VOIDED)
    again = random.random(len(uses)) < _TOKENS_USED_AGAIN
    return columns | {"token_used_again": uses & again}


def _check_or_not(random: np.random.Generator, crew: Crew, columns: Columns, cheats: Flags) -> None:
    cashier, n = columns["cashier"], len(cheats)

    def at_times(which: Conduct, share: float) -> Flags:
        marked: Flags = cheats & crew.who(which)[cashier] & (random.random(n) < share)
        return marked

    unassessed = at_times(Conduct.UNASSESSED, 0.25)
    columns["assessed"] = columns["assessed"] & ~unassessed
    required = ~_told(columns, assessment_pb2.ALCOHOL_DECISION_ALLOW)
    refuse = _told(columns, assessment_pb2.ALCOHOL_DECISION_REFUSE)
    skips = (random.random(n) < _skip_rates(crew, columns)) & ~refuse
    pretends = required & at_times(Conduct.ONE_BIRTH_DATE, 0.6)
    faked_fast = required & at_times(Conduct.FAKES_FAST, 0.5)
    checked = required & ~skips & ~pretends & ~faked_fast
    checked &= ~(unassessed & (random.random(n) < 0.7))
    _check_honestly(random, crew, columns, checked, refuse)
    _pretend(random, columns, pretends, faked_fast)


def _told(columns: Columns, decision: int) -> Flags:
    """Return where the gateway said this."""
    told: Flags = columns["assessed"] & (columns["decision"] == decision)
    return told


def _skip_rates(crew: Crew, columns: Columns) -> Floats:
    """Return each customer's probability of not being checked."""
    watched, cashier = columns["supervisor_on_shift"] == 1, columns["cashier"]
    odds = special.logit(crew.skips[cashier]) + crew.moods[cashier, columns["day"]]
    # On average neither more nor less, so that three times the base rate stays that.
    usual = special.expit(odds - 0.2 * (watched - WATCHED))
    pretends = crew.who(Conduct.ONLY_SUPERVISED)[cashier]
    rates: Floats = np.where(pretends, np.where(watched, 0.04, 0.35), usual)
    return rates


def _check_honestly(
    random: np.random.Generator, crew: Crew, columns: Columns, checked: Flags, refuse: Flags
) -> None:
    cashier, n = columns["cashier"], len(checked)
    shown = checked & (random.random(n) < 0.93)
    of_age = shown & ~refuse & (columns["age_years"] >= _LEGAL_AGE_YEARS)
    columns["document_result"][checked] = sale_pb2.DOCUMENT_RESULT_NOT_SHOWN
    columns["document_result"][shown] = sale_pb2.DOCUMENT_RESULT_UNDER_AGE
    columns["document_result"][of_age] = sale_pb2.DOCUMENT_RESULT_OF_AGE
    columns["outcome"][checked & ~of_age] = sale_pb2.SALE_OUTCOME_REFUSED
    reading = _readings(random, crew, cashier)
    columns["reading"][of_age] = reading[of_age]
    scanned = reading == sale_pb2.DOCUMENT_READING_SCANNED
    median = np.where(scanned, 1.2, crew.check_seconds[cashier])
    columns["check_seconds"][checked] = (median * random.lognormal(0, 0.5, n))[checked]
    read = of_age & (reading != sale_pb2.DOCUMENT_READING_LOOKED_AT)
    columns["birth_date_bucket"][read] = _buckets(random, crew, columns)[read]
    columns["document_age_years"][read] = np.floor(columns["age_years"])[read]


def _readings(random: np.random.Generator, crew: Crew, cashier: Ints) -> Ints:
    """Return how each customer's document would be read; three cashiers in ten mostly scan."""
    scans, draw = crew.scans[cashier], random.random(len(cashier))
    return np.select(
        [draw < scans, draw < scans + 0.7 * (1 - scans)],
        [sale_pb2.DOCUMENT_READING_SCANNED, sale_pb2.DOCUMENT_READING_TYPED],
        sale_pb2.DOCUMENT_READING_LOOKED_AT,
    )


def _buckets(random: np.random.Generator, crew: Crew, columns: Columns) -> Ints:
    """Return buckets of true dates: filled unevenly; a regular customer's is always the same."""
    buckets = random.choice(len(crew.buckets), len(columns["cashier"]), p=crew.buckets)
    return np.where(columns["regular"], crew.regular_bucket[columns["cashier"]], buckets)


def _pretend(
    random: np.random.Generator, columns: Columns, pretends: Flags, faked_fast: Flags
) -> None:
    """Enter checks that never were."""
    columns["document_result"][pretends | faked_fast] = sale_pb2.DOCUMENT_RESULT_OF_AGE
    columns["reading"][faked_fast] = sale_pb2.DOCUMENT_READING_LOOKED_AT
    columns["check_seconds"][faked_fast] = random.uniform(0.3, 1.4, int(faked_fast.sum()))
    columns["reading"][pretends] = sale_pb2.DOCUMENT_READING_TYPED
    columns["check_seconds"][pretends] = random.lognormal(1.6, 0.5, int(pretends.sum()))
    columns["birth_date_bucket"][pretends] = typed_again(columns["cashier"][pretends])
    columns["document_age_years"][pretends] = 30


def _with_rekeyed(
    random: np.random.Generator, crew: Crew, columns: Columns, cheats: Flags
) -> Columns:
    """Cancel some baskets, and ring some of those up again without an assessment."""
    n = len(cheats)
    stopped = ~_told(columns, assessment_pb2.ALCOHOL_DECISION_ALLOW) & columns["assessed"]
    evades = cheats & crew.who(Conduct.REKEYS)[columns["cashier"]] & stopped
    evades &= random.random(n) < 0.3
    mishap = random.random(n) < 0.01
    columns["outcome"][evades | mishap] = sale_pb2.SALE_OUTCOME_VOIDED
    again = np.flatnonzero(evades | (mishap & (random.random(n) < 0.1)))
    extra = {name: column[again] for name, column in columns.items()}
    extra |= _unassessed_again(random, extra)
    return {name: np.concatenate([columns[name], extra[name]]) for name in columns}


def _unassessed_again(random: np.random.Generator, cancelled: Columns) -> Columns:
    """Return what differs in sales that are rung up again at once."""
    n = len(cancelled["cashier"])
    return {
        "sold_at": cancelled["sold_at"] + random.uniform(20, 120, n),
        "assessed": np.zeros(n, bool),
        "decided_offline": np.zeros(n, bool),
        "outcome": np.full(n, sale_pb2.SALE_OUTCOME_SOLD, np.int16),
        "document_result": np.zeros(n, np.int16),
        "reading": np.zeros(n, np.int16),
        "check_seconds": np.full(n, np.nan),
        "document_age_years": np.full(n, -1, np.int16),
        "birth_date_bucket": np.full(n, -1, np.int16),
        "rung_up_again": np.ones(n, bool),
    }
