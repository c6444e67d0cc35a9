"""A sale is recorded with what its token proves, durable and once; a trick with a token is kept."""

from __future__ import annotations

import asyncio
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import grpc
import pytest
from sqlalchemy import select

from agelane.v1 import sale_pb2
from agelane_serving.gateway.server import Gateway, StartupError
from agelane_serving.gateway.settings import Settings
from agelane_serving.ledger.schema import events
from agelane_serving.ledger.store import engine_for
from agelane_serving.ledger.verify import verify
from tests.serving.gateway.conftest import Lane, Refused
from tests.serving.gateway.fake_model_server import FakeModelServer
from tests.serving.gateway.test_access import KEYS

SOLD, REFUSED = sale_pb2.SALE_OUTCOME_SOLD, sale_pb2.SALE_OUTCOME_REFUSED
LEDGER_KEY = b"k" * 32


@pytest.fixture
def url(tmp_path: Path) -> str:
    """A SQLite file."""
    return f"sqlite:///{tmp_path / 'ledger.db'}"


@pytest.fixture
def settings(model: FakeModelServer, tmp_path: Path, url: str) -> Settings:
    """A gateway that signs assessments and records sales."""
    (tmp_path / "keys.toml").write_text(KEYS)
    (tmp_path / "ledger.key").write_bytes(LEDGER_KEY)
    return Settings(
        listen="127.0.0.1:0",
        model_server=model.address,
        token_keys=tmp_path / "keys.toml",
        ledger=url,
        ledger_key=tmp_path / "ledger.key",
        lane_burst=1_000,
    )


def request(sale_id: str, token: bytes = b"", **fields: Any) -> sale_pb2.RecordSaleRequest:
    """Return a sale of beer at lane 1 of store s."""
    return sale_pb2.RecordSaleRequest(
        **{  # type: ignore[arg-type]
            "sale_id": sale_id,
            "assessment_token": token,
            "store_id": "s",
            "lane_id": "1",
            "cashier_id": "c7",
            "outcome": SOLD,
            "basket": [sale_pb2.BasketLine(category="beer", restricted_category="alcohol")],
        }
        | fields
    )


async def record(lane: Lane, told: sale_pb2.RecordSaleRequest) -> sale_pb2.RecordSaleResponse:
    """Record a sale."""
    return await lane.checkout.RecordSale(told, timeout=5)


async def refusal(lane: Lane, told: sale_pb2.RecordSaleRequest) -> tuple[grpc.StatusCode, str]:
    """Return code and reason of a sale that is refused."""
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await record(lane, told)
    refused = Refused(caught.value)
    return refused.code, refused.info.reason


def recorded(url: str) -> list[Any]:
    """Return all events, the chain being whole."""
    engine = engine_for(url)
    assert verify(engine, LEDGER_KEY).faults == ()
    with engine.connect() as connection:
        return list(connection.execute(select(events).order_by(events.c.number)).mappings())


async def test_a_sale_carries_what_was_decided(lane: Lane, url: str) -> None:
    """Told twice, it is recorded once, at the time of the first."""
    assessment = await lane.assess(store_id="s", lane_id="1")
    told = request("sale-1", assessment.assessment_token)
    first, second = await record(lane, told), await record(lane, told)
    assert (first.already_recorded, second.already_recorded) == (False, True)
    assert first.recorded_at == second.recorded_at
    (event,) = recorded(url)
    assert (event["assessment_id"], event["decision"]) == (assessment.id, "ALLOW")
    assert event["age_low_years"] == pytest.approx(assessment.age_low_years, abs=0.06)
    assert (event["cashier_id"], event["restricted_category"]) == ("c7", "alcohol")


async def test_a_sale_without_an_assessment_is_an_event_too(lane: Lane, url: str) -> None:
    """And so is a refusal, with its reason and the look at a document."""
    check = sale_pb2.DocumentCheck(
        result=sale_pb2.DOCUMENT_RESULT_UNDER_AGE,
        reading=sale_pb2.DOCUMENT_READING_TYPED,
        document_age_years=17,
        birth_date_bucket=63,
    )
    check.duration.FromMilliseconds(2_500)
    reason = sale_pb2.REFUSAL_REASON_DOCUMENT_UNDER_AGE
    await record(lane, request("sale-1"))
    await record(
        lane, request("sale-2", outcome=REFUSED, refusal_reason=reason, document_check=check)
    )
    unassessed, refused = recorded(url)
    assert (unassessed["decision"], unassessed["assessment_id"]) == ("", "")
    assert (refused["refusal_reason"], refused["document_result"]) == (
        "DOCUMENT_UNDER_AGE", "UNDER_AGE",
    )  # fmt: skip
    assert (refused["check_ms"], refused["document_age_years"]) == (2_500, 17)


async def test_a_token_counts_once_and_at_its_lane(lane: Lane, url: str) -> None:
    """A forged one, one of another lane and one that was used are refused, and kept as attempts."""
    assessment = await lane.assess(store_id="s", lane_id="1")
    token = assessment.assessment_token
    await record(lane, request("sale-1", token))
    refused = [
        await refusal(lane, request("sale-2", token)),
        await refusal(lane, request("sale-3", token[:-1] + b"x")),
        await refusal(lane, request("sale-4", token, lane_id="2")),
        await refusal(lane, request("sale-1", token, cashier_id="c8")),
    ]
    assert refused == [
        (grpc.StatusCode.FAILED_PRECONDITION, "TOKEN_REUSED"),
        (grpc.StatusCode.PERMISSION_DENIED, "TOKEN_FORGED"),
        (grpc.StatusCode.PERMISSION_DENIED, "TOKEN_FORGED"),
        (grpc.StatusCode.ALREADY_EXISTS, "SALE_ID_REUSED"),
    ]
    kept = [(event["sale_id"], event["fault"]) for event in recorded(url)[1:]]
    assert kept == [
        ("sale-2", "TOKEN_REUSED"), ("sale-3", "TOKEN_FORGED"), ("sale-4", "TOKEN_FORGED"),
    ]  # fmt: skip


