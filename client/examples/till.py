"""A till's day: python client/examples/till.py SPOOL [HOST:PORT] < scanned.

Each line of standard input is a customer: a photo's path, then the goods that were scanned. What
the till asks the cashier, and what it records, go to standard output.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable

from agelane_client import (
    AlcoholDecision,
    Assessment,
    BasketLine,
    Client,
    RefusalReason,
    Sale,
    SaleOutcome,
)

ALCOHOL = {"beer", "wine"}


def main(spool: str, target: str = "127.0.0.1:50051") -> None:
    """Serve one customer after the other; no failure of the network stops the till."""
    with (
        # `offline`: where there is no answer, the decision is VERIFY_ID.
        Client(target, store_id="hamburg-1", lane_id="3", offline=True) as client,
        # Sales are safe on this disk at once, and told when the gateway takes them.
        client.sale_spool(spool) as sales,
    ):
        for customer in sys.stdin:
            photo, *goods = customer.split()
            assessment = client.assess(photo) if ALCOHOL.intersection(goods) else None
            sale = sold_or_refused(assessment, goods)
            sales.record(sale)
            print(sale.outcome, *goods)
        sales.drain(timeout=5)
        if waiting := sales.status().waiting:
            print(f"{waiting} sales will be told tomorrow")


def sold_or_refused(assessment: Assessment | None, goods: Iterable[str]) -> Sale:
    """Ask the cashier where a document is needed; here nobody shows one."""
    basket = tuple(
        BasketLine(category=it, restricted_category="alcohol" if it in ALCOHOL else "")
        for it in goods
    )
    if assessment is None or assessment.alcohol_decision is AlcoholDecision.ALLOW:
        return Sale(outcome=SaleOutcome.SOLD, assessment=assessment, basket=basket, cashier_id="c7")
    print("cashier:", "look at a document" if assessment.alcohol_decision == "VERIFY_ID" else "no")
    return Sale(
        outcome=SaleOutcome.REFUSED,
        refusal_reason=RefusalReason.NO_DOCUMENT,
        assessment=assessment,
        basket=basket,
        cashier_id="c7",
    )


if __name__ == "__main__":
    main(*sys.argv[1:])
