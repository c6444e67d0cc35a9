"""Both languages say everything, with the same places, and write numbers as their readers do."""

from __future__ import annotations

import re
from datetime import UTC, date
from pathlib import Path

import tomllib
from hypothesis import given
from hypothesis import strategies as st

import agelane_serving.console
from agelane.v1 import admin_pb2, assessment_pb2, report_pb2, sale_pb2
from agelane_serving.console.alert_cards import KINDS, STATES
from agelane_serving.console.texts import LANGUAGES, preferred, texts_of

CONSOLE = Path(agelane_serving.console.__file__).parent


def content(language: str) -> dict[str, dict[str, str]]:
    """Return a language's file."""
    return tomllib.loads((CONSOLE / "texts" / f"{language}.toml").read_text("utf-8"))


def test_all_languages_have_the_same_keys_and_places() -> None:
    """In the same order, so that they can be read beside each other."""
    first, *others = (content(language) for language in LANGUAGES)
    for other in others:
        for group, texts in first.items():
            assert list(other[group]) == list(texts)
            for key, text in texts.items():
                places = sorted(re.findall(r"{\w+}", text))
                assert sorted(re.findall(r"{\w+}", other[group][key])) == places, key
        assert list(other) == list(first)


def test_every_text_that_the_code_names_is_there() -> None:
    """Those that are named by what they are told are in other tests."""
    texts = content("en")
    for path in CONSOLE.rglob("*.py"):
        for group, key in re.findall(r'texts\(\s*"(\w+)\.(\w+)"', path.read_text("utf-8")):
            assert key in texts[group], f"{path.name}: {group}.{key}"


def test_every_value_of_the_contract_has_a_name() -> None:
    """A value that is added to it needs words here."""
    named = {
        "decision": (assessment_pb2.AlcoholDecision, "ALCOHOL_DECISION_"),
        "reason": (assessment_pb2.DecisionReason, "DECISION_REASON_"),
        "kind": (report_pb2.CashierAlertKind, "CASHIER_ALERT_KIND_"),
        "question": (report_pb2.CashierAlertKind, "CASHIER_ALERT_KIND_"),
        "state": (report_pb2.CashierAlertState, "CASHIER_ALERT_STATE_"),
        "outcome": (sale_pb2.SaleOutcome, "SALE_OUTCOME_"),
        "refusal": (sale_pb2.RefusalReason, "REFUSAL_REASON_"),
        "document": (sale_pb2.DocumentResult, "DOCUMENT_RESULT_"),
        "breaker": (admin_pb2.BreakerState, "BREAKER_STATE_"),
    }
    texts = content("en")
    for group, (enum, prefix) in named.items():
        values = {name.removeprefix(prefix) for name, _ in enum.items()} - {"UNSPECIFIED"}
        assert values <= set(texts[group]), group
    assert set(KINDS) == set(texts["kind"])
    assert set(STATES) == set(texts["state"])


def test_numbers_are_written_as_each_language_writes_them() -> None:
    """With a sign that is as wide as a plus, and spaces that don't break."""
    english, russian = texts_of("en"), texts_of("ru")
    assert english.number(-1234.5, 1) == "−1,234.5"
    assert russian.number(-1234.5, 1) == "−1\u202f234,5"
    assert english.percent(0.125, 1) == "12.5\u00a0%"
    assert english.number(None) == english.percent(None) == english.moment(0, UTC) == "–"
    assert english.day(date(2026, 3, 1)) == "1\u00a0Mar\u00a02026"
    assert russian.moment(1_793_448_000, UTC) == "31.10.2026, 12:00"


def test_a_value_that_is_newer_than_the_console_is_told_as_it_is() -> None:
    """And what is empty is a dash."""
    assert texts_of("en").name("reason", "SOMETHING_NEW") == "something new"
    assert texts_of("en").name("document", "") == "–"


def test_the_browser_tells_the_language() -> None:
    """The first one that the console speaks; English for others."""
    assert preferred("ru-RU,ru;q=0.9,en;q=0.8") == "ru"
    assert preferred("de,ru;q=0.5") == "ru"
    assert preferred("de-DE") == "en"


@given(st.text())
def test_any_header_gives_a_language(accepted: str) -> None:
    """Whatever a browser sends."""
    assert preferred(accepted) in LANGUAGES
