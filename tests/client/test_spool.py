"""Sales wait on the till's disk until a gateway has them, on both clients."""

from __future__ import annotations

import asyncio
import sqlite3
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import grpc
import pytest
from google.protobuf.duration_pb2 import Duration
from google.rpc import error_details_pb2

from agelane.v1 import assessment_pb2
from agelane.v1.sale_pb2 import RecordSaleRequest
from agelane_client import (
    AsyncClient,
    Client,
    ClosedError,
    RequestError,
    Sale,
    SaleError,
    SaleOutcome,
    SaleSpool,
    SpoolError,
    UnavailableError,
)
from agelane_client.spool_file import SpoolFile
from agelane_client.testing import FakeGateway, answer, refuse
from tests.client.conftest import Connect

Open = Callable[..., SaleSpool]
SECONDS = 30.0


@pytest.fixture(name="spool_of")
def spool_of_fixture(tmp_path: Path) -> Iterator[Open]:
    """Opens the spool of a client of either kind; it is closed after the test."""
    with ExitStack() as spools:

        def spool_of(client: Client, name: str = "sales.spool", **options: Any) -> SaleSpool:
            spool = client.sale_spool(tmp_path / name, **options)
            spools.callback(spool.close)
            return spool

        yield spool_of


def sold(number: int) -> Sale:
    """Return a sale with a name of its own."""
    return Sale(outcome=SaleOutcome.SOLD, sale_id=f"sale-{number}")


def told(gateway: FakeGateway) -> list[str]:
    """Return the names of the sales that a gateway was told of."""
    return [request.sale_id for request in gateway.sales]


def test_sales_are_told_in_their_order(
    connect: Connect, gateway: FakeGateway, spool_of: Open
) -> None:
    """Each once, and then nothing waits."""
    spool = spool_of(connect(gateway.target, store_id="kiel-2"))
    for number in range(20):
        spool.record(sold(number))
    assert spool.drain(SECONDS)
    assert told(gateway) == [f"sale-{number}" for number in range(20)]
    assert gateway.sales[0].store_id == "kiel-2"
    status = spool.status()
    assert (status.waiting, status.oldest_at, status.refused) == (0, None, 0)


def test_they_wait_for_a_gateway_that_is_away(
    connect: Connect,
    spool_of: Open,
    dead_target: str,
    tmp_path: Path,
    assessment: assessment_pb2.Assessment,
) -> None:
    """Nothing is raised, the status says why, and another run of the till tells them."""
    spool = spool_of(connect(dead_target, timeout=1))
    before = datetime.now(timezone.utc)
    for number in range(3):
        spool.record(sold(number))
    assert not spool.drain(0.5)
    status = spool.status()
    assert status.waiting == 3
    assert status.oldest_at is not None
    assert abs(status.oldest_at - before) < timedelta(seconds=20)
    assert isinstance(status.last_error, UnavailableError)
    spool.close()
    gateway = FakeGateway(answer(assessment))
    try:
        later = spool_of(connect(gateway.target))
        later.record(sold(3))
        assert later.drain(SECONDS)
        assert told(gateway) == ["sale-0", "sale-1", "sale-2", "sale-3"]
    finally:
        gateway.stop()


def test_a_sale_is_kept_once_however_often_it_is_recorded(
    connect: Connect, spool_of: Open, dead_target: str
) -> None:
    """As with `record_sale`."""
    spool = spool_of(connect(dead_target, timeout=1))
    sale = sold(1)
    for _ in range(3):
        spool.record(sale)
    assert spool.status().waiting == 1


def test_another_sale_under_a_name_that_waits_is_refused(
    connect: Connect, spool_of: Open, dead_target: str
) -> None:
    """As the gateway would; the first one stays."""
    spool = spool_of(connect(dead_target, timeout=1))
    spool.record(sold(1))
    with pytest.raises(SaleError, match="SALE_ID_REUSED"):
        spool.record(Sale(outcome=SaleOutcome.VOIDED, sale_id="sale-1"))
    assert spool.status().waiting == 1


