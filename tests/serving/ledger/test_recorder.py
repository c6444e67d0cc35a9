"""Whoever waits for a receipt gets one, or an error at once."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Sequence

import pytest

from agelane_serving.ledger.receipt import Entry, LedgerError, Receipt, Result
from agelane_serving.ledger.recorder import Recorder
from tests.serving.ledger.sales import sale

GOOD = Receipt(Result.RECORDED, 1.0)


class FaultyStore:
    """Raises what it is told to, over any entry of this cashier."""

    def __init__(self, cashier_id: str, error: Exception) -> None:
        self.cashier_id, self.error = cashier_id, error
        self.batches: list[int] = []
        self.may_go = threading.Event()

    def record(self, entries: Sequence[Entry]) -> list[Receipt]:
        """Record nothing."""
        self.may_go.wait()
        self.batches.append(len(entries))
        if any(entry.cashier_id == self.cashier_id for entry in entries):
            raise self.error
        return [GOOD] * len(entries)

    def close(self) -> None:
        """Do nothing."""


async def told(store: FaultyStore, *cashiers: str) -> list[Receipt | BaseException]:
    """Record a sale of each of them together; return what each was told."""
    recorder = Recorder(store)
    calls = [asyncio.create_task(recorder.record(sale(cashier_id=each))) for each in cashiers]
    await asyncio.sleep(0)  # all of them wait
    store.may_go.set()
    outcomes = await asyncio.gather(*calls, return_exceptions=True)
    assert await recorder.record(sale()) == GOOD
    await recorder.close()
    return outcomes


async def test_an_entry_that_can_not_be_recorded_harms_no_other() -> None:
    """Its own caller is told what is wrong, and the next ones are recorded as ever."""
    bug = OverflowError("too large")
    store = FaultyStore("bad", bug)
    assert await told(store, "c1", "bad", "c2") == [GOOD, bug, GOOD]


async def test_a_database_that_is_away_is_told_to_all_who_wait() -> None:
    """Nothing is tried again for them one by one."""
    store = FaultyStore("bad", LedgerError("away"))
    outcomes = await told(store, "c1", "bad", "c2")
    assert [type(outcome) for outcome in outcomes] == [LedgerError] * 3
    assert len({id(outcome) for outcome in outcomes}) == 3
    assert store.batches == [3, 1]


async def test_who_leaves_is_recorded_all_the_same() -> None:
    """And harms nobody who stays."""
    store = FaultyStore("bad", LedgerError("away"))
    recorder = Recorder(store)
    leaves = asyncio.create_task(recorder.record(sale()))
    stays = asyncio.create_task(recorder.record(sale()))
    await asyncio.sleep(0)
    leaves.cancel()
    store.may_go.set()
    assert await stays == GOOD
    await recorder.close()
    assert sum(store.batches) == 2
    with pytest.raises(asyncio.CancelledError):
        await leaves
