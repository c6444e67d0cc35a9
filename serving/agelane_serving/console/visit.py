"""One request for a page: who asks, in which language, for which store and days."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from urllib.parse import urlencode
from zoneinfo import ZoneInfo

from agelane_serving.console.sources import Span
from agelane_serving.console.texts import Texts
from agelane_serving.console.users import User

LONGEST_DAYS = 400
_GRAIN_SECONDS = 300


@dataclass(frozen=True, slots=True)
class Visit:
    """What a page is made for."""

    user: User
    """Who asks; may see the page."""
    token: str
    """Of their session."""
    texts: Texts
    """The words of their language."""
    zone: ZoneInfo
    """The stores' time."""
    now: datetime
    """The moment of the request, in that zone."""
    path: str
    """What is asked for."""
    query: Mapping[str, str]
    """Their filters, as they typed or clicked them: anything at all."""

    @property
    def store(self) -> str:
        """The store that they look at, one of theirs; empty: all."""
        asked = self.query.get("store", "")
        if self.user.stores is None:
            return asked
        return asked if asked in self.user.stores else self.user.stores[0]

    def days(self, many: int = 28) -> tuple[date, date]:
        """Return the first and the last day that they look at; by default the last `many`."""
        today = self.now.date()
        last = min(_day(self.query.get("to", "")) or today, today)
        first = _day(self.query.get("from", "")) or last - timedelta(days=many - 1)
        return max(min(first, last), last - timedelta(days=LONGEST_DAYS)), last

    def day(self) -> date:
        """Return the one day that they look at; by default today."""
        today = self.now.date()
        return min(_day(self.query.get("day", "")) or today, today)

    def span(self, first: date, last: date) -> Span:
        """Return these days as a span; the end of today is now, to five minutes.

        So that reports that are asked for soon after one another are the same.
        """
        start = self._midnight(first)
        end = self._midnight(last + timedelta(days=1))
        now = self.now.timestamp()
        return Span(start, end if end <= now else max(start + 1, now - now % _GRAIN_SECONDS))

    def link(self, path: str, **changes: str) -> str:
        """Return an address with the filters of this visit that other pages have too, changed."""
        kept = {name: self.query.get(name, "") for name in ("store", "from", "to")}
        query = {name: value for name, value in (kept | changes).items() if value}
        return f"{path}?{urlencode(query)}" if query else path

    def _midnight(self, day: date) -> float:
        return datetime.combine(day, time(), self.zone).timestamp()


def _day(text: str) -> date | None:
    try:
        return date.fromisoformat(text)
    except ValueError:
        return None