@pytest.mark.parametrize(
    ("code", "reason"),
    [
        (grpc.StatusCode.FAILED_PRECONDITION, "TOKEN_EXPIRED"),
        (grpc.StatusCode.PERMISSION_DENIED, "TOKEN_FORGED"),
        (grpc.StatusCode.PERMISSION_DENIED, "STORE_NOT_PERMITTED"),
        (grpc.StatusCode.INVALID_ARGUMENT, "INVALID_FIELD"),
        (grpc.StatusCode.INVALID_ARGUMENT, "A_REASON_OF_TOMORROW"),
    ],
)
def test_a_sale_that_is_refused_for_good_does_not_hold_up_the_others(
    connect: Connect, gateway: FakeGateway, spool_of: Open, code: grpc.StatusCode, reason: str
) -> None:
    """It is put aside, with the reason, and stays after a restart of the till."""
    gateway.refused_sales["sale-1"] = refuse(code, reason)
    client = connect(gateway.target)
    spool = spool_of(client)
    for number in range(3):
        spool.record(sold(number))
    assert spool.drain(SECONDS)
    assert told(gateway) == ["sale-0", "sale-1", "sale-2"]
    spool.close()
    again = spool_of(client)
    (refused,) = again.refused()
    assert (refused.sale_id, refused.reason) == ("sale-1", reason)
    assert RecordSaleRequest.FromString(refused.request) == gateway.sales[1]
    assert again.status().refused == 1
    again.forget("another")
    assert again.status().refused == 1
    gateway.refused_sales.clear()
    again.record(sold(1))
    assert again.drain(SECONDS)
    assert again.refused() == ()


def test_what_an_operator_can_mend_is_tried_again(
    connect: Connect, gateway: FakeGateway, spool_of: Open
) -> None:
    """A wrong token or a full disk at the gateway loses no sale."""
    gateway.refused_sales["sale-0"] = refuse(grpc.StatusCode.UNAUTHENTICATED, "UNKNOWN_TOKEN")
    spool = spool_of(connect(gateway.target))
    spool.record(sold(0))
    assert not spool.drain(0.3)
    assert spool.status().waiting == 1
    gateway.refused_sales.clear()
    assert spool.drain(SECONDS)
    assert spool.refused() == ()


