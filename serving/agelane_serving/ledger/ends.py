"""Where the chain begins and ends: what is read before it grows or is shortened."""

from __future__ import annotations

from sqlalchemy import Connection, delete, insert, select, update

from agelane_serving.ledger.chain import BEGINNING, Position, start_seal
from agelane_serving.ledger.schema import chain_start, head

_ID = 1


def begin_chain(connection: Connection) -> None:
    """Put the head of an empty chain into fresh tables."""
    if read_head(connection) is None:
        connection.execute(
            insert(head).values(id=_ID, number=BEGINNING.number, hash=BEGINNING.hash)
        )


def lock_head(connection: Connection) -> Position:
    """Return the last event, which nobody else can follow until this transaction ends.

    Raises:
        sqlalchemy.exc.NoResultFound: the chain has no head.
    """
    columns = (head.c.number, head.c.hash)
    found = connection.execute(select(*columns).where(head.c.id == _ID).with_for_update()).one()
    return Position(found.number, bytes(found.hash))


def move_head(connection: Connection, last: Position) -> None:
    """Let the chain end with this event."""
    connection.execute(
        update(head).where(head.c.id == _ID).values(number=last.number, hash=last.hash)
    )


def read_head(connection: Connection) -> Position | None:
    """Return the last event; None: the head is not there."""
    found = connection.execute(select(head.c.number, head.c.hash)).one_or_none()
    return None if found is None else Position(found.number, bytes(found.hash))


def read_start(connection: Connection, key: bytes) -> Position | None:
    """Return the event after which the chain begins; None: somebody without the key says where."""
    found = connection.execute(select(chain_start)).one_or_none()
    if found is None:
        return BEGINNING
    start = Position(found.number, bytes(found.hash))
    return start if bytes(found.seal) == start_seal(key, start) else None


def move_start(connection: Connection, key: bytes, start: Position) -> None:
    """Let the chain begin after this event."""
    connection.execute(delete(chain_start))
    connection.execute(
        insert(chain_start).values(
            id=_ID, number=start.number, hash=start.hash, seal=start_seal(key, start)
        )
    )
