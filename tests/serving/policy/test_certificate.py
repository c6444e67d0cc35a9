"""Certificates are read from a model card, and what is none is left out."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agelane_serving.policy import CardError, Certificate, read_certificates

GOOD: dict[str, Any] = {
    "legal_age_years": 18,
    "score": "probability_under_legal_age",
    "threshold": 0.0123,
    "max_false_clear_rate": 0.01,
    "confidence": 0.95,
    "minors": 640,
    "false_clears": 2,
}
_json = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.sampled_from(list(GOOD)), inner),
    max_leaves=8,
)


def card(*certificates: object) -> dict[str, object]:
    """Return a card with these certificates."""
    return {"schema": 1, "name": "age", "metrics": {}, "certificates": list(certificates)}


def test_good_certificates_are_read_and_bad_ones_left_out() -> None:
    """One bad entry spoils none of the others."""
    found = read_certificates(
        card(GOOD, GOOD | {"threshold": float("nan")}, GOOD | {"legal_age_years": 21}, 5, {})
    )
    assert found == (Certificate(18, 0.0123, 0.01, 0.95), Certificate(21, 0.0123, 0.01, 0.95))


def test_a_card_without_certificates_certifies_nothing() -> None:
    """That is no fault of the card."""
    assert read_certificates({"schema": 1}) == ()


@pytest.mark.parametrize("broken", [None, 5, [], "card", {}, {"schema": 2}, {"schema": "1"}])
def test_what_is_no_card_is_told_so(broken: object) -> None:
    """So that it can be read again later."""
    with pytest.raises(CardError):
        read_certificates(broken)


@given(_json)
def test_any_json_is_a_card_or_no_card(content: Any) -> None:
    """As the whole card, as its list, and as one of its entries."""
    for whole in (content, {"schema": 1, "certificates": content}, card(content)):
        try:
            found = read_certificates(whole)
        except CardError:
            continue
        for certificate in found:
            assert 0 <= certificate.threshold < 1


@given(st.sampled_from(["legal_age_years", "score", "threshold", "confidence"]), _json)
def test_a_damaged_certificate_never_gets_laxer(key: str, value: object) -> None:
    """It is left out, or still within the limits of a certificate."""
    for certificate in read_certificates(card(GOOD | {key: value})):
        assert certificate.legal_age_years in range(1, 101)
        assert 0 <= certificate.threshold < 1
