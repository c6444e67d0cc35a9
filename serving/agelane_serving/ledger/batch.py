"""Many entries in one transaction: looks up what is known, then writes all that is new at once."""

from __future__ import annotations

import os
import time
from collections import defaultdict
from collections.abc import Sequence

from sqlalchemy import Connection, Table, insert, select

from agelane_serving.ledger.chain import SALT_SIZE, Position, link, seal
from agelane_serving.ledger.ends import lock_head, move_head
from agelane_serving.ledger.receipt import Entry, Receipt, Result
from agelane_serving.ledger.rows import Row, event_of_attempt, event_of_sale, marketing_of_sale
from agelane_serving.ledger.sale import Attempt, Outcome, Sale
from agelane_serving.ledger.schema import events, sales, used_assessments


class Batch:
    """One transaction's work; for one call of `record`."""

    def __init__(self, connection: Connection, key: bytes) -> None:
        """Lock the chain's end; the transaction must not have read anything before."""
        self._connection, self._key = connection, key
        self._last = lock_head(connection)
        self._new: dict[Table, list[Row]] = defaultdict(list)

    def record(self, entries: Sequence[Entry]) -> list[Receipt]:
        """Record entries in their order; durable once the transaction is."""
        wanted = [entry for entry in entries if isinstance(entry, Sale)]
        self._known = self._known_sales([sale.sale_id for sale in wanted])
        self._used = self._used_assessments(
            [sale.assessed.assessment_id for sale in wanted if sale.assessed is not None]
        )
        random = os.urandom(SALT_SIZE * len(entries))
        self._salts = (random[at : at + SALT_SIZE] for at in range(0, len(random), SALT_SIZE))
        receipts = [
            self._sale(entry) if isinstance(entry, Sale) else self._attempt(entry)
            for entry in entries
        ]
        self._write()
        return receipts

    def _sale(self, sale: Sale) -> Receipt:
        known = self._known.get(sale.sale_id)
        if known is not None:
            digest, recorded_ms = known
            # What was erased can't be compared any more; it is no other sale.
            same = digest in (sale.digest, "")
            result = Result.ALREADY_RECORDED if same else Result.SALE_ID_REUSED
            return Receipt(result, recorded_ms / 1000 if same else 0.0)
        # A sale that was cancelled has used nothing up: it is rung up again.
        if sale.assessed is not None and sale.outcome is not Outcome.VOIDED:
            name = sale.assessed.assessment_id
            if name in self._used:
                self._attempt(_attempt_of(sale))
                return Receipt(Result.TOKEN_REUSED, 0.0)
            self._used.add(name)
            self._new[used_assessments].append({"assessment_id": name, "sale_id": sale.sale_id})
        recorded_ms = _now_ms()
        self._append(event_of_sale(sale, self._last.number + 1, recorded_ms))
        self._known[sale.sale_id] = (sale.digest, recorded_ms)
        self._new[sales].append(
            {
                "sale_id": sale.sale_id,
                "number": self._last.number,
                "digest": sale.digest,
                "recorded_ms": recorded_ms,
            }
        )
        for table, rows in marketing_of_sale(sale).items():
            self._new[table] += rows
        return Receipt(Result.RECORDED, recorded_ms / 1000)

    def _attempt(self, attempt: Attempt) -> Receipt:
        recorded_ms = _now_ms()
        self._append(event_of_attempt(attempt, self._last.number + 1, recorded_ms))
        return Receipt(Result.RECORDED, recorded_ms / 1000)

    def _append(self, row: Row) -> None:
        salt = next(self._salts)
        row["cashier_salt"] = salt
        row["cashier_seal"] = seal(self._key, salt, row["store_id"], row["cashier_id"])
        row["hash"] = link(self._key, self._last.hash, row)
        self._last = Position(row["number"], row["hash"])
        self._new[events].append(row)

    def _write(self) -> None:
        if not self._new:
            return
        for table, rows in self._new.items():
            self._connection.execute(insert(table), rows)
        move_head(self._connection, self._last)

    def _known_sales(self, names: Sequence[str]) -> dict[str, tuple[str, int]]:
        found = self._connection.execute(
            select(sales.c.sale_id, sales.c.digest, sales.c.recorded_ms).where(
                sales.c.sale_id.in_(names)
            )
        )
        return {row.sale_id: (row.digest, row.recorded_ms) for row in found}

    def _used_assessments(self, names: Sequence[str]) -> set[str]:
        column = used_assessments.c.assessment_id
        return set(self._connection.execute(select(column).where(column.in_(names))).scalars())


def _attempt_of(sale: Sale) -> Attempt:
    return Attempt(sale.sale_id, sale.store_id, sale.lane_id, sale.cashier_id, "TOKEN_REUSED")


def _now_ms() -> int:
    return round(1000 * time.time())
