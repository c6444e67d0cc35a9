"""The JSON of a sale, whatever it holds."""

from __future__ import annotations

import base64
import json
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agelane_client import DocumentResult, RequestError, SaleOutcome
from agelane_client.cli.sales import sale_of_json
from agelane_client.options import Options
from agelane_client.sales import sale_request

ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3)
    ),
    max_leaves=6,
)
FIELDS = (
    "sale_id assessment_token sold_at store_id lane_id cashier_id basket currency_code"
    " document_check refusal_reason voids_sale_id supervisor_on_shift decided_offline"
)
NAMES = st.sampled_from(["SOLD", "OF_AGE", "TYPED", "OTHER", "2026-11-30T12:00:00Z"])


def sale(**fields: Any) -> bytes:
    """Return the JSON of a sale with these fields."""
    usual = {"sale_id": "s", "outcome": "SOLD", "sold_at": "2026-11-30T12:00:00Z"}
    return json.dumps({**usual, **fields}).encode()


@given(
    st.fixed_dictionaries(
        {"outcome": st.sampled_from(list(SaleOutcome.__members__))},
        optional=dict.fromkeys(FIELDS.split(), ANYTHING | NAMES),
    )
)
def test_any_json_is_a_sale_or_a_request_error(document: dict[str, Any]) -> None:
    """And what is a sale can be sent."""
    with suppress(RequestError):
        told = sale_of_json(json.dumps(document).encode())
        assert sale_request(told, Options()).SerializeToString()


@given(st.binary(max_size=60))
def test_any_bytes_are_a_sale_or_a_request_error(content: bytes) -> None:
    """Not even of UTF-8 they must be."""
    with pytest.raises(RequestError):
        sale_of_json(content)


@given(
    lines=st.lists(
        st.fixed_dictionaries(
            {"category": st.from_regex(r"[a-zа-я]{1,20}", fullmatch=True)},
            optional={
                "quantity": st.integers(1, 2**32 - 1),
                "amount_minor": st.integers(-(2**63), 2**63 - 1),
            },
        ),
        max_size=4,
    ),
    token=st.binary(max_size=40),
    seconds=st.floats(0, 600),
)
def test_what_is_told_arrives(lines: list[dict[str, Any]], token: bytes, seconds: float) -> None:
    """Every number, up to the largest."""
    told = sale_of_json(
        sale(
            basket=lines,
            assessment_token=base64.b64encode(token).decode(),
            document_check={"result": "OF_AGE", "duration": seconds},
        )
    )
    request = sale_request(told, Options())
    assert [line.category for line in request.basket] == [line["category"] for line in lines]
    assert [line.amount_minor for line in request.basket] == [
        line.get("amount_minor", 0) for line in lines
    ]
    assert request.assessment_token == token
    assert told.document_check is not None
    assert told.document_check.result is DocumentResult.OF_AGE
    assert request.document_check.duration.ToTimedelta() == told.document_check.duration


@pytest.mark.parametrize(
    ("fields", "field", "words"),
    [
        ({"outcome": "GIVEN"}, "outcome", "one of SOLD, REFUSED, VOIDED"),
        ({"outcome": 1}, "outcome", "one of"),
        ({"refusal_reason": "BAD_MOOD"}, "refusal_reason", "NO_DOCUMENT"),
        ({"price": 1}, "price", "is no field of the sale; they are sale_id, outcome"),
        ({"sale_id": 7}, "sale_id", "a text"),
        ({"cashier_id": "\ud800"}, "cashier_id", "a text"),
        ({"assessment_token": "not base64!"}, "assessment_token", "Base64"),
        ({"assessment_token": 7}, "assessment_token", "Base64"),
        ({"sold_at": "2026-11-30T12:00:00"}, "sold_at", "with a zone"),
        ({"sold_at": "yesterday"}, "sold_at", "with a zone"),
        ({"sold_at": 1_793_448_000}, "sold_at", "with a zone"),
        ({"basket": {}}, "basket", "a list"),
        ({"basket": [{"category": "x"}] * 501}, "basket", "at most 500"),
        ({"basket": [{}]}, "category", "is missing"),
        ({"basket": ["beer"]}, "a line of the basket", "must be a JSON object"),
        ({"basket": [{"category": "x", "quantity": -1}]}, "quantity", "a whole number of 1 to"),
        ({"basket": [{"category": "x", "quantity": True}]}, "quantity", "a whole number"),
        ({"basket": [{"category": "x", "amount_minor": 5.99}]}, "amount_minor", "a whole number"),
        ({"document_check": {}}, "result", "is missing"),
        ({"document_check": {"result": "OF_AGE", "duration": -1}}, "duration", "0 to 600"),
        ({"document_check": {"result": "OF_AGE", "duration": True}}, "duration", "0 to 600"),
        ({"supervisor_on_shift": 1}, "supervisor_on_shift", "true or false"),
    ],
)
def test_a_wrong_field_is_named(fields: dict[str, Any], field: str, words: str) -> None:
    """With what it must be."""
    with pytest.raises(RequestError) as caught:
        sale_of_json(sale(**fields))
    assert caught.value.field == field
    assert words in caught.value.message