def test_a_sale_that_breaks_the_gateway_is_put_aside_in_the_end(
    connect: Connect, gateway: FakeGateway, spool_of: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Or all behind it would wait for ever; what asks for a long pause gets a short one."""
    monkeypatch.setattr("agelane_client.spool._FIRST_PAUSE", 0.01)
    monkeypatch.setattr("agelane_client.spool._LONGEST_PAUSE", 0.01)
    monkeypatch.setattr("agelane_client.spool._LONGEST_ASKED", 0.02)
    never = error_details_pb2.RetryInfo(retry_delay=Duration(seconds=300_000_000_000))
    gateway.refused_sales["sale-0"] = refuse(grpc.StatusCode.INTERNAL, "INTERNAL", never)
    spool = spool_of(connect(gateway.target))
    spool.record(sold(0))
    spool.record(sold(1))
    assert spool.drain(SECONDS)
    assert told(gateway) == ["sale-0"] * 50 + ["sale-1"]
    assert [refused.reason for refused in spool.refused()] == ["INTERNAL"]
    spool.forget("sale-0")
    assert spool.refused() == ()


def test_whatever_goes_wrong_it_is_tried_again(
    connect: Connect, gateway: FakeGateway, spool_of: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A fault of our own does not end the spool."""
    whole, faults = SpoolFile.told, iter([RuntimeError("a fault"), MemoryError()])

    def told_or_not(self: SpoolFile, sale: Any) -> None:
        for fault in faults:
            raise fault
        whole(self, sale)

    monkeypatch.setattr(SpoolFile, "told", told_or_not)
    spool = spool_of(connect(gateway.target))
    spool.record(sold(0))
    assert spool.drain(SECONDS)
    assert told(gateway) == ["sale-0"] * 3


def test_a_full_spool_says_so(connect: Connect, spool_of: Open, dead_target: str) -> None:
    """What it holds already stays."""
    spool = spool_of(connect(dead_target, timeout=1), most_sales=2)
    spool.record(sold(0))
    spool.record(sold(1))
    with pytest.raises(SpoolError, match="2 sales wait here already"):
        spool.record(sold(2))
    assert spool.status().waiting == 2


def test_a_sale_that_no_gateway_would_take_is_refused_at_once(
    connect: Connect, gateway: FakeGateway, spool_of: Open
) -> None:
    """A time without a zone is the till's mistake."""
    spool = spool_of(connect(gateway.target))
    noon = datetime(2026, 11, 25, 12)  # noqa: DTZ001  # that is the point
    with pytest.raises(RequestError):
        spool.record(Sale(outcome=SaleOutcome.SOLD, sold_at=noon))
    assert spool.status().waiting == 0


def test_one_process_uses_a_file(connect: Connect, gateway: FakeGateway, spool_of: Open) -> None:
    """Two would tell the same sales."""
    client = connect(gateway.target)
    spool_of(client)
    with pytest.raises(SpoolError, match="another process uses it"):
        spool_of(client)


def test_a_cancelled_record_is_told_if_it_was_kept(
    runner: asyncio.Runner,
    gateway: FakeGateway,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A slow disk writes on when its caller has gone."""
    whole, may_go_on = SpoolFile.keep, threading.Event()

    def slow(self: SpoolFile, request: RecordSaleRequest) -> None:
        may_go_on.wait(SECONDS)
        whole(self, request)

    monkeypatch.setattr(SpoolFile, "keep", slow)

    async def record() -> None:
        async with (
            AsyncClient(gateway.target) as client,
            client.sale_spool(tmp_path / "sales.spool") as spool,
        ):
            with pytest.raises(asyncio.TimeoutError):
                await asyncio.wait_for(spool.record(sold(0)), 0.1)
            may_go_on.set()
            while not gateway.sales:  # noqa: ASYNC110 - another thread tells
                await asyncio.sleep(0.01)

    runner.run(asyncio.wait_for(record(), SECONDS))
    assert told(gateway) == ["sale-0"]


def test_a_file_that_is_no_spool_is_left_alone(
    connect: Connect, gateway: FakeGateway, spool_of: Open, tmp_path: Path
) -> None:
    """Neither a photo nor somebody else's database nor a folder is overwritten."""
    client = connect(gateway.target)
    (tmp_path / "photo.jpg").write_bytes(b"\xff\xd8\xff" * 1000)
    with sqlite3.connect(tmp_path / "other.db") as other:
        other.execute("CREATE TABLE t (x)")
    other.close()
    for name, said in (
        ("photo.jpg", "not a database"),
        ("other.db", "a database of something else"),
        (".", "unable to open database file"),
        ("no/such/folder.spool", "No such file"),
        ("nul\0l.spool", "null"),
    ):
        with pytest.raises(SpoolError, match=said):
            spool_of(client, name)
    assert (tmp_path / "photo.jpg").read_bytes() == b"\xff\xd8\xff" * 1000


def test_only_its_owner_reads_it(
    connect: Connect, gateway: FakeGateway, spool_of: Open, tmp_path: Path
) -> None:
    """It holds tokens and cashiers' numbers."""
    (tmp_path / "sales.spool").touch(mode=0o644)
    spool_of(connect(gateway.target)).record(sold(0))
    modes = {path.name: path.stat().st_mode & 0o777 for path in tmp_path.iterdir()}
    assert modes["sales.spool"] == 0o600
    assert set(modes.values()) == {0o600}


def test_a_closed_spool_says_so(connect: Connect, gateway: FakeGateway, spool_of: Open) -> None:
    """Closing twice is no mistake."""
    spool = spool_of(connect(gateway.target))
    spool.close()
    with pytest.raises(ClosedError):
        spool.record(sold(0))
    spool.close()
