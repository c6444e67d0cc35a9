"""A gateway that is killed loses no sale that it has acknowledged."""

from __future__ import annotations

from tests.serving.faults.sales import kill_and_record
from tests.serving.ledger.conftest import server, url

__all__ = ["server", "url"]  # fixtures: SQLite and PostgreSQL


async def test_what_was_acknowledged_is_there_once(url: str) -> None:
    """The long run is `python -m tests.serving.faults.sales`."""
    outcome = await kill_and_record(url, sales=400, kills=4)
    assert outcome.acknowledged == 400
    assert outcome.holds, outcome
