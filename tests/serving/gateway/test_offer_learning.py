"""What reports learn from baskets ranks the offers; what can't be learnt changes nothing."""

from __future__ import annotations

import asyncio
import json
from functools import partial

import pytest

from agelane_serving.gateway.offers import Offers
from agelane_serving.ledger.receipt import LedgerError
from agelane_serving.policy import Decision, PolicyError, load_offers, load_policy
from tests.serving.gateway.test_offers import GROUPS, OFFERS, POLICY, counted, learnt


@pytest.fixture
def offers() -> Offers:
    """The offers alone."""
    policy = load_policy(POLICY)
    book = load_offers(OFFERS, policy)
    return Offers(lambda: book, lambda: policy)


def best(offers: Offers) -> str:
    """Return the id of what a customer of an even age is offered first."""
    offerer = offers.under(load_policy(POLICY))
    assert offerer is not None
    shares = [1 / len(GROUPS)] * len(GROUPS)
    return offerer.choose(shares, Decision.VERIFY_ID, "alcohol", 0.5).shown[0].id


@pytest.mark.parametrize(
    "failure",
    [
        LedgerError("it can't be read"),
        "{",
        json.dumps({"age_groups": ["0_plus"], "lift_lows": {}}),
        json.dumps({"age_groups": GROUPS, "lift_lows": {}, "restricted_categories": 1}),
    ],
    ids=["no ledger", "no JSON", "other age groups", "no table"],
)
async def test_what_can_not_be_learnt_leaves_what_is_known(
    offers: Offers, failure: LedgerError | str, caplog: pytest.LogCaptureFixture
) -> None:
    """It is logged and counted, and soon tried again."""
    answers = [None, learnt(bread=1.5), failure, learnt(dairy=1.5)]
    told, go_on = asyncio.Queue[str](), asyncio.Queue[None]()

    async def learn() -> str | None:
        await told.put(best(offers))
        await go_on.get()
        answer = answers.pop(0)
        if isinstance(answer, LedgerError):
            raise answer
        return answer

    failed = partial(counted, "agelane_lifts_total", outcome="failed")
    before = failed()
    following = asyncio.create_task(offers.follow(learn, 0.001))
    order = []
    for _ in range(5):
        order.append(await asyncio.wait_for(told.get(), 10))
        go_on.put_nowait(None)
    following.cancel()
    assert order == ["milk", "milk", "bread", "bread", "milk"]
    assert "offers learnt nothing new from baskets" in caplog.text
    assert failed() == before + 1


def test_what_is_of_other_age_groups_is_refused_whole(offers: Offers) -> None:
    """Half of it would be no better."""
    wrong = learnt({"bread": "alcohol"}).replace("65_plus", "66_plus")
    with pytest.raises(PolicyError, match="other age groups"):
        offers.take(wrong)
    assert best(offers) == "milk"
