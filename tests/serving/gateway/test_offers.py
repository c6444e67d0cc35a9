"""Customers are offered what fits their age, and goods with a legal age only once allowed."""

from __future__ import annotations

import asyncio
import json
import logging
import re
from collections.abc import AsyncIterator
from dataclasses import replace
from functools import partial
from importlib import resources
from pathlib import Path
from typing import Any

import grpc
import pytest
from prometheus_client import REGISTRY
from sqlalchemy import select

from agelane.v1 import admin_pb2, admin_pb2_grpc, sale_pb2
from agelane.v1 import assessment_pb2 as v1
from agelane_serving.gateway.security.assessment_token import read_key_ring
from agelane_serving.gateway.security.proof import Proof
from agelane_serving.gateway.server import Gateway, StartupError
from agelane_serving.gateway.settings import Settings
from agelane_serving.ledger.learnt import keep_lifts
from agelane_serving.ledger.schema import basket_offers
from agelane_serving.ledger.store import engine_for
from agelane_serving.policy import load_policy
from tests.serving.gateway.conftest import Lane, until
from tests.serving.gateway.fake_model_server import FakeModelServer, bell
from tests.serving.gateway.test_access import KEYS
from tests.serving.gateway.test_stream import Stream

ALLOW, VERIFY_ID = v1.ALCOHOL_DECISION_ALLOW, v1.ALCOHOL_DECISION_VERIFY_ID
OFFERS = """
schema = 1
most_offers = 3
hold_out_share = 0
youngest_years = 18
[offers.milk]
category = "dairy"
text = "Fresh milk"
age_groups = ["18_24", "55_64"]
[offers.beer]
category = "beer"
restricted_category = "alcohol"
age_groups = ["18_24", "55_64"]
[offers.cigars]
category = "cigars"
restricted_category = "tobacco"
age_groups = ["18_24", "55_64"]
[offers.bread]
category = "bread"
age_groups = ["18_24", "55_64"]
"""
POLICY = resources.files("agelane_serving.policy").joinpath("default.toml").read_text()
GROUPS = [group.id for group in load_policy(POLICY).age_groups]


def learnt(restricted: dict[str, str] | None = None, **lows: float) -> str:
    """Return what a report learnt: the same lift in all age groups for each of some goods."""
    rows = {category: [low] * len(GROUPS) for category, low in lows.items()}
    content = {"age_groups": GROUPS, "lift_lows": rows, "restricted_categories": restricted or {}}
    return json.dumps(content)


def counted(metric: str, **labels: str) -> float:
    """Return what a metric says."""
    return REGISTRY.get_sample_value(metric, labels) or 0.0


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """An offers file."""
    path = tmp_path / "offers.toml"
    path.write_text(OFFERS)
    return path


@pytest.fixture
def settings(model: FakeModelServer, tmp_path: Path, file: Path) -> Settings:
    """A gateway that makes offers, signs assessments and records sales."""
    (tmp_path / "keys.toml").write_text(KEYS)
    (tmp_path / "ledger.key").write_bytes(b"k" * 32)
    return Settings(
        listen="127.0.0.1:0",
        admin_listen="127.0.0.1:0",
        model_server=model.address,
        token_keys=tmp_path / "keys.toml",
        ledger=f"sqlite:///{tmp_path / 'ledger.db'}",
        ledger_key=tmp_path / "ledger.key",
        offers=file,
    )


@pytest.fixture
async def admin(gateway: Gateway) -> AsyncIterator[admin_pb2_grpc.AdminServiceAsyncStub]:
    """An operator's connection."""
    async with grpc.aio.insecure_channel(gateway.admin_address) as channel:
        yield admin_pb2_grpc.AdminServiceStub(channel)


async def offered(lane: Lane, **fields: Any) -> list[str]:
    """Return the ids of what the customer of the model is offered."""
    return [offer.id for offer in (await lane.assess(**fields)).offers]


def proof_of(assessment: v1.Assessment) -> Proof:
    """Return what an assessment's token proves."""
    return read_key_ring(KEYS).verify(assessment.assessment_token, assessment.assessed_at.seconds)


async def test_who_is_allowed_alcohol_is_offered_it(lane: Lane) -> None:
    """With everything the contract says of an offer, and nothing of tobacco."""
    assessment = await lane.assess()
    assert assessment.alcohol_decision == ALLOW
    assert list(assessment.offers) == [
        v1.Offer(id="milk", category="dairy", text="Fresh milk"),
        v1.Offer(id="beer", category="beer"),
        v1.Offer(id="bread", category="bread"),
    ]


