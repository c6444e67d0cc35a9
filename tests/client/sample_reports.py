"""Reports as a gateway would tell them."""

from __future__ import annotations

from google.protobuf.timestamp_pb2 import Timestamp

from agelane.v1 import report_pb2
from agelane.v1.assessment_pb2 import AgeGroup
from agelane.v1.report_pb2 import Estimate


def cashier_report() -> report_pb2.GetCashierReportResponse:
    """Two cashiers, of whom one has answered one of two alerts."""
    return report_pb2.GetCashierReportResponse(
        period=november(),
        cashiers=_cashiers(),
        funnel=_funnel(),
        alerts=_alerts(),
    )


def _cashiers() -> list[report_pb2.CashierSummary]:
    return [
        report_pb2.CashierSummary(
            store_id="store-7",
            cashier_id="c41",
            restricted_sales=120,
            required_checks=50,
            honoured_checks=30,
            refusals=2,
            overrides=1,
            unassessed_sales=4,
            check_rate=Estimate(value=0.6, low=0.452, high=0.736),
            shrunken_check_rate=Estimate(value=0.65, low=0.53, high=0.77),
            funnel_z=-3.25,
            adjusted_p_value=0.0004,
        ),
        report_pb2.CashierSummary(store_id="store-7", cashier_id="c2", restricted_sales=3),
    ]


def _funnel() -> report_pb2.Funnel:
    return report_pb2.Funnel(
        target_rate=0.91,
        overdispersion=1.8,
        limits=[
            report_pb2.FunnelLimit(
                required_checks=50,
                warning_low=0.8,
                warning_high=0.98,
                alarm_low=0.72,
                alarm_high=1,
            )
        ],
    )


def _alerts() -> list[report_pb2.CashierAlert]:
    return [
        report_pb2.CashierAlert(
            id="0123456789abcdef",
            store_id="store-7",
            cashier_id="c41",
            kind=report_pb2.CASHIER_ALERT_KIND_LOW_CHECK_RATE,
            severity=0.12,
            cases=20,
            expected_cases=4.5,
            adjusted_p_value=0.0004,
            first_case_at=at("2026-11-03T09:30:00Z"),
            last_case_at=at("2026-11-28T19:00:00Z"),
            state=report_pb2.CASHIER_ALERT_STATE_ANSWERED,
            answer="The scanner was broken.",
        ),
        report_pb2.CashierAlert(
            id="fedcba9876543210",
            store_id="store-7",
            cashier_id="c41",
            kind=report_pb2.CASHIER_ALERT_KIND_OVERRIDES,
            severity=0.05,
            cases=1,
            first_case_at=at("2026-11-05T09:30:00Z"),
            last_case_at=at("2026-11-05T09:30:00Z"),
            state=report_pb2.CASHIER_ALERT_STATE_OPEN,
        ),
    ]


def age_group_report() -> report_pb2.GetAgeGroupReportResponse:
    """Two groups, and an offer that too few have seen beside one that sells."""
    young = AgeGroup(id="18_24", label="18-24", from_years=18, to_years=24)
    old = AgeGroup(id="65_plus", label="65+", from_years=65)
    goods = [
        lift("energy-drinks", 340.5, 2.1, 1.6, 2.7),
        *(lift(f"goods-{number}", 40, 1, 0.8, 1.2) for number in range(5)),
    ]
    return report_pb2.GetAgeGroupReportResponse(
        period=november(),
        age_groups=[
            report_pb2.AgeGroupPurchases(
                age_group=young,
                basket_share=Estimate(value=0.121, low=0.102, high=0.14),
                naive_basket_share=0.15,
                categories=goods,
            ),
            report_pb2.AgeGroupPurchases(age_group=old, naive_basket_share=0.2),
        ],
        offers=[
            report_pb2.OfferEffect(
                offer_id="gouda",
                category="cheese",
                offered=900,
                held_out=100,
                uplift=Estimate(value=0.042, low=-0.01, high=0.094),
            ),
            report_pb2.OfferEffect(offer_id="rye", category="bread", offered=9, held_out=1),
        ],
    )


def lift(
    category: str, baskets: float, value: float, low: float, high: float
) -> report_pb2.CategoryLift:
    """Return how often a group buys a category."""
    estimate = Estimate(value=value, low=low, high=high)
    return report_pb2.CategoryLift(category=category, baskets=baskets, lift=estimate)


def november() -> report_pb2.Period:
    """Four weeks of it."""
    return report_pb2.Period(start=at("2026-11-02T00:00:00Z"), end=at("2026-11-30T00:00:00Z"))


def at(text: str) -> Timestamp:
    """Return the time in `text`."""
    moment = Timestamp()
    moment.FromJsonString(text)
    return moment
