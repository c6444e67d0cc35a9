"""Reports as the messages of the contract."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from google.protobuf.timestamp_pb2 import Timestamp

from agelane.v1 import assessment_pb2, report_pb2
from agelane_serving.policy import AgeGroup
from agelane_serving.reports.age_groups import GroupPurchases
from agelane_serving.reports.cashiers import (
    CashierAlert,
    CashierReport,
    CashierSummary,
    Funnel,
    Period,
)
from agelane_serving.reports.estimate import Estimate
from agelane_serving.reports.from_ledger.purchase_report import AgeGroupReport
from agelane_serving.reports.offers import OfferEffect


@dataclass(frozen=True, slots=True)
class Standing:
    """Where an alert stands."""

    state: str
    """OPEN, ANSWERED or CLOSED."""
    answer: str
    """What was answered last; empty: nothing yet."""


NEW = Standing("OPEN", "")
"""Nobody has been told of it yet."""


def cashier_message(
    report: CashierReport,
    standings: Mapping[str, Standing],
    store_id: str = "",
    cashier_id: str = "",
) -> report_pb2.GetCashierReportResponse:
    """Return the report as far as it is about a store and a cashier; "": about all of them.

    `standings` has alerts by their ids; those that are not in it are new.
    """

    def is_asked_for(one: CashierSummary | CashierAlert) -> bool:
        return store_id in ("", one.store_id) and cashier_id in ("", one.cashier_id)

    return report_pb2.GetCashierReportResponse(
        period=_period(report.period),
        cashiers=[_summary(each) for each in report.cashiers if is_asked_for(each)],
        funnel=None if report.funnel is None else _funnel(report.funnel),
        alerts=[
            _alert(each, standings.get(each.id, NEW))
            for each in report.alerts
            if is_asked_for(each)
        ],
    )


def age_group_message(
    report: AgeGroupReport, period: Period
) -> report_pb2.GetAgeGroupReportResponse:
    """Return the report over a period."""
    message = report_pb2.GetAgeGroupReportResponse(
        period=_period(period), offers=[_offer(effect) for effect in report.offers]
    )
    for place, naive in enumerate(report.naive_shares):
        entry = message.age_groups.add(
            age_group=_group(report.groups[place]), naive_basket_share=naive
        )
        if report.purchases:
            _add_purchases(entry, report.purchases[place])
    return message


def _period(period: Period) -> report_pb2.Period:
    return report_pb2.Period(start=_timestamp(period.start), end=_timestamp(period.end))


def _timestamp(seconds: float) -> Timestamp:
    moment = Timestamp()
    moment.FromMilliseconds(round(1000 * seconds))
    return moment


def _estimate(estimate: Estimate) -> report_pb2.Estimate:
    return report_pb2.Estimate(value=estimate.value, low=estimate.low, high=estimate.high)


def _optional(estimate: Estimate | None) -> report_pb2.Estimate | None:
    return None if estimate is None else _estimate(estimate)


def _summary(summary: CashierSummary) -> report_pb2.CashierSummary:
    return report_pb2.CashierSummary(
        store_id=summary.store_id,
        cashier_id=summary.cashier_id,
        restricted_sales=summary.restricted_sales,
        required_checks=summary.required_checks,
        honoured_checks=summary.honoured_checks,
        refusals=summary.refusals,
        overrides=summary.overrides,
        unassessed_sales=summary.unassessed_sales,
        check_rate=_optional(summary.check_rate),
        shrunken_check_rate=_optional(summary.shrunken_check_rate),
        funnel_z=summary.funnel_z,
        adjusted_p_value=summary.adjusted_p_value,
    )


def _funnel(funnel: Funnel) -> report_pb2.Funnel:
    return report_pb2.Funnel(
        target_rate=funnel.target_rate,
        overdispersion=funnel.overdispersion,
        limits=[
            report_pb2.FunnelLimit(
                required_checks=limit.required_checks,
                warning_low=limit.warning_low,
                warning_high=limit.warning_high,
                alarm_low=limit.alarm_low,
                alarm_high=limit.alarm_high,
            )
            for limit in funnel.limits
        ],
    )


def _alert(alert: CashierAlert, standing: Standing) -> report_pb2.CashierAlert:
    return report_pb2.CashierAlert(
        id=alert.id,
        store_id=alert.store_id,
        cashier_id=alert.cashier_id,
        kind=report_pb2.CashierAlertKind.Value(f"CASHIER_ALERT_KIND_{alert.kind.name}"),
        severity=alert.severity,
        cases=alert.cases,
        expected_cases=alert.expected_cases,
        adjusted_p_value=alert.adjusted_p_value,
        first_case_at=_timestamp(alert.first_case_at),
        last_case_at=_timestamp(alert.last_case_at),
        state=report_pb2.CashierAlertState.Value(f"CASHIER_ALERT_STATE_{standing.state}"),
        answer=standing.answer,
    )


def _group(group: AgeGroup) -> assessment_pb2.AgeGroup:
    return assessment_pb2.AgeGroup(
        id=group.id, label=group.label, from_years=group.from_years, to_years=group.to_years
    )


def _add_purchases(entry: report_pb2.AgeGroupPurchases, purchases: GroupPurchases) -> None:
    entry.basket_share.CopyFrom(_estimate(purchases.basket_share))
    for each in purchases.categories:
        entry.categories.add(
            category=each.category, baskets=each.baskets, lift=_estimate(each.lift)
        )


def _offer(effect: OfferEffect) -> report_pb2.OfferEffect:
    return report_pb2.OfferEffect(
        offer_id=effect.offer_id,
        category=effect.category,
        offered=effect.offered,
        held_out=effect.held_out,
        uplift=_optional(effect.uplift),
    )
