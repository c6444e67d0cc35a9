"""Each detector finds what it is for, and lets honest work pass."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from agelane_serving.policy import Decision
from agelane_serving.reports.cashiers import (
    AlertKind,
    DocumentReading,
    DocumentResult,
    Outcome,
    RestrictedSale,
    TokenMisuse,
)
from tests.serving.reports.cashier_sales import (
    CHECKED,
    DAY,
    MISSED,
    MONDAY,
    UNASSESSED,
    honest,
    kinds,
    report_on,
    spread_out,
)

CANCELLED = replace(MISSED, outcome=Outcome.VOIDED)


def found(sale: Callable[[int], RestrictedSale], sales: int = 100) -> set[AlertKind]:
    """Return what the report says about a cashier with these sales among honest ones."""
    bad = spread_out(map(sale, range(sales)), "bad")
    return kinds(report_on([*honest(), *bad]))


def test_honest_cashiers_are_left_alone() -> None:
    """Nobody stands out where all do the same."""
    assert report_on(honest()).alerts == ()


@pytest.mark.parametrize(
    "not_checked",
    [MISSED, UNASSESSED, replace(CHECKED, document_result=DocumentResult.NOT_SHOWN)],
    ids=["no document", "no photo", "sold although none was shown"],
)
def test_few_checks_stand_out(not_checked: RestrictedSale) -> None:
    """Half of the required checks, where others do nine of ten."""
    assert AlertKind.LOW_CHECK_RATE in found(lambda n: not_checked if n % 2 else CHECKED)


def test_a_refusal_honours_a_check() -> None:
    """Whoever refuses without a document did right."""
    refused = replace(MISSED, outcome=Outcome.REFUSED)
    assert found(lambda n: refused if n % 2 else CHECKED) == set()


def test_one_birth_date_typed_again_and_again_stands_out_within_a_week() -> None:
    """Three honest weeks before do not hide it."""

    def sale(n: int) -> RestrictedSale:
        return replace(CHECKED, birth_date_bucket=5 if n >= 210 and n % 2 else n * 11 % 64)

    report = report_on([*honest(sales=280), *spread_out(map(sale, range(280)), "bad")])
    assert kinds(report) == {AlertKind.REPEATED_BIRTH_DATE}
    (alert,) = report.alerts
    assert alert.first_case_at >= MONDAY + 21 * DAY
    assert 30 <= alert.cases <= 40
    assert 1 <= alert.expected_cases <= 3


@pytest.mark.parametrize("age_years", [30, None], ids=["with ages", "without"])
def test_six_of_nine_dates_in_a_first_week_are_enough(age_years: int | None) -> None:
    """A cashier with few customers, among others with many."""
    begin = MONDAY + 21 * DAY

    def sale(n: int) -> RestrictedSale:
        again = n >= 27 and n % 3 > 0
        bucket, age = (5, 30) if again else (n * 11 % 64, 20 + n % 12)
        return replace(CHECKED, birth_date_bucket=bucket, document_age_years=age_years and age)

    others = [
        replace(each, document_age_years=age_years and 20 + number % 12)
        for number, each in enumerate(honest(sales=280))
    ]
    bad = spread_out(map(sale, range(36)), "bad", every_seconds=7 * DAY / 9)
    report = report_on([*others, *bad])
    assert kinds(report) == {AlertKind.REPEATED_BIRTH_DATE}
    assert (report.alerts[0].cases, report.alerts[0].first_case_at > begin) == (6, True)


def test_a_birthday_does_not_hide_a_date() -> None:
    """Of one date, the age goes up in the middle of the period."""

    def sale(n: int) -> RestrictedSale:
        bucket, age = (5, 25 + n // 50) if n % 2 else (n * 11 % 64, 20 + n % 12)
        return replace(CHECKED, birth_date_bucket=bucket, document_age_years=age)

    report = report_on([*honest(), *spread_out(map(sale, range(100)), "bad", DAY / 15)])
    assert kinds(report) == {AlertKind.REPEATED_BIRTH_DATE}
    assert report.alerts[0].cases == 50


@pytest.mark.parametrize(
    ("same_person", "expected"),
    [(True, set()), (False, {AlertKind.REPEATED_BIRTH_DATE})],
    ids=["one person's", "anybody's"],
)
def test_a_regular_customer_is_known_by_the_face(
    same_person: bool, expected: set[AlertKind]
) -> None:
    """Three of five dates are the same, where others have a regular customer for one of ten."""

    def with_face(sale: RestrictedSale, n: int, is_regular: bool) -> RestrictedSale:
        low_years = 15 + n // 10 % 3 if is_regular else 10 + n * 7 % 20
        return replace(sale, age_low_years=low_years, age_high_years=low_years + 18)

    def sale(n: int) -> RestrictedSale:
        again = n % 5 > 1
        dated = replace(CHECKED, birth_date_bucket=5 if again else n * 11 % 64)
        return with_face(dated, n, again and same_person)

    others = [
        with_face(replace(each, birth_date_bucket=5) if n % 10 == 3 else each, n, n % 10 == 3)
        for n, each in enumerate(honest())
    ]
    assert kinds(report_on([*others, *spread_out(map(sale, range(100)), "bad")])) == expected


@pytest.mark.parametrize("reading", [DocumentReading.TYPED, None])
def test_a_regular_customer_without_a_face_is_no_fraud(reading: DocumentReading | None) -> None:
    """One of ten typed dates is the same."""
    regular = replace(CHECKED, reading=reading, age_low_years=None, age_high_years=None)
    assert found(lambda n: replace(regular, birth_date_bucket=n % 64 if n % 10 else 5)) == set()


def test_checks_faster_than_a_look_stand_out() -> None:
    """A third of the checks in half a second."""
    assert found(lambda n: replace(CHECKED, check_seconds=0.5 if n % 3 == 0 else 5)) == {
        AlertKind.FAST_CHECKS
    }


def test_a_scanner_may_be_fast() -> None:
    """A device that scanned has seen a document."""
    scanned = replace(CHECKED, reading=DocumentReading.SCANNED, check_seconds=0.5)
    assert found(lambda n: scanned) == set()


def test_documents_that_faces_contradict_stand_out_against_others() -> None:
    """Not where everybody's do: then the model errs."""

    def typed(n: int) -> RestrictedSale:
        return replace(CHECKED, document_age_years=60 if n % 2 else 25)

    assert found(typed) == {AlertKind.DOCUMENT_CONTRADICTS_FACE}
    everybody = [sale for who in range(20) for sale in spread_out(map(typed, range(100)), str(who))]
    assert report_on(everybody).alerts == ()


