"""From sales and attempts to rows of the tables."""

from __future__ import annotations

import os
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import Table

from agelane_serving.ledger.sale import Attempt, Outcome, Sale
from agelane_serving.ledger.schema import basket_lines, basket_offers, baskets

SALE, ATTEMPT = "SALE", "ATTEMPT"
Row = dict[str, Any]


def event_of_sale(sale: Sale, number: int, recorded_ms: int) -> Row:
    """Return the event of a sale, without seal and hash."""
    row = _nothing(SALE, sale, number, recorded_ms)
    row |= {
        "sold_ms": round(1000 * sale.sold_at),
        "outcome": sale.outcome.name,
        "voids_sale_id": sale.voids_sale_id,
        "refusal_reason": sale.refusal_reason,
        "restricted_category": sale.restricted_category,
        "supervisor_on_shift": sale.supervisor_on_shift,
        "decided_offline": sale.decided_offline,
    }
    if sale.assessed is not None:
        low, high = sale.assessed.age_interval_years or (None, None)
        row |= {
            "assessment_id": sale.assessed.assessment_id,
            "decision": sale.assessed.decision,
            "reasons": ",".join(sale.assessed.reasons),
            "legal_age_years": sale.assessed.legal_age_years,
            "probability_under_legal_age": sale.assessed.probability_under_legal_age,
            "age_low_years": low,
            "age_high_years": high,
            "model_version": sale.assessed.model_version,
            "policy_version": sale.assessed.policy_version,
        }
    if sale.document is not None:
        row |= {
            "document_result": sale.document.result,
            "document_reading": sale.document.reading,
            "check_ms": sale.document.milliseconds,
            "document_age_years": sale.document.age_years,
            "birth_date_bucket": sale.document.birth_date_bucket,
        }
    return row


def event_of_attempt(attempt: Attempt, number: int, recorded_ms: int) -> Row:
    """Return the event of an attempt, without seal and hash."""
    row = _nothing(ATTEMPT, attempt, number, recorded_ms)
    return row | {"fault": attempt.fault, "sold_ms": recorded_ms}


def marketing_of_sale(sale: Sale) -> dict[Table, list[Row]]:
    """Return what marketing learns of a sale, a basket first, then what refers to it.

    The day and not the moment, shares of age groups and not the age: so that a basket does not tell
    which event it belongs to.
    """
    if sale.outcome is not Outcome.SOLD or sale.assessed is None or not sale.basket:
        return {}
    if not sale.assessed.age_group_shares:
        return {}
    name = os.urandom(16).hex()
    basket = {
        "id": name,
        "day": datetime.fromtimestamp(sale.sold_at, UTC).date(),
        "store_id": sale.store_id,
        "age_group_shares": ",".join(f"{share:.2f}" for share in sale.assessed.age_group_shares),
        "model_version": sale.assessed.model_version,
        "policy_version": sale.assessed.policy_version,
    }
    lines = [
        {
            "basket_id": name,
            "position": position,
            "category": line.category,
            "restricted_category": line.restricted_category,
            "quantity": line.quantity,
            "amount_minor": line.amount_minor,
            "currency_code": sale.currency_code,
        }
        for position, line in enumerate(sale.basket)
    ]
    offers = [
        {
            "basket_id": name,
            "position": position,
            "offer_id": offer.id,
            "category": offer.category,
            "held_out": sale.offers_held_out,
        }
        for position, offer in enumerate(sale.offers)
    ]
    tables = {baskets: [basket], basket_lines: lines, basket_offers: offers}
    return {table: rows for table, rows in tables.items() if rows}


def _nothing(kind: str, of: Sale | Attempt, number: int, recorded_ms: int) -> Row:
    """Return an event of which only who, where and when is known."""
    text = (
        *("outcome", "voids_sale_id", "refusal_reason", "restricted_category"),
        *("assessment_id", "decision", "reasons", "policy_version"),
        *("document_result", "document_reading", "fault"),
    )
    unknown = (
        *("legal_age_years", "probability_under_legal_age", "age_low_years", "age_high_years"),
        *("model_version", "check_ms", "document_age_years", "birth_date_bucket"),
        "supervisor_on_shift",
    )
    return {
        "number": number,
        "kind": kind,
        "recorded_ms": recorded_ms,
        "sale_id": of.sale_id,
        "store_id": of.store_id,
        "lane_id": of.lane_id,
        "cashier_id": of.cashier_id,
        "decided_offline": False,
        **dict.fromkeys(text, ""),
        **dict.fromkeys(unknown),
    }
