"""Reports: what a manager asks, and what came over the wire, whatever came."""

from __future__ import annotations

import math
from datetime import datetime
from typing import TYPE_CHECKING

from agelane.v1 import report_pb2
from agelane_client.age_group_results import (
    AgeGroupPurchases,
    AgeGroupReport,
    CategoryLift,
    OfferEffect,
)
from agelane_client.cashier_results import (
    CashierAlert,
    CashierAlertKind,
    CashierAlertState,
    CashierReport,
    CashierSummary,
    Funnel,
    FunnelLimit,
)
from agelane_client.convert import finite, to_age_group, to_name, to_number, to_time
from agelane_client.options import Options
from agelane_client.requests import to_timestamp
from agelane_client.results import Estimate, Period

if TYPE_CHECKING:
    from google.protobuf.message import Message


def cashier_report_request(
    options: Options,
    *,
    store_id: str | None,
    cashier_id: str | None,
    start: datetime | None,
    end: datetime | None,
    restricted_category: str | None,
) -> report_pb2.GetCashierReportRequest:
    """Return the request; None takes the client's store or the gateway's default.

    Raises RequestError for a time without a zone.
    """
    return report_pb2.GetCashierReportRequest(
        store_id=options.store_id if store_id is None else store_id,
        cashier_id=cashier_id or "",
        period=_period_request(start, end),
        restricted_category=restricted_category or "",
    )


def age_group_report_request(
    options: Options, *, store_id: str | None, start: datetime | None, end: datetime | None
) -> report_pb2.GetAgeGroupReportRequest:
    """Return the request, as `cashier_report_request` does."""
    return report_pb2.GetAgeGroupReportRequest(
        store_id=options.store_id if store_id is None else store_id,
        period=_period_request(start, end),
    )


def to_cashier_report(wire: report_pb2.GetCashierReportResponse) -> CashierReport:
    """Return `wire` as a result. Never fails; numbers that are none (NaN, infinite) are unset."""
    return CashierReport(
        period=_period(wire.period),
        cashiers=tuple(map(_summary, wire.cashiers)),
        funnel=_funnel(wire.funnel) if wire.HasField("funnel") else None,
        alerts=tuple(map(_alert, wire.alerts)),
    )


def to_age_group_report(wire: report_pb2.GetAgeGroupReportResponse) -> AgeGroupReport:
    """Return `wire` as a result. Never fails; numbers that are none (NaN, infinite) are unset."""
    return AgeGroupReport(
        period=_period(wire.period),
        age_groups=tuple(map(_purchases, wire.age_groups)),
        offers=tuple(map(_effect, wire.offers)),
    )


def _period_request(start: datetime | None, end: datetime | None) -> report_pb2.Period:
    return report_pb2.Period(
        start=None if start is None else to_timestamp(start, "period.start"),
        end=None if end is None else to_timestamp(end, "period.end"),
    )


def _period(wire: report_pb2.Period) -> Period:
    return Period(start=_time(wire, "start"), end=_time(wire, "end"))


def _summary(wire: report_pb2.CashierSummary) -> CashierSummary:
    return CashierSummary(
        store_id=wire.store_id,
        cashier_id=wire.cashier_id,
        restricted_sales=wire.restricted_sales,
        required_checks=wire.required_checks,
        honoured_checks=wire.honoured_checks,
        refusals=wire.refusals,
        overrides=wire.overrides,
        unassessed_sales=wire.unassessed_sales,
        check_rate=_estimate(wire, "check_rate"),
        shrunken_check_rate=_estimate(wire, "shrunken_check_rate"),
        funnel_z=to_number(wire, "funnel_z"),
        adjusted_p_value=to_number(wire, "adjusted_p_value"),
    )


def _funnel(wire: report_pb2.Funnel) -> Funnel | None:
    """Return the funnel without limits that are no numbers; None if it has no target."""
    if not _all_finite(wire.target_rate, wire.overdispersion):
        return None
    return Funnel(
        target_rate=wire.target_rate,
        overdispersion=wire.overdispersion,
        limits=tuple(
            FunnelLimit(
                required_checks=it.required_checks,
                warning_low=it.warning_low,
                warning_high=it.warning_high,
                alarm_low=it.alarm_low,
                alarm_high=it.alarm_high,
            )
            for it in wire.limits
            if _all_finite(it.warning_low, it.warning_high, it.alarm_low, it.alarm_high)
        ),
    )


def _alert(wire: report_pb2.CashierAlert) -> CashierAlert:
    kinds, states = report_pb2.CashierAlertKind, report_pb2.CashierAlertState
    return CashierAlert(
        id=wire.id,
        store_id=wire.store_id,
        cashier_id=wire.cashier_id,
        kind=to_name(wire.kind, kinds.DESCRIPTOR, "CASHIER_ALERT_KIND_", CashierAlertKind.UNKNOWN),
        severity=finite(wire.severity),
        cases=wire.cases,
        expected_cases=finite(wire.expected_cases),
        adjusted_p_value=to_number(wire, "adjusted_p_value"),
        first_case_at=_time(wire, "first_case_at"),
        last_case_at=_time(wire, "last_case_at"),
        state=to_name(
            wire.state, states.DESCRIPTOR, "CASHIER_ALERT_STATE_", CashierAlertState.OPEN
        ),
        answer=wire.answer,
    )


def _purchases(wire: report_pb2.AgeGroupPurchases) -> AgeGroupPurchases:
    return AgeGroupPurchases(
        age_group=to_age_group(wire.age_group),
        basket_share=_estimate(wire, "basket_share"),
        naive_basket_share=finite(wire.naive_basket_share),
        categories=tuple(
            CategoryLift(
                category=it.category, baskets=finite(it.baskets), lift=_estimate(it, "lift")
            )
            for it in wire.categories
        ),
    )


def _effect(wire: report_pb2.OfferEffect) -> OfferEffect:
    return OfferEffect(
        offer_id=wire.offer_id,
        category=wire.category,
        offered=wire.offered,
        held_out=wire.held_out,
        uplift=_estimate(wire, "uplift"),
    )


def _estimate(wire: Message, field: str) -> Estimate | None:
    """Return an estimate in `wire`; None if it is unset or has a part that is no number."""
    it: report_pb2.Estimate = getattr(wire, field)
    if not wire.HasField(field) or not _all_finite(it.value, it.low, it.high):
        return None
    return Estimate(value=it.value, low=it.low, high=it.high)


def _time(wire: Message, field: str) -> datetime | None:
    """Return a time in `wire`; None if it is unset or none in UTC."""
    return to_time(getattr(wire, field)) if wire.HasField(field) else None


def _all_finite(*values: float) -> bool:
    return all(map(math.isfinite, values))
