"""What `Client.cashier_report` answers: counts with intervals, questions with evidence."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from agelane_client.results import Estimate, Period, _Name, _Result


class CashierAlertKind(_Name):
    """What stood out about a cashier."""

    LOW_CHECK_RATE = "LOW_CHECK_RATE"
    """Fewer of the required checks than others."""
    FALLING_CHECK_RATE = "FALLING_CHECK_RATE"
    """Fewer and fewer over the weeks."""
    REPEATED_BIRTH_DATE = "REPEATED_BIRTH_DATE"
    """One date of birth typed again and again."""
    FAST_CHECKS = "FAST_CHECKS"
    """Checks that were faster than a document can be looked at."""
    DOCUMENT_CONTRADICTS_FACE = "DOCUMENT_CONTRADICTS_FACE"
    """Ages by document that the faces contradict."""
    VOID_AND_REKEY = "VOID_AND_REKEY"
    """Baskets voided after VERIFY_ID or REFUSE and rung up again without an assessment."""
    CHECKS_ONLY_SUPERVISED = "CHECKS_ONLY_SUPERVISED"
    """Checks only while a supervisor is on shift."""
    UNASSESSED_SALES = "UNASSESSED_SALES"
    """Age-restricted goods sold without an assessment."""
    OVERRIDES = "OVERRIDES"
    """Goods sold although the decision was REFUSE."""
    TOKEN_MISUSE = "TOKEN_MISUSE"
    """Assessment tokens that were forged, expired or used twice."""
    UNKNOWN = "UNKNOWN"
    """A kind newer than this SDK."""


class CashierAlertState(_Name):
    """Where an alert stands."""

    OPEN = "OPEN"
    """Nobody has answered. Also what a state newer than this SDK means: somebody should look."""
    ANSWERED = "ANSWERED"
    """The cashier has answered, the manager has not decided."""
    CLOSED = "CLOSED"
    """The manager has closed it."""


@dataclass(frozen=True, kw_only=True)
class CashierSummary(_Result):
    """One cashier's figures. What depends on required checks is None where there were none."""

    store_id: str
    """The store."""
    cashier_id: str
    """The cashier's number."""
    restricted_sales: int
    """Sales with age-restricted goods, refused ones included."""
    required_checks: int
    """Those of them that were not decided ALLOW."""
    honoured_checks: int
    """Required checks that were done or ended in a refusal."""
    refusals: int
    """Refusals."""
    overrides: int
    """Goods sold although the decision was REFUSE."""
    unassessed_sales: int
    """Sales with age-restricted goods but without an assessment."""
    check_rate: Estimate | None
    """honoured_checks / required_checks, 0 to 1, with the exact 95 % interval."""
    shrunken_check_rate: Estimate | None
    """The same drawn towards all cashiers' where counts are small, with a 95 % interval."""
    funnel_z: float | None
    """Standard errors from the funnel's target; negative is fewer checks."""
    adjusted_p_value: float | None
    """Of checking less than the target, 0 to 1, adjusted for the number of cashiers."""

    def __repr__(self) -> str:
        checks = f"{self.honoured_checks} of {self.required_checks} checks honoured"
        rate = self.check_rate
        if rate:
            checks += f", {rate.value:.1%} ({rate.low:.1%} to {rate.high:.1%})"
        return f"<CashierSummary {self.store_id}/{self.cashier_id}: {checks}>"


@dataclass(frozen=True, kw_only=True)
class FunnelLimit(_Result):
    """How far rates may scatter by chance at one number of required checks."""

    required_checks: int
    """Number of required checks, 1 or greater."""
    warning_low: float
    """19 of 20 cashiers at the target lie above this rate and below `warning_high`, 0 to 1."""
    warning_high: float
    """See `warning_low`."""
    alarm_low: float
    """998 of 1,000 cashiers at the target lie above this rate and below `alarm_high`, 0 to 1."""
    alarm_high: float
    """See `alarm_low`."""


@dataclass(frozen=True, kw_only=True)
class Funnel(_Result):
    """The funnel plot that the cashiers stand in."""

    target_rate: float
    """The rate that it is drawn around, 0 to 1: that of all who do not stand out by a low one."""
    overdispersion: float
    """How much wider than by chance cashiers scatter, as a factor on the variance, 1 or greater."""
    limits: tuple[FunnelLimit, ...]
    """By rising number of checks."""


@dataclass(frozen=True, kw_only=True)
class CashierAlert(_Result):
    """Something about a cashier that chance hardly explains. A question, not a verdict."""

    id: str
    """Its name; the same from report to report while it goes on."""
    store_id: str
    """The store."""
    cashier_id: str
    """The cashier's number."""
    kind: CashierAlertKind
    """What stood out."""
    severity: float | None
    """Expected share of these sales that went to people under age, 0 to 1. None: not told."""
    cases: int
    """How many cases there were."""
    expected_cases: float | None
    """How many chance would have brought. None: not told."""
    adjusted_p_value: float | None
    """Adjusted for the number of cashiers, 0 to 1. None: a plain fact, not a test."""
    first_case_at: datetime | None
    """The first case, in UTC. None: not told."""
    last_case_at: datetime | None
    """The latest case, in UTC. None: not told."""
    state: CashierAlertState
    """Where it stands."""
    answer: str
    """What was answered last, by the cashier or the manager. Empty: nothing yet."""

    def __repr__(self) -> str:
        expected = "?" if self.expected_cases is None else f"{self.expected_cases:.1f}"
        cases = f"{self.cases} cases where chance brings {expected}"
        cashier = f"{self.store_id}/{self.cashier_id}"
        return f"<CashierAlert {self.id}: {cashier} {self.kind}, {cases}, {self.state}>"


@dataclass(frozen=True, kw_only=True)
class CashierReport(_Result):
    """Whether cashiers check documents where they must."""

    period: Period
    """The time that was looked at."""
    cashiers: tuple[CashierSummary, ...]
    """One a cashier, the most urgent first."""
    funnel: Funnel | None
    """Within which limits chance explains a rate. None: no check was required."""
    alerts: tuple[CashierAlert, ...]
    """What somebody should look at, the gravest first. Empty: nothing stood out."""

    def __repr__(self) -> str:
        counts = f"{len(self.cashiers)} cashiers, {len(self.alerts)} alerts"
        return f"<CashierReport {self.period}: {counts}>"
