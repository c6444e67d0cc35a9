"""The cashier report; report.proto describes each message under the same name."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum

from agelane_serving.reports.estimate import Estimate


@dataclass(frozen=True, slots=True)
class Period:
    """A span of time."""

    start: float
    """First moment, in Unix seconds, inclusive."""
    end: float
    """First moment after it, in Unix seconds."""

    def __post_init__(self) -> None:
        """Refuse what is no span."""
        if not self.start < self.end:
            raise ValueError("a period ends after it starts")


@dataclass(frozen=True, slots=True)
class CashierSummary:
    """One cashier's figures."""

    store_id: str
    """The store."""
    cashier_id: str
    """The cashier's number."""
    restricted_sales: int
    """Sales with age-restricted goods, refused ones included, cancelled ones not."""
    required_checks: int
    """Those of them that were not told ALLOW."""
    honoured_checks: int
    """Required checks with a document that said "of age", or that ended in a refusal."""
    refusals: int
    """Refusals."""
    overrides: int
    """Goods sold although the decision was REFUSE."""
    unassessed_sales: int
    """Sales without an assessment, for whatever reason."""
    check_rate: Estimate | None
    """honoured_checks / required_checks with the exact interval; None: no check was required."""
    shrunken_check_rate: Estimate | None
    """The same drawn towards all cashiers' rate; None: no check was required."""
    funnel_z: float | None
    """Standard errors from the target; negative is fewer checks. None: no check was required."""
    adjusted_p_value: float | None
    """Of checking less than the target, 0 … 1; None: no check was required."""


@dataclass(frozen=True, slots=True)
class FunnelLimit:
    """How far rates may scatter at one number of required checks."""

    required_checks: int
    """1 or greater."""
    warning_low: float
    """19 of 20 cashiers at the target lie above it and below warning_high, 0 … 1."""
    warning_high: float
    """See warning_low."""
    alarm_low: float
    """998 of 1,000 cashiers at the target lie above it and below alarm_high, 0 … 1."""
    alarm_high: float
    """See alarm_low."""


@dataclass(frozen=True, slots=True)
class Funnel:
    """The funnel plot that the cashiers stand in."""

    target_rate: float
    """Check rate of all cashiers together who do not stand out by a low one, 0 … 1."""
    overdispersion: float
    """How much wider than binomial cashiers scatter, as a factor on the variance, 1 or greater."""
    limits: tuple[FunnelLimit, ...]
    """By rising number of checks."""


class AlertKind(IntEnum):
    """What an alert is about; numbered as `CashierAlertKind`."""

    LOW_CHECK_RATE = 1
    FALLING_CHECK_RATE = 2
    REPEATED_BIRTH_DATE = 3
    FAST_CHECKS = 4
    DOCUMENT_CONTRADICTS_FACE = 5
    VOID_AND_REKEY = 6
    CHECKS_ONLY_SUPERVISED = 7
    UNASSESSED_SALES = 8
    OVERRIDES = 9
    TOKEN_MISUSE = 10


@dataclass(frozen=True, slots=True)
class CashierAlert:
    """Something that chance hardly explains. A question; its answer is kept under its id."""

    id: str
    """16 hexadecimal digits."""
    store_id: str
    """The store."""
    cashier_id: str
    """The cashier's number."""
    kind: AlertKind
    """What stood out."""
    severity: float
    """Expected share of these sales that went to people under age, 0 … 1."""
    cases: int
    """How many cases there were."""
    expected_cases: float
    """How many chance would have brought, 0 or greater."""
    adjusted_p_value: float
    """Benjamini-Hochberg over all cashiers, 0 … 1."""
    first_case_at: float
    """The first case, in Unix seconds."""
    last_case_at: float
    """The latest case, in Unix seconds."""


@dataclass(frozen=True, slots=True)
class CashierReport:
    """The whole report."""

    period: Period
    """The time that was looked at."""
    cashiers: tuple[CashierSummary, ...]
    """One a cashier with sales in that time, the most urgent first."""
    funnel: Funnel | None
    """None: no check was required."""
    alerts: tuple[CashierAlert, ...]
    """The gravest first."""
