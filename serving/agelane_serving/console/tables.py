"""Tables, said once and written twice: for a page, and for a spreadsheet."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from html import escape

_FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r", "\n")


@dataclass(frozen=True, slots=True)
class Cell:
    """One figure or word."""

    text: str
    """As people read it."""
    value: str | float | None = None
    """As a spreadsheet gets it, and as it is sorted by; None: the text."""
    href: str = ""
    """Where it leads, a path of the console; empty: nowhere."""
    tone: str = ""
    """What it looks like: a class of console.css; empty: like the others."""

    @property
    def plain(self) -> str | float:
        """What a spreadsheet gets."""
        return self.text if self.value is None else self.value


@dataclass(frozen=True, slots=True)
class Column:
    """What stands below each other."""

    title: str
    """Its head."""
    numeric: bool = False
    """Whether figures stand in it, which are set to the right."""


@dataclass(frozen=True, slots=True)
class Table:
    """Rows under a caption."""

    name: str
    """For the address of its export: letters, digits and hyphens."""
    caption: str
    """What it shows, as a heading."""
    columns: tuple[Column, ...]
    """Its columns; the first one names a row."""
    rows: tuple[tuple[Cell, ...], ...]
    """Its rows, as long as the columns."""


def to_html(table: Table, empty: str, export: tuple[str, str] | None) -> str:
    """Return a table as HTML.

    Args:
        table: what to show.
        empty: what stands there without rows.
        export: address and words of the link to its export; None: there is none.
    """
    link = ""
    if export is not None and table.rows:
        link = f'<a class="export" href="{escape(export[0])}" download>{escape(export[1])}</a>'
    top = f'<div class="table-head"><h2 id="{table.name}">{escape(table.caption)}</h2>{link}</div>'
    if not table.rows:
        return f'<section class="card">{top}<p class="empty">{escape(empty)}</p></section>'
    heads = "".join(
        f'<th scope="col"{_side(column)}><button type="button" class="sort">'
        f"{escape(column.title)}</button></th>"
        for column in table.columns
    )
    rows = "".join(f"<tr>{''.join(_cells(table.columns, row))}</tr>" for row in table.rows)
    return (
        f'<section class="card" aria-labelledby="{table.name}">{top}'
        f'<div class="scroll" tabindex="0" role="group" aria-labelledby="{table.name}"><table>'
        f'<caption class="unseen">{escape(table.caption)}</caption>'
        f"<thead><tr>{heads}</tr></thead><tbody>{rows}</tbody></table></div></section>"
    )


def to_csv(table: Table, language: str) -> str:
    """Return a table as a spreadsheet of that language reads it.

    A text that a spreadsheet would take for a formula gets an apostrophe before it (OWASP, "CSV
    Injection"); a cashier's number or an answer must not run anything on a manager's machine.
    """
    out = io.StringIO()
    writer = csv.writer(out, delimiter=";" if language == "ru" else ",", lineterminator="\r\n")
    writer.writerow([_safe(column.title, language) for column in table.columns])
    for row in table.rows:
        writer.writerow([_safe(cell.plain, language) for cell in row])
    # Without it Excel takes UTF-8 for something else.
    return "\ufeff" + out.getvalue()


def _safe(value: str | float, language: str) -> str:
    if isinstance(value, str):
        return f"'{value}" if value.lstrip(" ").startswith(_FORMULA_STARTS) else value
    return str(value).replace(".", ",") if language == "ru" else str(value)


def _cells(columns: Sequence[Column], row: Iterable[Cell]) -> Iterable[str]:
    for position, (column, cell) in enumerate(zip(columns, row, strict=True)):
        text = escape(cell.text)
        if cell.tone:
            text = f'<span class="{cell.tone}">{text}</span>'
        if cell.href:
            text = f'<a href="{escape(cell.href)}">{text}</a>'
        sorted_by = f' data-value="{escape(str(cell.plain))}"'
        tag, scope = ("td", "") if position else ("th", ' scope="row"')
        yield f"<{tag}{scope}{_side(column)}{sorted_by}>{text}</{tag}>"


def _side(column: Column) -> str:
    return ' class="number"' if column.numeric else ""