class TestExpiry:
    """A token that is valid for a second."""

    @pytest.fixture
    def policy_text(self, policy_without_audit: Path) -> str:
        """The shortest validity that a policy may have."""
        return policy_without_audit.read_text().replace("valid_seconds = 300", "valid_seconds = 1")

    async def test_an_expired_token_is_refused_and_kept(self, lane: Lane, url: str) -> None:
        """But it counts for a sale that was made in time and told late."""
        token = (await lane.assess(store_id="s", lane_id="1")).assessment_token
        in_time = request("sale-1", token)
        in_time.sold_at.FromMilliseconds(int(1000 * time.time()))
        await asyncio.sleep(1.2)
        late = await refusal(lane, request("sale-2", token))
        assert late == (grpc.StatusCode.FAILED_PRECONDITION, "TOKEN_EXPIRED")
        await record(lane, in_time)
        assert [(e["kind"], e["fault"]) for e in recorded(url)] == [
            ("ATTEMPT", "TOKEN_EXPIRED"), ("SALE", ""),
        ]  # fmt: skip


@pytest.mark.parametrize(
    "fields",
    [
        {"sale_id": ""},
        {"sale_id": "a b"},
        {"sale_id": "x" * 65},
        {"cashier_id": "Anna Müller"},
        {"outcome": sale_pb2.SALE_OUTCOME_UNSPECIFIED},
        {"outcome": 99},
        {"outcome": REFUSED},
        {"refusal_reason": sale_pb2.REFUSAL_REASON_OTHER},
        {"outcome": REFUSED, "refusal_reason": 99},
        {"voids_sale_id": "sale-0"},
        {"currency_code": "euro"},
        {"basket": [sale_pb2.BasketLine()]},
        {"basket": [sale_pb2.BasketLine(category="x" * 65)]},
        {"basket": [sale_pb2.BasketLine(category="beer", quantity=100_001)]},
        {"basket": [sale_pb2.BasketLine(category="beer")] * 501},
        {"document_check": sale_pb2.DocumentCheck()},
        {
            "document_check": sale_pb2.DocumentCheck(
                result=sale_pb2.DOCUMENT_RESULT_OF_AGE, document_age_years=131
            )
        },
        {
            "document_check": sale_pb2.DocumentCheck(
                result=sale_pb2.DOCUMENT_RESULT_OF_AGE, birth_date_bucket=64
            )
        },
    ],
)
async def test_what_makes_no_sense_is_refused_and_not_recorded(
    lane: Lane, url: str, fields: dict[str, Any]
) -> None:
    """By the field's name."""
    assert await refusal(lane, request(**({"sale_id": "sale-1"} | fields))) == (
        grpc.StatusCode.INVALID_ARGUMENT, "INVALID_FIELD",
    )  # fmt: skip
    assert recorded(url) == []


@pytest.mark.parametrize(("field", "value"), [("sale_id", ""), ("cashier_id", "Anna Müller")])
async def test_an_attempt_without_a_name_is_not_kept(
    lane: Lane, url: str, field: str, value: str
) -> None:
    """What makes no sense is told before a token is looked at."""
    told = request("sale-1", b"forged")
    setattr(told, field, value)
    assert (await refusal(lane, told))[1] == "INVALID_FIELD"
    assert recorded(url) == []


@pytest.mark.parametrize("seconds", [-400 * 86_400, 3_600])
async def test_a_clock_that_is_wrong_is_refused(lane: Lane, seconds: int) -> None:
    """A sale of last year, or of the future."""
    told = request("sale-1")
    told.sold_at.FromSeconds(int(time.time()) + seconds)
    assert (await refusal(lane, told))[1] == "INVALID_FIELD"


async def test_many_at_once_are_all_recorded(lane: Lane, url: str) -> None:
    """Each once, in one chain."""
    receipts = await asyncio.gather(
        *[record(lane, request(f"sale-{number}", lane_id=str(number))) for number in range(200)]
    )
    assert not any(receipt.already_recorded for receipt in receipts)
    assert len(recorded(url)) == 200


async def test_a_ledger_that_can_not_write_is_an_error_that_says_when_to_come_again(
    lane: Lane, url: str, gateway: Gateway
) -> None:
    """The till keeps the sale. Once it can, all is well again."""
    engine = engine_for(url)
    with engine.begin() as connection:
        connection.exec_driver_sql("ALTER TABLE events RENAME TO gone")
    assert await refusal(lane, request("sale-1")) == (
        grpc.StatusCode.UNAVAILABLE, "LEDGER_UNAVAILABLE",
    )  # fmt: skip
    with engine.begin() as connection:
        connection.exec_driver_sql("ALTER TABLE gone RENAME TO events")
    assert not (await record(lane, request("sale-1"))).already_recorded


async def test_without_a_ledger_there_is_no_record_sale(settings: Settings) -> None:
    """And a ledger that can't be opened is told at the start."""
    gateway = Gateway(replace(settings, ledger="", ledger_key=None, notice_seconds=0))
    await gateway.start()
    async with grpc.aio.insecure_channel(gateway.address) as channel:
        assert await refusal(Lane(channel), request("sale-1")) == (
            grpc.StatusCode.UNIMPLEMENTED, "NOT_IMPLEMENTED",
        )  # fmt: skip
    await gateway.stop()
    with pytest.raises(StartupError, match="--ledger"):
        Gateway(replace(settings, ledger="sqlite:////no/such/folder/ledger.db"))
