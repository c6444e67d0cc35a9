"""What the console says in each language; numbers and moments as that language writes them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import date, datetime, tzinfo
from functools import cache
from importlib import resources
from typing import Any

import tomllib

LANGUAGES = {"en": "English", "ru": "Русский"}
"""Languages by their codes, in their own words; the first one is what others are told."""
NOTHING = "–"
_THIN, _FIXED = "\u202f", "\u00a0"


class Texts:
    """The words of one language."""

    def __init__(self, language: str) -> None:
        """`language` is one of LANGUAGES."""
        self.language = language
        self._texts = _read(language)

    def __call__(self, key: str, **values: object) -> str:
        """Return the text of a key, as `today.title`, its {places} filled; raises KeyError."""
        text = self._texts[key]
        return text.format(**values) if values else text

    def name(self, group: str, value: str) -> str:
        """Return what a value of the contract is called, as `decision` and `ALLOW`.

        A value that is newer than the console is told as it is; an empty one as a dash.
        """
        return self._texts.get(f"{group}.{value}", value.replace("_", " ").lower()) or NOTHING

    def number(self, value: float | None, digits: int = 0) -> str:
        """Return a number with this many digits after the point; None is a dash."""
        if value is None:
            return NOTHING
        text = f"{value:,.{digits}f}"
        if self.language == "ru":
            return text.replace(",", _THIN).replace(".", ",").replace("-", "−")
        return text.replace("-", "−")

    def percent(self, share: float | None, digits: int = 0) -> str:
        """Return a share, 0 … 1, as a percentage."""
        if share is None:
            return NOTHING
        return f"{self.number(100 * share, digits)}{_FIXED}%"

    def moment(self, seconds: float, zone: tzinfo) -> str:
        """Return a moment in Unix seconds as day and minute of a zone; 0 is a dash."""
        if not seconds:
            return NOTHING
        at = datetime.fromtimestamp(seconds, zone)
        return f"{self.day(at.date())}, {at:%H:%M}"

    def short_day(self, day: date) -> str:
        """Return a day without its year."""
        return (
            f"{day:%d.%m}"
            if self.language == "ru"
            else f"{day.day}{_FIXED}{_MONTHS[day.month - 1]}"
        )

    def day(self, day: date) -> str:
        """Return a day."""
        if self.language == "ru":
            return f"{day:%d.%m.%Y}"
        return f"{self.short_day(day)}{_FIXED}{day.year}"


@cache
def texts_of(language: str) -> Texts:
    """Return the words of a language; of the first one for codes that are not known."""
    return Texts(language if language in LANGUAGES else next(iter(LANGUAGES)))


def preferred(accepted: str) -> str:
    """Return the code of the language that fits a browser's Accept-Language best."""
    for part in accepted.lower().split(","):
        code = part.partition(";")[0].strip().partition("-")[0]
        if code in LANGUAGES:
            return code
    return next(iter(LANGUAGES))


def _read(language: str) -> dict[str, str]:
    content = resources.files(__package__).joinpath(f"{language}.toml").read_text("utf-8")
    return dict(_flat(tomllib.loads(content), ""))


def _flat(table: Mapping[str, Any], path: str) -> Iterator[tuple[str, str]]:
    for key, value in table.items():
        if isinstance(value, dict):
            yield from _flat(value, f"{path}{key}.")
        else:
            yield f"{path}{key}", value


_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