async def test_goods_are_not_offered_under_the_age_of_others(lane: Lane) -> None:
    """Whoever may have tobacco is not offered beer."""
    assert await offered(lane, restricted_category="tobacco") == ["milk", "cigars", "bread"]


async def test_before_a_look_at_a_document_nothing_restricted_is_offered(
    lane: Lane, model: FakeModelServer
) -> None:
    """The rest is."""
    model.probabilities = bell(21)
    assessment = await lane.assess()
    assert assessment.alcohol_decision == VERIFY_ID
    assert [offer.id for offer in assessment.offers] == ["milk", "bread"]


async def test_a_child_is_offered_nothing(lane: Lane, model: FakeModelServer) -> None:
    """Who is more likely younger than the file's year."""
    model.probabilities = bell(14)
    assert await offered(lane) == []


async def test_where_there_is_no_age_there_are_no_offers(
    lane: Lane, model: FakeModelServer
) -> None:
    """No face, a photo that can't be decoded, no model."""
    model.face_count = 0
    assert await offered(lane) == []
    model.face_count, model.ok = 1, False
    assert await offered(lane) == []
    await model.stop()
    assert await offered(lane) == []


class TestAudit:
    """As many audits as a policy may want."""

    @pytest.fixture
    def policy_text(self) -> str:
        """The built-in policy but for that."""
        return re.sub("audit_share = .*", "audit_share = 0.2", POLICY)

    async def test_who_is_audited_is_not_offered_beer(self, lane: Lane) -> None:
        """What counts is the decision after the audit."""
        decisions = set()
        for _ in range(100):
            assessment = await lane.assess()
            decisions.add(assessment.alcohol_decision)
            beer = "beer" in [offer.id for offer in assessment.offers]
            assert beer is (assessment.alcohol_decision == ALLOW)
        assert decisions == {ALLOW, VERIFY_ID}


class TestHoldOut:
    """Half of the customers."""

    @pytest.fixture(autouse=True)
    def half(self, file: Path) -> None:
        """As many as a file may hold out."""
        file.write_text(OFFERS.replace("hold_out_share = 0", "hold_out_share = 0.5"))

    async def test_who_is_held_out_sees_nothing_and_the_token_knows_what_they_missed(
        self, lane: Lane
    ) -> None:
        """And that they did; of the others it knows what they saw."""
        seen = set()
        for _ in range(50):
            assessment = await lane.assess()
            proof = proof_of(assessment)
            assert proof.offer_ids == ("milk", "beer", "bread")
            assert proof.offers_held_out is not bool(assessment.offers)
            seen.add(proof.offers_held_out)
        assert seen == {True, False}

    async def test_a_customer_stays_in_or_out_whatever_photos_come(self, lane: Lane) -> None:
        """Who has seen an offer once is not held out."""
        seen = set()
        stream = Stream(lane)
        for _ in range(30):
            await stream.start()
            answers = [await stream.frame(), await stream.frame(), await stream.end()]
            (shown,) = {bool(answer.assessment.offers) for answer in answers}
            seen.add(shown)
        await stream.close()
        assert seen == {True, False}


async def told(lane: Lane, settings: Settings, assessment: v1.Assessment) -> list[tuple[Any, ...]]:
    """Record a sale under an assessment and return the offers beside all baskets."""
    sale = sale_pb2.RecordSaleRequest(
        sale_id=assessment.id,
        assessment_token=assessment.assessment_token,
        outcome=sale_pb2.SALE_OUTCOME_SOLD,
        basket=[sale_pb2.BasketLine(category="beer", restricted_category="alcohol")],
    )
    await lane.checkout.RecordSale(sale, timeout=5)
    columns = (basket_offers.c.offer_id, basket_offers.c.category, basket_offers.c.held_out)
    with engine_for(settings.ledger).connect() as connection:
        found = connection.execute(select(*columns).order_by(basket_offers.c.position))
        return [tuple(row) for row in found]


async def test_what_was_offered_is_recorded_beside_the_basket(
    lane: Lane, settings: Settings, gateway: Gateway, file: Path
) -> None:
    """By another gateway as well; an offer that is no more in the file is left out."""
    assessment = await lane.assess()
    file.write_text(OFFERS.replace("[offers.bread]", "[offers.rye]"))
    gateway.configuration.reload()
    assert await told(lane, settings, assessment) == [
        ("milk", "dairy", False), ("beer", "beer", False),
    ]  # fmt: skip


async def test_the_hold_out_is_recorded_too(
    lane: Lane, settings: Settings, gateway: Gateway, file: Path
) -> None:
    """With what those customers would have got."""
    file.write_text(OFFERS.replace("hold_out_share = 0", "hold_out_share = 0.5"))
    gateway.configuration.reload()
    while (assessment := await lane.assess()).offers:
        pass
    assert await told(lane, settings, assessment) == [
        ("milk", "dairy", True), ("beer", "beer", True), ("bread", "bread", True),
    ]  # fmt: skip