def test_an_age_in_completed_years_reaches_to_the_next_birthday() -> None:
    """A document age of 14 may be almost 15, where the interval begins."""
    assert found(lambda n: replace(CHECKED, document_age_years=14, age_low_years=14.9)) == set()


def test_void_and_rekey_is_found() -> None:
    """Cancelled after VERIFY_ID, and sold a minute later without a photo."""
    bad = [
        replace(sale, sale_id=f"{sale.sale_id}{name}", sold_at=sale.sold_at + seconds, **change)
        for sale in spread_out([CHECKED] * 100, "bad")
        for name, seconds, change in _RUNG_UP[int(sale.sale_id[4:]) % 5 == 0]
    ]
    assert AlertKind.VOID_AND_REKEY in kinds(report_on([*honest(), *bad]))


def test_a_cancelled_sale_tells_its_decision() -> None:
    """Voided after payment, the decision stands with the sale that was cancelled."""
    bad = []
    for sale in spread_out([MISSED] * 40, "bad"):
        void = replace(UNASSESSED, outcome=Outcome.VOIDED, cashier_id="bad")
        at, name = sale.sold_at, sale.sale_id
        bad += [
            sale,
            replace(void, sale_id=f"{name}v", sold_at=at + 10, voids_sale_id=name),
            replace(UNASSESSED, sale_id=f"{name}r", sold_at=at + 60, cashier_id="bad"),
        ]
    assert AlertKind.VOID_AND_REKEY in kinds(report_on([*honest(), *bad]))


def test_cancelling_alone_is_no_fraud() -> None:
    """Nor is a photo the second time, nor a sale an hour later."""
    bad = spread_out((CANCELLED if n % 2 else CHECKED for n in range(100)), "bad")
    assert kinds(report_on([*honest(), *bad])) == set()


def test_checks_only_under_supervision_stand_out() -> None:
    """All of them while a supervisor is there, two of three otherwise."""
    assert AlertKind.CHECKS_ONLY_SUPERVISED in found(
        lambda n: replace(CHECKED if n % 2 or n % 3 else MISSED, supervisor_on_shift=n % 2 == 1),
        sales=200,
    )


def test_unassessed_sales_stand_out_unless_the_till_was_offline() -> None:
    """A lost network is nobody's fault."""
    assert AlertKind.UNASSESSED_SALES in found(lambda n: UNASSESSED if n % 4 == 0 else CHECKED)
    offline = replace(UNASSESSED, document_result=DocumentResult.OF_AGE, decided_offline=True)
    assert found(lambda n: offline if n % 4 == 0 else CHECKED) == set()


def test_overrides_of_refuse_stand_out() -> None:
    """Sold, where all others refuse; a document does not matter for REFUSE."""
    told = replace(CHECKED, decision=Decision.REFUSE)
    others = [
        replace(sale, decision=Decision.REFUSE, outcome=Outcome.REFUSED) if n % 10 == 1 else sale
        for n, sale in enumerate(honest())
    ]
    bad = spread_out((told if n % 10 == 0 else CHECKED for n in range(100)), "bad")
    assert kinds(report_on([*others, *bad])) == {AlertKind.OVERRIDES}


def test_token_misuse_stands_out() -> None:
    """Ten forged tokens, where others have none; those outside of the period do not count."""
    times = tuple(MONDAY + n * DAY for n in range(10))
    sales = [*honest(), *spread_out([CHECKED] * 100, "bad")]
    report = report_on(sales, attempts=[TokenMisuse("store-1", "bad", times)])
    assert kinds(report) == {AlertKind.TOKEN_MISUSE}
    assert report.alerts[0].severity == pytest.approx(0.1)
    before = tuple(moment - 30 * DAY for moment in times)
    assert report_on(sales, attempts=[TokenMisuse("store-1", "bad", before)]).alerts == ()


_RUNG_UP: dict[bool, list[tuple[str, float, dict[str, Any]]]] = {
    False: [("", 0.0, {})],
    True: [
        ("v", 0.0, {"outcome": Outcome.VOIDED, "document_result": None}),
        ("r", 60.0, {"decision": None, "document_result": None}),
    ],
}
"""What is rung up for a customer: as it should be, or cancelled and rung up again."""
