"""The model card and the practice statement as people read them."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from agelane_trainer.publishing.documents import (
    model_card_document,
    practice_statement,
    write_documents,
)

SHIPPED = Path(__file__).parents[2] / "trainer" / "weights" / "model_card.json"
GATES = {"min_score": 0.75, "min_side_pixels": 40, "max_brightness": 0.95}


@pytest.fixture(scope="module")
def shipped() -> dict[str, Any]:
    """The card of the shipped weights."""
    card: dict[str, Any] = json.loads(SHIPPED.read_text())
    return card


def headings(text: str) -> list[str]:
    """Return the second-level headings of a Markdown text."""
    return re.findall(r"^## (.*)$", text, re.MULTILINE)


def test_the_model_card_has_the_fields_usual_sections(shipped: dict[str, Any]) -> None:
    """Those of Mitchell et al., and the certificates."""
    assert headings(model_card_document(shipped)) == [
        *("Model details", "Intended use", "Factors", "Metrics", "Data", "Certificates"),
        *("Ethical considerations", "Caveats and recommendations"),
    ]


def test_the_practice_statement_is_ordered_by_characteristics(shipped: dict[str, Any]) -> None:
    """Those of ISO/IEC 27566-1, and what a shop must do."""
    kinds = ("Functional", "Performance", "Privacy", "Security", "Acceptability")
    expected = [f"{kind} characteristics" for kind in kinds]
    assert headings(practice_statement(shipped)) == [*expected, "What a shop must do"]


@pytest.mark.parametrize("document", [model_card_document, practice_statement])
def test_a_card_of_any_age_makes_whole_tables(
    document: Callable[[dict[str, Any]], str], shipped: dict[str, Any]
) -> None:
    """Each row has as many cells as its head, whatever the card lacks."""
    rich = shipped | {
        "face_gates": GATES,
        "stress": [{"name": "grey", "mae_years": 5.5}],
        "audited": {"certificates": shipped["certificates"], "metrics": shipped["metrics"]},
        "near_age_certificates": [
            {"legal_age_years": 18, "group": "of 14 to 17"} | {"minors": 200, "false_clears": 1}
        ],
    }
    cards: tuple[dict[str, Any], ...] = ({}, {"metrics": {}}, shipped, rich)
    for card in cards:
        for table in re.findall(r"(?:^\|.*\n)+", document(card), re.MULTILINE):
            assert len({row.count("|") for row in table.splitlines()}) == 1, table
            assert re.fullmatch(r"[|:-]+", table.splitlines()[1]), table


def test_what_the_card_does_not_hold_is_called_unknown() -> None:
    """Nothing is made up, and nothing is left blank."""
    text = model_card_document({})
    assert "| mean error | unknown (95 % interval unknown to unknown) |" in text
    assert "Nothing is certified" in text
    assert "how many are wrong is unknown" in text
    assert "None" not in text + practice_statement({})


def test_numbers_are_the_cards(shipped: dict[str, Any]) -> None:
    """Another card, other numbers."""
    changed = json.loads(json.dumps(shipped))
    changed["metrics"]["mae_years"] = 3.21
    changed["metrics"]["groups"]["sex male"]["id_check_rate_25_plus"] = 0.1234
    for document in (model_card_document, practice_statement):
        text = document(changed)
        assert "3.21 years" in text
        assert "12.3%" in text
        assert "3.21 years" not in document(shipped)


def test_a_group_with_its_own_promise_is_told_from_one_without(shipped: dict[str, Any]) -> None:
    """A promise to everybody may hide that a group fares worse."""
    promise = {"threshold": 0.01, "max_false_clear_rate": 0.01, "minors": 400, "false_clears": 1}
    requirements = [{"group": "under 18"} | promise, {"group": "under 18, sex female"} | promise]
    certificate = {"legal_age_years": 18, "confidence": 0.95, "requirements": requirements}
    card = shipped | {"certificates": [certificate | promise]}
    rows = {
        line.split("|")[1].strip(): line.split("|")[-2].strip()
        for line in practice_statement(card).splitlines()
        if line.startswith(("| sex", "| ethnicity"))
    }
    assert rows["sex female"] == "yes"
    assert rows["sex male"] == rows["ethnicity asian"] == "no"


def test_a_card_without_gates_is_said_to_allow_nothing(shipped: dict[str, Any]) -> None:
    """As the gateway treats it."""
    without = {name: value for name, value in shipped.items() if name != "face_gates"}
    assert "never answers `ALLOW` with it" in practice_statement(without)
    text = practice_statement(without | {"face_gates": GATES})
    assert "| side pixels, at least | 40 |" in text
    assert "| brightness, at most | 0.95 |" in text
    assert "never answers `ALLOW` with it" not in text


def test_the_worst_stress_is_stated(shipped: dict[str, Any]) -> None:
    """Not the mildest one."""
    stress = [{"name": "old print", "mae_years": 7.5}, {"name": "grey", "mae_years": 5.0}]
    assert "“old print” | 7.50 years" in practice_statement(shipped | {"stress": stress})


def test_both_documents_are_written_side_by_side(tmp_path: Path, shipped: dict[str, Any]) -> None:
    """Into a folder that need not be there."""
    card, statement = write_documents(shipped, tmp_path / "new")
    assert card.read_text("utf-8") == model_card_document(shipped)
    assert statement.read_text("utf-8") == practice_statement(shipped)
