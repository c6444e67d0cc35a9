"""Where figures come from, and what it means when one of these places is away."""

from __future__ import annotations

from collections.abc import Awaitable
from dataclasses import dataclass
from enum import Enum
from typing import TypeVar

_Found = TypeVar("_Found")


class Source(Enum):
    """A place that the console reads; texts name each under `source`."""

    LEDGER = "ledger"
    """The database of sales."""
    GATEWAY = "gateway"
    """The gateway's assessments."""
    REPORTS = "reports"
    """The gateway's reports."""
    ADMIN = "admin"
    """What the gateway tells operators."""


class SourceError(Exception):
    """A place can't be read now. What is in it is for people, and quotes no secret."""

    def __init__(self, source: Source, code: str, detail: str) -> None:
        """`code` is a canonical gRPC code, as UNAVAILABLE; `detail` the words of the other side."""
        super().__init__(f"{source.value}: {code}: {detail}")
        self.source, self.code, self.detail = source, code, detail


@dataclass(frozen=True, slots=True)
class Span:
    """A span of time, in Unix seconds."""

    start: float
    """First moment, inclusive."""
    end: float
    """First moment after it; later than `start`."""


async def tried(reading: Awaitable[_Found]) -> _Found | SourceError:
    """Return what was read, or why it was not: a place that is away takes no more than its part."""
    try:
        return await reading
    except SourceError as error:
        return error
