"""Once a day what stands out is kept, and what was answered stays with it."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import replace
from itertools import count

import pytest
from sqlalchemy import Engine

from agelane.v1 import report_pb2
from agelane_serving.ledger.alerts import Answer, alerts, answer
from agelane_serving.ledger.learnt import keep_confusions, read_lifts
from agelane_serving.ledger.store import Store
from agelane_serving.policy import read_lift_lows
from agelane_serving.policy.age_groups import groups_from_starts
from agelane_serving.reports.nightly import do_nightly_work
from tests.serving.gateway.test_reports import CONFUSION
from tests.serving.ledger.sales import NOON, assessed, sale
from tests.serving.reports.cashier_sales import CHECKED, DAY, MISSED, MONDAY, spread_out
from tests.serving.reports.test_from_ledger import as_told

LATER = MONDAY + 29 * DAY


@pytest.fixture
def told(store: Store) -> Store:
    """A ledger in which one of six cashiers checks nobody for four weeks."""
    numbers = count()
    for cashier in range(6):
        usual = MISSED if cashier == 5 else CHECKED
        sales = list(spread_out([usual] * 150, str(cashier)))
        store.record([as_told(replace(each, sale_id=f"sale-{next(numbers)}")) for each in sales])
    return store


def cashiers(url: str, end: float) -> report_pb2.GetCashierReportResponse:
    """Return the report as the program writes it."""
    command = [sys.executable, "-m", "agelane_serving.reports", "--ledger", url, "cashiers"]
    command += [f"--start={end - 28 * DAY}", f"--end={end}"]
    answer = subprocess.run(command, check=True, stdout=subprocess.PIPE).stdout
    return report_pb2.GetCashierReportResponse.FromString(answer)


def test_what_stands_out_is_kept_and_keeps_its_answers(
    engine: Engine, told: Store, url: str
) -> None:
    """The same alert the next day; an answer and a closing stay with it, also in the report."""
    assert "1 new alerts" in do_nightly_work(engine, MONDAY + 20 * DAY, "alcohol")
    (alert,) = alerts(engine)
    assert (alert.cashier_id, alert.state) == ("5", "OPEN")
    assert alert.kind == "LOW_CHECK_RATE"
    assert "0 new alerts, 1 that go on" in do_nightly_work(engine, MONDAY + 21 * DAY, "alcohol")
    answer(engine, Answer(alert.id, LATER, "c5", "cashier", "The scanner was broken.", False))
    shown = cashiers(url, MONDAY + 21 * DAY)
    assert [each.id for each in shown.alerts] == [alert.id]
    assert shown.alerts[0].state == report_pb2.CASHIER_ALERT_STATE_ANSWERED
    assert shown.alerts[0].answer == "The scanner was broken."
    answer(engine, Answer(alert.id, LATER, "m", "manager", "It was.", True))
    do_nightly_work(engine, MONDAY + 22 * DAY, "alcohol")
    assert [(each.id, each.state) for each in alerts(engine)] == [(alert.id, "CLOSED")]


def test_offers_learn_from_baskets(
    engine: Engine, store: Store, caplog: pytest.LogCaptureFixture
) -> None:
    """Nothing without a confusion; then the lower ends of lifts, for the gateway to read.

    A newer model whose card says nonsense is left out.
    """
    shares = [tuple(float(group == place) for place in range(8)) for group in (2, 6)]
    store.record(
        [
            sale(sold_at=NOON, basket=basket, assessed=assessed(age_group_shares=who))
            for who, basket in (
                (shares[0], sale().basket[:1]),
                (shares[1], sale().basket[1:]),
            )
            for _ in range(60)
        ]
    )
    assert "nothing for offers" in do_nightly_work(engine, NOON + DAY, "alcohol")
    assert read_lifts(engine) is None
    keep_confusions(engine, {7: json.dumps(CONFUSION), 8: "{}"})
    assert "offers learnt" in do_nightly_work(engine, NOON + DAY, "alcohol")
    text = read_lifts(engine)
    assert text is not None
    lows = read_lift_lows(text, groups_from_starts(CONFUSION["group_starts"]))
    young, old = lows["beer"][2], lows["bread"][6]
    assert young is not None
    assert young > 1
    assert old is not None
    assert old > 1
    assert json.loads(text)["restricted_categories"] == {"beer": "alcohol"}
    assert "version 8 of the model is left out" in caplog.text


def test_without_a_database_it_says_so(tmp_path: object) -> None:
    """Exit code 2, and no traceback."""
    command = [sys.executable, "-m", "agelane_serving.reports"]
    command += ["--ledger", f"sqlite:///{tmp_path}/none/ledger.db", "nightly"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert done.stderr.startswith("error: the ledger can't be used")
