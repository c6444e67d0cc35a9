"""The simulated chains: what happens in them, how they are marked, and one from end to end."""

from __future__ import annotations

import json
import os
import sqlite3
import subprocess
import sys
import time
from contextlib import closing
from dataclasses import asdict, dataclass, replace
from enum import Enum, auto
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from agelane.v1 import assessment_pb2, sale_pb2
from loadtest.simulate import __main__ as command
from loadtest.simulate.conduct import behave
from loadtest.simulate.counts import CashierCounts, Counts, Named, PurchaseCounts
from loadtest.simulate.crew import hire
from loadtest.simulate.customers import customers
from loadtest.simulate.faces import face_on, photo_of, read_faces
from loadtest.simulate.marks import Look, mark
from loadtest.simulate.moved_clock import MovedClock
from loadtest.simulate.plan import Columns, Conduct, Plan
from loadtest.simulate.run import run
from loadtest.simulate.tastes import GOODS, TEMPTED, fill

SMALL = Plan(cashiers=36, days=3, dishonest_share=0.2)
ALLOW = assessment_pb2.ALCOHOL_DECISION_ALLOW
VERIFY_ID = assessment_pb2.ALCOHOL_DECISION_VERIFY_ID
REFUSE = assessment_pb2.ALCOHOL_DECISION_REFUSE


def behaved(seed: int) -> Columns:
    """Return what becomes of a small chain's customers under decisions by chance."""
    random = np.random.default_rng(seed)
    crew = hire(random, SMALL)
    come = customers(random, SMALL, crew)
    come["decision"] = random.choice([ALLOW, VERIFY_ID, REFUSE], len(come["cashier"]))
    return behave(random, crew, come)


@given(st.integers(0, 1000))
def test_whatever_cashiers_do_a_till_could_tell_it(seed: int) -> None:
    """A refusal has a reason, an age was read on a document, and nobody is asked after ALLOW."""
    sales = behaved(seed)
    asked = sales["document_result"] != 0
    refused = sales["outcome"] == sale_pb2.SALE_OUTCOME_REFUSED
    of_age = sales["document_result"] == sale_pb2.DOCUMENT_RESULT_OF_AGE
    assert not (refused & (~asked | of_age)).any()
    assert not ((sales["document_age_years"] >= 0) & ~of_age).any()
    assert ((sales["document_age_years"] >= 0) == (sales["birth_date_bucket"] >= 0)).all()
    assert (np.isnan(sales["check_seconds"]) == ~asked).all()
    assert not (asked & sales["assessed"] & (sales["decision"] == ALLOW)).any()


@given(st.integers(0, 1000))
def test_an_assessment_serves_one_sale(seed: int) -> None:
    """A basket that is rung up again was cancelled before, and comes without one."""
    sales = behaved(seed)
    again = sales["rung_up_again"]
    first = dict(zip(sales["customer"][~again].tolist(), sales["outcome"][~again], strict=True))
    assert all(
        first[it] == sale_pb2.SALE_OUTCOME_VOIDED for it in sales["customer"][again].tolist()
    )
    assert not sales["assessed"][again].any()
    uses = sales["assessed"] & (sales["outcome"] != sale_pb2.SALE_OUTCOME_VOIDED)
    assert not (sales["token_used_again"] & ~uses).any()


@given(st.integers(0, 1000), st.lists(st.floats(0, 100), min_size=1, max_size=20))
def test_a_customer_gets_the_face_of_somebody_of_the_nearest_age(
    seed: int, ages: list[float]
) -> None:
    """And the photo tells the model server whose it is."""
    faces = read_faces()
    drawn = faces.draw(np.random.default_rng(seed), np.array(ages))
    for age, face in zip(ages, drawn.tolist(), strict=True):
        distance = np.abs(faces.ages - int(age))
        assert distance[face] == distance.min()
        assert face_on(b"before" + photo_of(face) + b"behind") == face


def test_the_faces_are_what_a_model_says() -> None:
    """Distributions over ages that are good, and not too good."""
    faces = read_faces()
    assert faces.probabilities.sum(axis=1) == pytest.approx(1)
    errors = np.abs(faces.probabilities @ np.arange(101) - faces.ages)
    assert 3 < errors.mean() < 7
    assert {"certificates", "face_gates", "confusion"} <= json.loads(faces.card).keys()


def test_an_offer_adds_what_the_truth_says() -> None:
    """To the rate of those who get it, and to nobody else's."""
    ages = np.full(40_000, 40)
    offers = [frozenset({"bread"}), frozenset[str]()] * 20_000
    baskets = fill(np.random.default_rng(1), ages, offers)
    bread = np.array([any(goods.name == "bread" for goods in basket) for basket in baskets])
    (rate,) = (goods.rates[40] for goods in GOODS if goods.name == "bread")
    assert bread[1::2].mean() == pytest.approx(rate, abs=0.01)
    assert bread[::2].mean() == pytest.approx(rate + TEMPTED * (1 - rate), abs=0.01)
    drinks = [sum(bool(goods.restricted_category) for goods in basket) for basket in baskets]
    assert set(drinks) == {1}


class Kind(Enum):
    """What an alert may be about."""

    ANY = auto()


