"""Alerts as people read them: a question, what it rests on, and what was said to it."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

from agelane_serving.console.texts import NOTHING
from agelane_serving.console.visit import Visit
from agelane_serving.ledger.alerts import Alert, Answer

STATES = ("OPEN", "ANSWERED", "CLOSED")
"""Where an alert may stand."""
KINDS = (
    "LOW_CHECK_RATE",
    "FALLING_CHECK_RATE",
    "REPEATED_BIRTH_DATE",
    "FAST_CHECKS",
    "DOCUMENT_CONTRADICTS_FACE",
    "VOID_AND_REKEY",
    "CHECKS_ONLY_SUPERVISED",
    "UNASSESSED_SALES",
    "OVERRIDES",
    "TOKEN_MISUSE",
)
"""What an alert may be about: the contract's CashierAlertKind."""


def facts(visit: Visit, alert: Alert, link: str = "") -> str:
    """Return what an alert asks and rests on, as HTML.

    With a `link` its head leads there; without one it says whom the alert is about.
    """
    texts = visit.texts
    title = escape(texts.name("kind", alert.kind))
    head = f'<a href="{escape(link)}">{title}</a>' if link else title
    state = escape(texts.name("state", alert.state))
    cashier = escape(visit.link("/cashier", store=alert.store_id, cashier=alert.cashier_id))
    name = escape(texts("cashier.name", cashier=alert.cashier_id, store=alert.store_id))
    about = "" if link else f'<p><a href="{cashier}">{name}</a></p>'
    question = escape(texts.name("question", alert.kind))
    return (
        f'<h3>{head}</h3><span class="badge {alert.state.lower()}">{state}</span>'
        f'{about}<p class="muted">{question}</p>'
        f'<dl class="facts">{_figures(visit, alert)}</dl>'
    )


def said(visit: Visit, answers: Sequence[Answer]) -> str:
    """Return what was said to an alert, the oldest first, as HTML; empty: nothing."""
    texts = visit.texts
    items = "".join(
        f"<li><small>{escape(answer.author)}, {escape(texts.name('role', answer.role))}, "
        f"{texts.moment(answer.at, visit.zone)}"
        f"{escape(texts('alerts.closed_by')) if answer.closes else ''}</small>"
        f"{escape(answer.text)}</li>"
        for answer in answers
    )
    return f'<ul class="answers">{items}</ul>' if items else ""


def _figures(visit: Visit, alert: Alert) -> str:
    texts, zone = visit.texts, visit.zone
    p_value = texts.number(alert.adjusted_p_value, 4)
    if alert.adjusted_p_value is not None and alert.adjusted_p_value < 0.0001:
        p_value = f"< {texts.number(0.0001, 4)}"
    figures = [
        ("cases", texts.number(alert.cases)),
        ("expected", texts.number(alert.expected_cases, 1)),
        ("first", texts.moment(alert.first_case_at, zone)),
        ("last", texts.moment(alert.last_case_at, zone)),
        ("severity", texts.percent(alert.severity, 1)),
    ]
    if p_value != NOTHING:
        figures.append(("p_value", p_value))
    return "".join(
        f"<div><dt>{escape(texts(f'alerts.{name}'))}</dt><dd>{escape(figure)}</dd></div>"
        for name, figure in figures
    )
