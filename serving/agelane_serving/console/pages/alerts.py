"""Questions about cashiers, with their evidence; cashiers answer, managers close."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass

from nicegui import ui

from agelane_serving.console import markup
from agelane_serving.console.alert_cards import KINDS, STATES, facts, said
from agelane_serving.console.ledger import Ledger
from agelane_serving.console.page import Page
from agelane_serving.console.sessions import Sessions
from agelane_serving.console.sources import SourceError
from agelane_serving.console.tables import Cell, Column, Table
from agelane_serving.console.users import Role, User
from agelane_serving.console.visit import Visit
from agelane_serving.ledger.alerts import LONGEST_TEXT, Alert, Answer, State
from agelane_serving.ledger.alerts import Role as AnswerRole

_MOST_SHOWN = 30


@dataclass(frozen=True, slots=True)
class Alerts:
    """The alerts that fit the filters."""

    alerts: list[Alert]
    """The gravest first."""
    answers: dict[str, list[Answer]]
    """What was said to those that are shown, by their ids."""


class AlertsPage(Page[Alerts]):
    """Alerts and their answers; a cashier's own."""

    key = "alerts"
    roles = frozenset({Role.MANAGER, Role.CASHIER})

    def __init__(self, ledger: Ledger, sessions: Sessions) -> None:
        """Whoever answers must still be logged in then."""
        self._ledger, self._sessions = ledger, sessions

    def fields(self, visit: Visit, stores: Sequence[str]) -> Sequence[str]:
        """Return the fields for state and kind; for managers, who have several, the store too."""
        texts = visit.texts
        states = {state: texts.name("state", state) for state in STATES}
        kinds = {kind: texts.name("kind", kind) for kind in KINDS}
        fields = [
            markup.choice_field(
                visit, name, {"": texts("filter.any"), **choices}, visit.query.get(name, "")
            )
            for name, choices in (("state", states), ("kind", kinds))
        ]
        if visit.user.role is Role.MANAGER:
            fields.insert(0, markup.store_field(visit, stores))
        return fields

    async def load(self, visit: Visit) -> Alerts:
        """Read the alerts that somebody may see and wants to."""
        state, kind, one = (visit.query.get(name, "") for name in ("state", "kind", "alert"))
        cashier = visit.user.cashier_id
        found = await self._ledger.alerts(visit.store, cashier, _state(state))
        alerts = [
            alert
            for alert in found
            if visit.user.sees_cashier(alert.store_id, alert.cashier_id)
            and kind in ("", alert.kind)
            and one in ("", alert.id)
        ]
        answers = {alert.id: await self._ledger.answers(alert.id) for alert in alerts[:_MOST_SHOWN]}
        return Alerts(alerts, answers)

    def tables(self, visit: Visit, data: Alerts) -> Sequence[Table]:
        """Return all alerts as a table."""
        heads = (
            "cashier",
            "store",
            "kind",
            "state",
            "cases",
            "expected",
            "severity",
            "first",
            "last",
        )
        numeric = ("cases", "expected", "severity")
        columns = tuple(
            Column(visit.texts(f"alerts.{head}"), numeric=head in numeric) for head in heads
        )
        rows = tuple(_row(visit, alert) for alert in data.alerts)
        return (Table("alerts", visit.texts("alerts.table"), columns, rows),)

    def show(self, visit: Visit, data: Alerts) -> None:
        """Put a card for each of the gravest, and the table of all."""
        texts = visit.texts
        if not data.alerts:
            markup.notice(texts("alerts.empty"), texts("alerts.empty_help"))
            return
        if visit.query.get("alert"):
            address = visit.link("/alerts")
            markup.put(markup.link(address, texts("alerts.show_all")), "p")
        for alert in data.alerts[:_MOST_SHOWN]:
            self._card(visit, alert, data.answers[alert.id])
        if len(data.alerts) > _MOST_SHOWN:
            markup.notice(texts("alerts.more"), texts("alerts.more_help", shown=_MOST_SHOWN))
        if not visit.query.get("alert"):
            for table in self.tables(visit, data):
                markup.show_table(self, visit, table, texts("app.no_rows"))

    def _card(self, visit: Visit, alert: Alert, answers: list[Answer]) -> None:
        card = ui.element("article").classes("card").props(f'id="alert-{alert.id}"')

        async def again() -> None:
            try:
                now = await self._ledger.alert(alert.id)
                said_now = await self._ledger.answers(alert.id)
            except SourceError as error:
                ui.notify(visit.texts(f"trouble.{error.source.value}_away"), type="negative")
                return
            card.clear()
            with card:
                fill(now or alert, said_now)

        def fill(alert: Alert, answers: list[Answer]) -> None:
            markup.put(facts(visit, alert) + said(visit, answers), classes="alert wide")
            if alert.state != "CLOSED":
                self._reply(visit, alert, again)

        with card:
            fill(alert, answers)

    def _reply(self, visit: Visit, alert: Alert, done: Callable[[], Awaitable[None]]) -> None:
        texts = visit.texts
        with ui.element("div").classes("reply"):
            field = ui.textarea(texts("alerts.answer_label")).props(
                f"outlined autogrow dense maxlength={LONGEST_TEXT}"
            )

            async def send(closes: bool) -> None:
                if await self._answer(visit, alert, field.value or "", closes):
                    await done()

            ui.button(texts("alerts.answer"), on_click=lambda: send(False), color=None).props(
                "unelevated no-caps"
            ).classes("button")
            if visit.user.role is Role.MANAGER:
                ui.button(texts("alerts.close"), on_click=lambda: send(True), color=None).props(
                    "unelevated no-caps"
                ).classes("button main")

    async def _answer(self, visit: Visit, alert: Alert, text: str, closes: bool) -> bool:
        """Add an answer, if its author still may; tell whether it was added."""
        texts = visit.texts
        user = self._sessions.user(visit.token, use=True)
        if user is None:
            ui.navigate.to("/login?next=/alerts")
            return False
        if not may_answer(user, alert, closes):
            ui.notify(texts("app.not_for_you"), type="negative")
            return False
        if not text.strip():
            ui.notify(texts("alerts.no_text"), type="warning")
            return False
        role: AnswerRole = "manager" if user.role is Role.MANAGER else "cashier"
        new = Answer(alert.id, time.time(), user.name, role, text.strip()[:LONGEST_TEXT], closes)
        try:
            await self._ledger.answer(new)
        except SourceError:
            ui.notify(texts("alerts.not_kept"), type="negative")
            return False
        ui.notify(texts("alerts.closed" if closes else "alerts.answered"), type="positive")
        return True


