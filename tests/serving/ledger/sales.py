"""Sales for tests."""

from __future__ import annotations

import itertools
from typing import Any

from agelane_serving.ledger.sale import Assessed, Attempt, BasketLine, DocumentCheck, Outcome, Sale

KEY = bytes(range(32))
NOON = 1_793_448_000.0
_numbers = itertools.count()


def assessed(**changes: Any) -> Assessed:
    """Return an assessment of its own that asked for a document."""
    fields: dict[str, Any] = {
        "assessment_id": f"{next(_numbers):032x}",
        "decision": "VERIFY_ID",
        "reasons": ("TOO_CLOSE_TO_LEGAL_AGE",),
        "restricted_category": "alcohol",
        "legal_age_years": 18,
        "probability_under_legal_age": 0.03,
        "age_interval_years": (18.4, 41.7),
        "age_group_shares": (0.02, 0.28, 0.5, 0.2),
        "model_version": 7,
        "policy_version": "0123456789abcdef",
    }
    return Assessed(**(fields | changes))


def sale(**changes: Any) -> Sale:
    """Return a sale of its own: beer and bread, sold after a look at a document."""
    name = f"sale-{next(_numbers)}"
    fields: dict[str, Any] = {
        "sale_id": name,
        "store_id": "hamburg-1",
        "lane_id": "3",
        "cashier_id": "c7",
        "sold_at": NOON,
        "outcome": Outcome.SOLD,
        "voids_sale_id": "",
        "refusal_reason": "",
        "basket": (BasketLine("beer", "alcohol", 6, 594), BasketLine("bread", "", 1, 219)),
        "currency_code": "EUR",
        "document": DocumentCheck("OF_AGE", "TYPED", 4200, 31, 17),
        "supervisor_on_shift": None,
        "decided_offline": False,
        "assessed": assessed(),
        "digest": name,
    }
    return Sale(**(fields | changes))


def refusal(**changes: Any) -> Sale:
    """Return beer that was not sold: no document was there."""
    fields: dict[str, Any] = {
        "outcome": Outcome.REFUSED,
        "refusal_reason": "NO_DOCUMENT",
        "basket": (),
        "document": None,
    }
    return sale(**(fields | changes))


def attempt(**changes: Any) -> Attempt:
    """Return an attempt with a forged token."""
    fields: dict[str, Any] = {
        "sale_id": f"sale-{next(_numbers)}",
        "store_id": "hamburg-1",
        "lane_id": "3",
        "cashier_id": "c7",
        "fault": "TOKEN_FORGED",
    }
    return Attempt(**(fields | changes))
