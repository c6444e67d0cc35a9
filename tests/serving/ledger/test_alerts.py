"""What stood out is asked once, and what people said to it is kept."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from sqlalchemy import Engine

from agelane_serving.ledger.alerts import (
    LONGEST_TEXT,
    Alert,
    Answer,
    NoSuchAlert,
    Observation,
    alert,
    alerts,
    answer,
    answers,
    tell,
)
from tests.serving.ledger.sales import NOON

DAY = 86_400.0


def observation(**changes: Any) -> Observation:
    """Return three checks that were faster than a document can be looked at."""
    fields: dict[str, Any] = {
        "id": "a-1",
        "store_id": "hamburg-1",
        "cashier_id": "c7",
        "kind": "FAST_CHECKS",
        "severity": 0.2,
        "cases": 3,
        "expected_cases": 0.25,
        "adjusted_p_value": 0.01,
        "first_case_at": NOON - 5 * DAY,
        "last_case_at": NOON - DAY,
    }
    return Observation(**(fields | changes))


def answered(engine: Engine, alert_id: str, **changes: Any) -> Alert:
    """Answer an alert as its cashier; return how it stands then."""
    fields: dict[str, Any] = {"at": NOON, "author": "anna", "role": "cashier"}
    fields |= {"text": "The reader was broken.", "closes": False}
    return answer(engine, Answer(alert_id, **(fields | changes)))


def closed(engine: Engine, alert_id: str, at: float = NOON) -> Alert:
    """Close an alert as a manager."""
    fields: dict[str, Any] = {"author": "boss", "role": "manager", "text": "Talked about it."}
    return answered(engine, alert_id, at=at, closes=True, **fields)


def test_what_is_told_is_there(engine: Engine) -> None:
    """With all its figures, open, and since when."""
    told = observation(adjusted_p_value=None)
    assert tell(engine, [told], NOON) == 1
    kept = alert(engine, told.id)
    assert (kept.state, kept.first_told_at) == ("OPEN", NOON)
    for name in Observation.__slots__:
        assert getattr(kept, name) == getattr(told, name)


def test_told_again_it_has_new_figures_and_its_old_answers(engine: Engine) -> None:
    """Since the same question goes on."""
    tell(engine, [observation()], NOON)
    answered(engine, "a-1")
    more = observation(cases=5, severity=0.3, last_case_at=NOON)
    assert tell(engine, [more, observation(id="a-2")], NOON + DAY) == 1
    kept = alert(engine, "a-1")
    assert (kept.cases, kept.severity, kept.last_case_at) == (5, 0.3, NOON)
    assert (kept.state, kept.first_told_at) == ("ANSWERED", NOON)
    assert len(answers(engine, "a-1")) == 1


def test_a_closed_one_opens_again_when_all_of_its_cases_are_new(engine: Engine) -> None:
    """While some are older than the closing, the manager knew of them."""
    tell(engine, [observation()], NOON)
    closed(engine, "a-1")
    tell(engine, [observation(cases=9, last_case_at=NOON + DAY)], NOON + DAY)
    kept = alert(engine, "a-1")
    assert (kept.state, kept.cases) == ("CLOSED", 9)
    new = observation(first_case_at=NOON + 1, last_case_at=NOON + 9 * DAY)
    assert tell(engine, [new], NOON + 9 * DAY) == 0
    assert alert(engine, "a-1").state == "OPEN"
    assert tell(engine, [new], NOON + 10 * DAY) == 0
    assert closed(engine, "a-1", NOON + 11 * DAY).state == "CLOSED"
    assert len(answers(engine, "a-1")) == 2


def test_a_cashier_answers_and_a_manager_closes(engine: Engine) -> None:
    """Each with their words, which stay in their order."""
    tell(engine, [observation()], NOON)
    manager: dict[str, Any] = {"author": "boss", "role": "manager"}
    assert answered(engine, "a-1", text="What was it?", **manager).state == "OPEN"
    assert answered(engine, "a-1", text="A queue.").state == "ANSWERED"
    assert closed(engine, "a-1", NOON + 2).state == "CLOSED"
    assert answered(engine, "a-1", text="Thank you.").state == "CLOSED"
    said = answers(engine, "a-1")
    assert [(each.author, each.text, each.closes) for each in said] == [
        ("boss", "What was it?", False),
        ("anna", "A queue.", False),
        ("boss", "Talked about it.", True),
        ("anna", "Thank you.", False),
    ]
    assert [each.at for each in said] == [NOON, NOON, NOON + 2, NOON]


@pytest.mark.parametrize(
    "changes",
    [
        {"text": ""},
        {"text": " \n"},
        {"text": "x" * (LONGEST_TEXT + 1)},
        {"closes": True},
        {"closes": True, "role": "manager", "text": ""},
    ],
)
def test_an_answer_that_is_none_changes_nothing(engine: Engine, changes: dict[str, Any]) -> None:
    """Nor may a cashier close what is asked of them."""
    tell(engine, [observation()], NOON)
    with pytest.raises(ValueError, match=r"characters|manager"):
        answered(engine, "a-1", **changes)
    assert (answers(engine, "a-1"), alert(engine, "a-1").state) == ([], "OPEN")


def test_the_longest_answer_is_taken(engine: Engine) -> None:
    """In any alphabet."""
    tell(engine, [observation()], NOON)
    answered(engine, "a-1", text="я" * LONGEST_TEXT)
    assert len(answers(engine, "a-1")[0].text) == LONGEST_TEXT


def test_an_alert_that_is_not_there_has_no_answer(engine: Engine) -> None:
    """Nor is one made by answering."""
    with pytest.raises(NoSuchAlert):
        answered(engine, "a-1")
    with pytest.raises(NoSuchAlert):
        alert(engine, "a-1")
    assert answers(engine, "a-1") == []


def test_alerts_are_found_by_store_cashier_and_state(engine: Engine) -> None:
    """The gravest first."""
    first = observation()
    tell(
        engine,
        [
            first,
            replace(first, id="a-2", severity=0.9),
            replace(first, id="a-3", cashier_id="c8"),
            replace(first, id="a-4", store_id="hamburg-2", severity=0.1),
        ],
        NOON,
    )
    answered(engine, "a-3")

    def found(**which: Any) -> list[str]:
        return [each.id for each in alerts(engine, **which)]

    assert found() == ["a-2", "a-1", "a-3", "a-4"]
    assert found(limit=1) == ["a-2"]
    assert found(store_id="hamburg-2") == ["a-4"]
    assert found(store_id="hamburg-1", cashier_id="c7") == ["a-2", "a-1"]
    assert found(state="ANSWERED") == ["a-3"]