def may_answer(user: User, alert: Alert, closes: bool) -> bool:
    """Tell whether somebody may say something to an alert, and close it by that."""
    if closes and user.role is not Role.MANAGER:
        return False
    return user.sees_cashier(alert.store_id, alert.cashier_id)


def _state(text: str) -> State | None:
    states: dict[str, State] = {"OPEN": "OPEN", "ANSWERED": "ANSWERED", "CLOSED": "CLOSED"}
    return states.get(text)


def _row(visit: Visit, alert: Alert) -> tuple[Cell, ...]:
    texts = visit.texts
    link = visit.link("/cashier", store=alert.store_id, cashier=alert.cashier_id)
    return (
        Cell(alert.cashier_id, href=link),
        Cell(alert.store_id),
        Cell(texts.name("kind", alert.kind), href=visit.link("/alerts", alert=alert.id)),
        Cell(texts.name("state", alert.state), tone=f"badge {alert.state.lower()}"),
        Cell(texts.number(alert.cases), alert.cases),
        Cell(texts.number(alert.expected_cases, 1), round(alert.expected_cases, 2)),
        Cell(texts.percent(alert.severity, 1), round(alert.severity, 4)),
        markup.moment_cell(visit, alert.first_case_at),
        markup.moment_cell(visit, alert.last_case_at),
    )
