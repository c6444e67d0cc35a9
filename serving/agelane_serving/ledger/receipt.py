"""What becomes of what is recorded. Knows no database, so that whoever has none needs none."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum, auto

from agelane_serving.ledger.sale import Attempt, Sale

Entry = Sale | Attempt


class LedgerError(Exception):
    """The database can't be used; nothing of the batch was recorded. Quotes no password."""


class Result(Enum):
    """What became of one entry."""

    RECORDED = auto()
    """It is durable."""
    ALREADY_RECORDED = auto()
    """The same had been recorded before."""
    SALE_ID_REUSED = auto()
    """Something else had been recorded under that name; this was not."""
    TOKEN_REUSED = auto()
    """Another sale had been made under that assessment; the attempt was recorded, and no sale."""


@dataclass(frozen=True, slots=True)
class Receipt:
    """What a till is told."""

    result: Result
    """What became of it."""
    recorded_at: float
    """When it was first recorded, in Unix seconds; 0 if it was not."""
