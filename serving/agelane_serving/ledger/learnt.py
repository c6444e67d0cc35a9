"""What gateways and reports tell each other through the ledger. None of it is about a person."""

from __future__ import annotations

from collections.abc import Mapping

from sqlalchemy import Engine, delete, insert, select

from agelane_serving.ledger.schema import confusions, lifts
from agelane_serving.ledger.store import snapshot, transaction

_ID = 1


def keep_confusions(engine: Engine, by_version: Mapping[int, str]) -> None:
    """Keep how versions of the model confuse age groups, as their cards have it (JSON).

    Raises:
        LedgerError: nothing was written.
    """
    rows = [
        {"model_version": version, "content": content} for version, content in by_version.items()
    ]
    with transaction(engine) as connection:
        connection.execute(delete(confusions).where(confusions.c.model_version.in_(by_version)))
        if rows:
            connection.execute(insert(confusions), rows)


def read_confusions(engine: Engine) -> dict[int, str]:
    """Return them by version; raises LedgerError."""
    with snapshot(engine) as connection:
        found = connection.execute(select(confusions.c.model_version, confusions.c.content))
        return {row.model_version: row.content for row in found}


def keep_lifts(engine: Engine, content: str, made_at: float) -> None:
    """Replace what offers are ranked by (JSON).

    Args:
        engine: of the ledger.
        content: as `policy.read_lift_lows` reads it.
        made_at: in Unix seconds.

    Raises:
        LedgerError: nothing was written.
    """
    row = {"id": _ID, "made_ms": round(1000 * made_at), "content": content}
    with transaction(engine) as connection:
        connection.execute(delete(lifts))
        connection.execute(insert(lifts).values(row))


def read_lifts(engine: Engine) -> str | None:
    """Return what offers are ranked by; None: nothing has been learnt. Raises LedgerError."""
    with snapshot(engine) as connection:
        content: str | None = connection.execute(select(lifts.c.content)).scalar()
        return content
