"""A manager asks the gateway for reports; they are made beside the tills' calls."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import grpc
import pytest

from agelane.v1 import report_pb2, report_pb2_grpc, sale_pb2
from agelane_serving.gateway.server import Gateway
from agelane_serving.gateway.settings import Settings
from tests.serving.gateway.conftest import Lane, Refused, until
from tests.serving.gateway.fake_model_server import FakeModelServer, bell, card
from tests.serving.gateway.test_record_sale import record, request, settings, url

__all__ = ["settings", "url"]
LONG_SECONDS = 60


class Manager:
    """A manager's connection to a gateway."""

    def __init__(self, gateway: Gateway) -> None:
        self.channel = grpc.aio.insecure_channel(gateway.address)
        self.reports: report_pb2_grpc.ReportServiceAsyncStub = report_pb2_grpc.ReportServiceStub(
            self.channel
        )

    async def cashiers(self, **fields: Any) -> report_pb2.GetCashierReportResponse:
        """Ask for the cashier report."""
        return await self.reports.GetCashierReport(
            report_pb2.GetCashierReportRequest(**fields), timeout=LONG_SECONDS
        )

    async def age_groups(self, **fields: Any) -> report_pb2.GetAgeGroupReportResponse:
        """Ask for the age-group report."""
        return await self.reports.GetAgeGroupReport(
            report_pb2.GetAgeGroupReportRequest(**fields), timeout=LONG_SECONDS
        )


@pytest.fixture
async def manager(gateway: Gateway) -> AsyncIterator[Manager]:
    """A manager's connection."""
    manager = Manager(gateway)
    yield manager
    await manager.channel.close()


async def sell(lane: Lane, sales: int, **fields: Any) -> None:
    """Sell beer to assessed customers."""
    for number in range(sales):
        assessment = await lane.assess(store_id="s", lane_id="1")
        name = f"{fields.get('cashier_id', 'c7')}-{number}"
        await record(lane, request(name, assessment.assessment_token, **fields))


async def test_the_cashier_report_counts_what_was_told(
    lane: Lane, manager: Manager, model: FakeModelServer
) -> None:
    """Sales, required checks and honoured ones of each cashier; filters show the same figures."""
    model.probabilities = bell(19)
    checked = sale_pb2.DocumentCheck(result=sale_pb2.DOCUMENT_RESULT_OF_AGE)
    await sell(lane, 3, cashier_id="c1", document_check=checked)
    await sell(lane, 2, cashier_id="c2")
    everybody = await manager.cashiers()
    assert {each.cashier_id: each.required_checks for each in everybody.cashiers} == {
        "c1": 3,
        "c2": 2,
    }
    assert {each.cashier_id: each.honoured_checks for each in everybody.cashiers} == {
        "c1": 3,
        "c2": 0,
    }
    assert everybody.period.end.seconds - everybody.period.start.seconds == 28 * 86_400
    only = await manager.cashiers(store_id="s", cashier_id="c2")
    assert list(only.cashiers) == [each for each in everybody.cashiers if each.cashier_id == "c2"]
    assert only.funnel == everybody.funnel
    assert not (await manager.cashiers(store_id="elsewhere")).cashiers
    assert not (await manager.cashiers(restricted_category="tobacco")).cashiers


async def refusal(call: Any) -> tuple[grpc.StatusCode, str]:
    """Return code and reason of a report that is refused."""
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await call
    refused = Refused(caught.value)
    return refused.code, refused.info.reason


async def test_a_report_needs_a_span_of_time_and_names_that_are_names(manager: Manager) -> None:
    """The field that is wrong is told."""
    backwards = report_pb2.Period()
    backwards.start.seconds, backwards.end.seconds = 2_000, 1_000
    long_ago = report_pb2.Period()
    long_ago.start.seconds = -1
    for fields in (
        {"period": backwards},
        {"period": long_ago},
        {"store_id": "a store"},
        {"cashier_id": "c 7"},
        {"restricted_category": "x" * 65},
    ):
        code, reason = await refusal(manager.cashiers(**fields))
        assert (code, reason) == (grpc.StatusCode.INVALID_ARGUMENT, "INVALID_FIELD"), fields


CONFUSION: dict[str, Any] = {
    "group_starts": [0, 13, 18, 25, 35, 45, 55, 65],
    "band_starts": [0, 13, 18, 25, 35, 45, 55, 65],
    "centres_years": [6.0, 15.5, 21.5, 30.0, 40.0, 50.0, 60.0, 75.0],
    "matrix": [[float(row == column) for column in range(8)] for row in range(8)],
    "covariances": [[[0.0] * 8 for _ in range(8)] for _ in range(8)],
    "sizes": [500.0] * 8,
}


async def test_the_age_group_report_shows_the_mix_with_and_without_correction(
    lane: Lane, manager: Manager, model: FakeModelServer
) -> None:
    """Without a card that tells of confusions there is the plain count alone."""
    model.probabilities = bell(30, 1.0)
    await sell(lane, 25)
    plain = await manager.age_groups()
    assert [each.age_group.id for each in plain.age_groups][3] == "25_34"
    assert plain.age_groups[3].naive_basket_share == pytest.approx(1)
    assert not any(each.HasField("basket_share") for each in plain.age_groups)
    model.cards = {4: card() | {"confusion": CONFUSION}}
    model.version, model.states = 4, {4: model.states[3]}
    await sell(lane, 30, cashier_id="c8")

    async def is_corrected() -> bool:
        return (await manager.age_groups()).age_groups[3].HasField("basket_share")

    await until(is_corrected)
    told = await manager.age_groups()
    share = told.age_groups[3].basket_share
    assert share.low <= share.value <= share.high
    assert share.value > 0.9
    assert [each.category for each in told.age_groups[3].categories] == ["beer"]


async def test_a_ledger_that_is_away_is_told_so(
    manager: Manager, settings: Settings, tmp_path: Path
) -> None:
    """The caller may try again; nothing of the database's error reaches them."""
    for file in tmp_path.glob("ledger.db*"):
        file.rename(tmp_path / f"moved-{file.name}")
    (tmp_path / "ledger.db").mkdir()
    code, reason = await refusal(manager.cashiers())
    assert (code, reason) == (grpc.StatusCode.UNAVAILABLE, "LEDGER_UNAVAILABLE")


async def test_a_caller_who_leaves_takes_the_report_along(manager: Manager) -> None:
    """The next one does not wait for it, and no process stays."""
    leaving = [asyncio.create_task(manager.cashiers()) for _ in range(3)]
    await asyncio.sleep(0)
    for task in leaving:
        task.cancel()
    await asyncio.gather(*leaving, return_exceptions=True)
    assert not (await manager.cashiers()).cashiers


async def test_without_a_ledger_there_are_no_reports(
    settings: Settings, policy_without_audit: Path
) -> None:
    """It says so, and why."""
    gateway = Gateway(replace(settings, ledger="", ledger_key=None, notice_seconds=0))
    await gateway.start()
    manager = Manager(gateway)
    for call in (manager.cashiers(), manager.age_groups()):
        assert await refusal(call) == (grpc.StatusCode.UNIMPLEMENTED, "NOT_IMPLEMENTED")
    await manager.channel.close()
    await gateway.stop()