@dataclass(frozen=True)
class Told:
    """An alert."""

    id: str
    cashier_id: str
    kind: Kind = Kind.ANY


def test_marks_count_each_alert_once_and_each_cashier_once() -> None:
    """However often it is told; a month has thirty days."""
    plan = Plan(cashiers=20, days=60, dishonest_share=0.1, conducts=(Conduct.SKIPS,))
    crew = hire(np.random.default_rng(1), plan)
    bad = [str(place) for place, it in enumerate(crew.conduct) if it is Conduct.SKIPS]
    good = next(str(place) for place, it in enumerate(crew.conduct) if it is Conduct.HONEST)
    first = [Told("a", good), Told("b", good), Told("c", bad[0])]
    second = [Told("b", good), Told("c", bad[0]), Told("d", bad[1])]
    middle = (plan.first_moment + plan.end) / 2
    before = plan.first_moment - 86_400  # what was before the first day was not looked at
    marks = mark(plan, crew, [Look(before, middle, first), Look(before, plan.end, second)])
    assert marks.false_alerts == {"ANY": 2}
    assert marks.false_discovery_rate == pytest.approx(1 / 3)
    assert marks.mean_false_discovery_rate == pytest.approx((1 / 2 + 1 / 3) / 2)
    assert marks.false_a_month == pytest.approx(100 * 2 / 18 / 2)
    assert marks.found == {int(bad[0]): middle, int(bad[1]): plan.end}


def test_a_moved_clock_moves_a_child_and_leaves_grpc_alone(tmp_path: Path) -> None:
    """At any time; deadlines are reckoned by a clock that stands firm."""
    clock = MovedClock(tmp_path / "clock")
    clock.set(1000.0)
    code = "import time, grpc.aio._utils as g; print(time.time(), g.time.time(), flush=True); "
    child = subprocess.Popen(
        [sys.executable, "-c", code + "input(); print(time.time())"],
        env=os.environ | clock.environment,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert child.stdin is not None
    assert child.stdout is not None
    moved, honest = map(float, child.stdout.readline().split())
    assert 1000 <= moved < 1100
    assert abs(honest - time.time()) < 100
    clock.set(500_000.0)
    rest, _ = child.communicate("\n")
    assert 500_000 <= float(rest) < 500_100


async def test_a_small_chain_goes_through_the_real_servers(tmp_path: Path) -> None:
    """Everybody who is photographed gets an age, and every sale is in the ledger, at its time.

    The last day is broken off before the shops open.
    """
    plan = replace(SMALL, until=SMALL.end - 20 * 3600)
    counts = await run(1, plan, tmp_path / "books")
    database = tmp_path / "books" / "ledger.db"
    with closing(sqlite3.connect(database)) as connection:
        (sales,) = connection.execute("SELECT count(*) FROM events WHERE kind = 'SALE'").fetchone()
        blind = "SELECT count(*) FROM events WHERE assessment_id <> '' AND age_low_years IS NULL"
        assert connection.execute(blind).fetchone() == (0,)
        late = "SELECT count(*) FROM events WHERE recorded_ms - sold_ms NOT BETWEEN 0 AND 86400000"
        assert connection.execute(late).fetchone() == (0,)
        (baskets,) = connection.execute("SELECT count(*) FROM baskets").fetchone()
    assert counts.customers <= sales <= 1.1 * counts.customers
    assert 0.8 * sales < baskets < sales
    assert counts.purchases.age_mix_error_pp > 0
    assert counts.purchases.age_mix_error_naive_pp > 0
    assert counts.cashiers.dishonest == 7


NAMED = Named(dishonest=9, honest=1, false_alerts=3)
CASHIERS = CashierCounts(
    months=3,
    honest=10,
    dishonest=10,
    at_once=NAMED,
    monthly=NAMED,
    nightly=NAMED,
    busy_skippers=4,
    busy_skippers_found=3,
    typed_dates=2,
    typed_dates_found=1,
    typed_dates_often=1,
    typed_dates_often_found=1,
)
PURCHASES = PurchaseCounts(
    age_mix_error_pp=1.5,
    age_mix_error_naive_pp=4,
    age_groups=8,
    age_groups_held=8,
    offers=0,
    offers_held=0,
)


def test_a_finished_chain_is_not_simulated_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """What was counted is read, and told beside what is wanted."""
    monkeypatch.chdir(tmp_path)
    counts = Counts(customers=1, seconds=2.0, cashiers=CASHIERS, purchases=PURCHASES)
    for seed in (1, 2):
        file = command.finished_file(seed, SMALL)
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(json.dumps(asdict(counts)))
    options = f"--seeds 2 --cashiers {SMALL.cashiers} --days {SMALL.days}"
    assert command.main(options.split()) == 0
    figures = json.loads(Path("reports/simulation.json").read_text())
    assert figures["recall"] == 0.75
    assert figures["false_discovery_rate"] == 0.1
    assert figures["false_alerts_per_100_honest_per_month"] == 10
    assert "| recall | 0.75 | 0.75 | 0.75 | >= 0.8 |" in capsys.readouterr().out


def test_books_that_are_there_are_left_alone(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The command says so before it begins."""
    assert command.main(["--keep", str(tmp_path)]) == 2
    assert str(tmp_path) in capsys.readouterr().err
