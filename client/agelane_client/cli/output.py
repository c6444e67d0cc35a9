"""How the command `agelane` prints what it got: as a table for people, as JSON for programs."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass

from agelane_client.errors import AgelaneError
from agelane_client.results import Assessment


def say(line: str) -> None:
    """Print `line`, at once: a script acts upon it, and a full disk shows."""
    print(line, flush=True)


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """What became of one photo: either an assessment or an error."""

    photo: str
    """The photo as it was named on the command line."""
    assessment: Assessment | None = None
    """The answer. None: there is none."""
    error: AgelaneError | None = None
    """Why there is no answer. None: there is one."""
    latency_ms: float | None = None
    """Milliseconds from reading the file to the answer. None: there is no answer."""


def json_line(outcome: Outcome, *, full: bool = False) -> str:
    """Return one JSON object; without an answer all but the photo is null and `error` is there.

    With `full`, `assessment` has whatever the gateway told, its token too.
    """
    it = outcome.assessment
    document: dict[str, object] = {
        "photo": outcome.photo,
        "age_years": it and it.age_years,
        "age_low": it and it.age_low_years,
        "age_high": it and it.age_high_years,
        "age_group": it and it.age_group and it.age_group.id,
        "alcohol_decision": it and it.alcohol_decision,
        "reasons": it and it.reasons,
        "probability_under_legal_age": it and it.probability_under_legal_age,
        "model_version": it and it.model and it.model.version,
        "latency_ms": None if outcome.latency_ms is None else round(outcome.latency_ms, 3),
    }
    if full:
        document["assessment"] = it and it.to_dict()
    error = outcome.error or (it and it.error)  # the latter beside a decision made offline
    if error:
        document["error"] = error_document(error)
    return json.dumps(document, allow_nan=False)


def error_document(error: AgelaneError) -> dict[str, str]:
    """Return `error` as JSON has it."""
    return {"reason": error.reason or error.code, "message": error.message}


class Table:
    """Lines of a table, with columns wide enough for the photos that are to come."""

    _COLUMNS = "{age:>5}  {interval:>12}  {group:<7}  {alcohol:<9}  {under:>9}  {ms:>6}  {reasons}"

    def __init__(self, photos: Sequence[str]) -> None:
        """`photos` are the names of all photos."""
        self._width = max(len("photo"), *(len(printable(photo)) for photo in photos))
        self._has_head = False

    def row(self, outcome: Outcome) -> str:
        """Return the line for `outcome`, the first time below the head of the table."""
        line = self._line(printable(outcome.photo), self._cells(outcome))
        if self._has_head:
            return line
        self._has_head = True
        return f"{self._head(outcome.assessment)}\n{line}"

    def _head(self, first: Assessment | None) -> str:
        legal_age = (first and first.legal_age_years) or "legal"
        cells = self._COLUMNS.format(
            age="age",
            interval="90 % within",
            group="group",
            alcohol="alcohol",
            under=f"P(<{legal_age})",
            ms="ms",
            reasons="reasons",
        )
        return self._line("photo", cells)

    def _cells(self, outcome: Outcome) -> str:
        if outcome.error:
            return f"error: {printable(str(outcome.error))}"
        it = outcome.assessment
        if it is None:
            return ""
        under = it.probability_under_legal_age
        return self._COLUMNS.format(
            age=_number(it.age_years, ".1f"),
            interval=_interval(it),
            group=printable(it.age_group.label) if it.age_group else "-",
            alcohol=it.alcohol_decision,
            under=_number(under, ".2%"),
            ms=_number(outcome.latency_ms, ".0f"),
            reasons=", ".join(it.reasons),
        )

    def _line(self, photo: str, cells: str) -> str:
        return f"{photo:<{self._width}}  {cells}".rstrip()


def printable(text: str) -> str:
    """Return `text` on one line, without what could steer a terminal or not be encoded."""
    line = " ".join(text.split())
    return "".join(char if char.isprintable() else ascii(char)[1:-1] for char in line)


def _interval(assessment: Assessment) -> str:
    low, high = assessment.age_low_years, assessment.age_high_years
    return "-" if low is None or high is None else f"{low:.1f} to {high:.1f}"


def _number(value: float | None, form: str) -> str:
    return "-" if value is None else format(value, form)