async def test_a_changed_file_counts_at_once_and_a_wrong_one_not_at_all(
    lane: Lane, file: Path, admin: admin_pb2_grpc.AdminServiceAsyncStub
) -> None:
    """The operator is told what is wrong, and customers go on as before."""
    file.write_text(OFFERS.replace("most_offers = 3", "most_offers = 1"))
    await until(lambda: _is(lane, "milk"))
    file.write_text(OFFERS.replace("most_offers = 3", "most_offers = 5"))
    answer = await admin.ReloadConfiguration(admin_pb2.ReloadConfigurationRequest())
    errors = {each.name: each.error for each in answer.files}
    assert "most_offers must be a whole number from 1 to 4" in errors["offers"]
    assert await offered(lane) == ["milk"]


async def test_a_policy_that_the_offers_do_not_fit_ends_the_offers_and_nothing_else(
    lane: Lane, file: Path, tmp_path: Path, policy_text: str, caplog: pytest.LogCaptureFixture
) -> None:
    """The law goes before marketing. Offers that fit it are made again."""
    refused = partial(counted, "agelane_configuration_refused_total", file="offers")
    before = refused()
    groups = "age_group_starts = [0, 18, 40]"
    (tmp_path / "policy.toml").write_text(re.sub("age_group_starts = .*", groups, policy_text))

    async def is_told() -> bool:
        return refused() > before

    await until(is_told)
    assert "offers.milk.age_groups must be" in caplog.text
    assert await offered(lane) == []
    assert "nothing is offered until the offers fit policy" in caplog.text
    assert await lane.waves_through()
    file.write_text(OFFERS.replace('"18_24", "55_64"', '"40_plus"'))
    await until(lambda: _is(lane, "milk", "beer", "bread"))


async def test_a_policy_that_the_offers_fit_changes_no_offer(
    lane: Lane, tmp_path: Path, policy_text: str
) -> None:
    """Their file is read anew under it, although it has not changed."""
    stricter = policy_text.replace("legal_age_years = 18", "legal_age_years = 21")
    (tmp_path / "policy.toml").write_text(stricter)

    async def is_in_force() -> bool:
        return (await lane.assess()).legal_age_years == 21

    await until(is_in_force)
    await until(lambda: _is(lane, "milk", "bread"))


async def _is(lane: Lane, *ids: str) -> bool:
    return await offered(lane) == list(ids)


def test_a_file_that_is_wrong_at_the_start_is_refused(settings: Settings, file: Path) -> None:
    """By the key that is wrong."""
    file.write_text(OFFERS.replace('"alcohol"', '"alcool"'))

    async def start() -> None:
        Gateway(settings)

    with pytest.raises(StartupError, match=r"offers\.beer\.restricted_category"):
        asyncio.run(start())


class TestLearning:
    """A gateway that asks the ledger each second."""

    @pytest.fixture
    def settings(self, settings: Settings) -> Settings:
        """As often as can be."""
        return replace(settings, offers_refresh_seconds=1)

    async def test_what_baskets_taught_moves_the_order(
        self, lane: Lane, settings: Settings
    ) -> None:
        """What is known counts more than what the file says."""
        assert await offered(lane) == ["milk", "beer", "bread"]
        keep_lifts(engine_for(settings.ledger), learnt(bread=1.5, dairy=0.5), 0)
        await until(lambda: _is(lane, "bread", "beer", "milk"))


async def test_goods_that_tills_call_restricted_are_not_offered_as_free_ones(
    lane: Lane, gateway: Gateway, caplog: pytest.LogCaptureFixture
) -> None:
    """Whatever the file forgot to say; and the log says that it did."""
    gateway.offers.take(learnt({"dairy": "tobacco", "bread": "alcohol"}))
    with caplog.at_level(logging.WARNING):
        assert await offered(lane) == ["beer", "bread"]
    assert "offer milk lacks restricted_category: baskets call dairy tobacco" in caplog.text
    assert await offered(lane, restricted_category="tobacco") == ["milk", "cigars"]


async def test_a_gateway_without_an_offers_file_offers_nothing(settings: Settings) -> None:
    """And needs no ledger to learn from."""
    gateway = Gateway(replace(settings, offers=None, notice_seconds=0))
    await gateway.start()
    async with grpc.aio.insecure_channel(gateway.address) as channel:
        assert await offered(Lane(channel)) == []
    await gateway.stop()
