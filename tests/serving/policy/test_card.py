"""A model card is read, and what is invalid in it promises nothing."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agelane_serving.policy import CardError, Certificate, read_card
from tests.serving.policy.faces import GATES

CERTIFICATE: dict[str, Any] = {
    "legal_age_years": 18,
    "score": "probability_under_legal_age",
    "threshold": 0.0123,
    "max_false_clear_rate": 0.01,
    "confidence": 0.95,
    "minors": 640,
    "false_clears": 2,
}
FACE_GATES: dict[str, Any] = asdict(GATES)
_names = st.sampled_from([*CERTIFICATE, *FACE_GATES])
_json = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(_names, inner),
    max_leaves=8,
)


def card(*certificates: object, face_gates: object = FACE_GATES) -> dict[str, object]:
    """Return a card with these certificates and gates."""
    return {
        "schema": 1,
        "name": "age",
        "metrics": {},
        "certificates": list(certificates),
        "face_gates": face_gates,
    }


def test_good_certificates_are_read_and_bad_ones_left_out() -> None:
    """One bad entry spoils none of the others."""
    bad = CERTIFICATE | {"threshold": float("nan")}
    found = read_card(card(CERTIFICATE, bad, CERTIFICATE | {"legal_age_years": 21}, 5, {}))
    assert found.certificates == (
        Certificate(18, 0.0123, 0.01, 0.95),
        Certificate(21, 0.0123, 0.01, 0.95),
    )
    assert found.face_gates == GATES


def test_a_card_without_certificates_and_gates_promises_nothing() -> None:
    """That is no fault of the card."""
    found = read_card({"schema": 1})
    assert (found.certificates, found.face_gates) == ((), None)


@pytest.mark.parametrize(
    "face_gates",
    [
        None,
        5,
        [],
        {},
        {name: value for name, value in FACE_GATES.items() if name != "min_sharpness"},
        FACE_GATES | {"min_score": "0.75"},
        FACE_GATES | {"min_side_pixels": float("nan")},
        FACE_GATES | {"max_yaw_degrees": 30},
        FACE_GATES | {5: 5},
    ],
)
def test_gates_that_are_not_valid_are_none(face_gates: object) -> None:
    """One too few, one broken, one that is not known here; the certificates stay what they are."""
    found = read_card(card(CERTIFICATE, face_gates=face_gates))
    assert found.face_gates is None
    assert len(found.certificates) == 1


@pytest.mark.parametrize("broken", [None, 5, [], "card", {}, {"schema": 2}, {"schema": "1"}])
def test_what_is_no_card_is_told_so(broken: object) -> None:
    """So that it can be read again later."""
    with pytest.raises(CardError):
        read_card(broken)


@given(_json)
def test_any_json_is_a_card_or_no_card(content: Any) -> None:
    """As the whole card, as its list, as one of its entries, and as its gates."""
    for whole in (
        content,
        {"schema": 1, "certificates": content},
        card(content),
        card(face_gates=content),
    ):
        try:
            found = read_card(whole)
        except CardError:
            continue
        for certificate in found.certificates:
            assert 0 <= certificate.threshold < 1


@given(st.sampled_from(["legal_age_years", "score", "threshold", "confidence"]), _json)
def test_a_damaged_certificate_never_gets_laxer(key: str, value: object) -> None:
    """It is left out, or still within the limits of a certificate."""
    for certificate in read_card(card(CERTIFICATE | {key: value})).certificates:
        assert certificate.legal_age_years in range(1, 101)
        assert 0 <= certificate.threshold < 1


@given(st.sampled_from(list(FACE_GATES)), _json)
def test_damaged_gates_are_none_or_still_gates(key: str, value: object) -> None:
    """No number outside its range gets through."""
    found = read_card(card(face_gates=FACE_GATES | {key: value})).face_gates
    if found is not None:
        assert 0 <= found.min_score <= 1
        assert 0 <= found.min_brightness <= found.max_brightness <= 1
        assert 0 <= found.min_side_pixels < float("inf")
        assert 0 <= found.min_sharpness < float("inf")
