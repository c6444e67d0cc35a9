"""Lanes and models: what each lane recorded, and how the gateway is."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from agelane.v1 import admin_pb2
from agelane_serving.console import markup
from agelane_serving.console.gateway import Gateway
from agelane_serving.console.ledger import Ledger
from agelane_serving.console.page import Page
from agelane_serving.console.sources import SourceError, tried
from agelane_serving.console.tables import Cell, Column, Table
from agelane_serving.console.texts import NOTHING, Texts
from agelane_serving.console.users import Role
from agelane_serving.console.visit import Visit
from agelane_serving.ledger.views import LaneUse

_DAYS = 7


@dataclass(frozen=True, slots=True)
class Lanes:
    """What is known of lanes and gateway; each part may be away."""

    uses: list[LaneUse] | SourceError
    """What each lane recorded."""
    status: admin_pb2.GetGatewayStatusResponse | SourceError | None
    """How the gateway is; None: the console was not told where to ask."""


class LanesPage(Page[Lanes]):
    """Lanes and model version."""

    key = "lanes"
    roles = frozenset({Role.MANAGER, Role.OPERATOR})
    refresh_seconds = 30.0

    def __init__(self, ledger: Ledger, gateway: Gateway) -> None:
        """Lanes are the ledger's, versions the gateway's."""
        self._ledger, self._gateway = ledger, gateway

    def fields(self, visit: Visit, stores: Sequence[str]) -> Sequence[str]:
        """Return the fields for a store and the days."""
        return [markup.store_field(visit, stores), *markup.period_fields(visit, _DAYS)]

    async def load(self, visit: Visit) -> Lanes:
        """Read both."""
        span = visit.span(*visit.days(_DAYS))
        return Lanes(
            await tried(self._ledger.lanes(span, visit.store)), await tried(self._gateway.status())
        )

    def tables(self, visit: Visit, data: Lanes) -> Sequence[Table]:
        """Return lanes and model servers, as far as they are known."""
        tables = []
        if isinstance(data.status, admin_pb2.GetGatewayStatusResponse):
            tables.append(_backends(visit.texts, data.status))
        if not isinstance(data.uses, SourceError):
            tables.append(_lanes(visit, data.uses))
        return tables

    def show(self, visit: Visit, data: Lanes) -> None:
        """Put the gateway's state and the tables."""
        texts = visit.texts
        if data.status is None:
            markup.notice(texts("lanes.no_admin"), texts("lanes.no_admin_help"))
        elif isinstance(data.status, SourceError):
            markup.trouble(visit, data.status)
        else:
            markup.tiles(_tiles(texts, data.status))
        if isinstance(data.uses, SourceError):
            markup.trouble(visit, data.uses)
        for table in self.tables(visit, data):
            markup.show_table(self, visit, table, texts("lanes.empty"))


def _tiles(texts: Texts, status: admin_pb2.GetGatewayStatusResponse) -> list[tuple[str, str, str]]:
    trial = status.canary or NOTHING
    word = texts("lanes.rolled_back") if status.rolled_back else ""
    return [
        (texts("lanes.policy"), status.policy_version[:8], texts("lanes.policy_word")),
        (texts("lanes.in_flight"), texts.number(status.calls_in_flight), ""),
        (texts("lanes.waiting"), texts.number(status.calls_waiting), ""),
        (texts("lanes.trial"), trial, word),
    ]


def _backends(texts: Texts, status: admin_pb2.GetGatewayStatusResponse) -> Table:
    columns = tuple(Column(texts(f"lanes.{head}")) for head in ("server", "versions", "breaker"))
    rows = tuple(
        (
            Cell(backend.target),
            Cell(", ".join(map(str, backend.versions)) or texts("lanes.no_version")),
            Cell(texts.name("breaker", _breaker(backend.breaker)), tone="badge"),
        )
        for backend in status.backends
    )
    return Table("servers", texts("lanes.servers"), columns, rows)


def _breaker(state: admin_pb2.BreakerState.ValueType) -> str:
    if state not in admin_pb2.BreakerState.values():
        return f"STATE_{state}"
    return admin_pb2.BreakerState.Name(state).removeprefix("BREAKER_STATE_")


def _lanes(visit: Visit, uses: Sequence[LaneUse]) -> Table:
    texts = visit.texts
    columns = (
        Column(texts("lanes.store")),
        Column(texts("lanes.lane")),
        Column(texts("lanes.last")),
        Column(texts("lanes.sales"), numeric=True),
        Column(texts("lanes.unassessed"), numeric=True),
        Column(texts("lanes.model"), numeric=True),
    )
    rows = tuple(
        (
            Cell(use.store_id or NOTHING),
            Cell(use.lane_id or NOTHING),
            markup.moment_cell(visit, use.last_sale_at),
            Cell(texts.number(use.sales), use.sales),
            _share(texts, use.unassessed_share),
            Cell(str(use.last_model_version or NOTHING), use.last_model_version or ""),
        )
        for use in uses
        if visit.user.sees_store(use.store_id)
    )
    return Table("lanes", texts("lanes.table"), columns, rows)


def _share(texts: Texts, share: float | None) -> Cell:
    return Cell(texts.percent(share, 1), "" if share is None else round(share, 4))
