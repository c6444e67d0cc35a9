"""Pieces of pages as HTML; whatever comes from outside is escaped here."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from html import escape

from nicegui import ui

from agelane_serving.console.page import Data, Page
from agelane_serving.console.sources import SourceError
from agelane_serving.console.tables import Cell, Table, to_html
from agelane_serving.console.visit import Visit


def put(content: str, tag: str = "div", classes: str = "wide") -> ui.html:
    """Put HTML, whose texts are escaped, into the element that is open."""
    return ui.html(content, sanitize=False, tag=tag).classes(classes)


def tiles(figures: Sequence[tuple[str, str, str]]) -> None:
    """Put figures side by side: what each is, the figure, and a word about it."""
    content = "".join(
        f'<div class="tile"><dt>{escape(name)}</dt><dd><b>{escape(figure)}</b>'
        f"<span>{escape(word)}</span></dd></div>"
        for name, figure, word in figures
    )
    put(content, "dl", "tiles")


def chart(title: str, drawn: str, legend: Sequence[tuple[str, str]], note: str) -> None:
    """Put a chart with its legend (class and words of each mark) and a note below it."""
    marks = "".join(
        f'<li><span class="key {style}"></span>{escape(words)}</li>' for style, words in legend
    )
    keys = f'<ul class="legend">{marks}</ul>' if marks else ""
    put(
        f'<figure class="card"><figcaption><h2>{escape(title)}</h2>{keys}</figcaption>'
        f'{drawn}<p class="note">{escape(note)}</p></figure>'
    )


def notice(title: str, words: str, style: str = "info") -> None:
    """Put a box with something to know; `style` is info or trouble."""
    role = "alert" if style == "trouble" else "note"
    put(
        f'<div class="notice {style}" role="{role}"><b>{escape(title)}</b>'
        f"<p>{escape(words)}</p></div>"
    )


def trouble(visit: Visit, error: SourceError) -> None:
    """Put a box that says what is away, and what to do."""
    texts = visit.texts
    kind = "refused" if error.code in ("UNAUTHENTICATED", "PERMISSION_DENIED") else "away"
    if error.code == "UNIMPLEMENTED":
        kind = "missing"
    source = error.source.value
    # The other side's words may be long or mean nothing to a manager; its code helps who is asked.
    notice(
        texts(f"trouble.{source}_{kind}"),
        f"{texts(f'trouble.{source}_help')} ({error.code})",
        "trouble",
    )


def show_table(page: Page[Data], visit: Visit, table: Table, empty: str) -> None:
    """Put a table, with a link to its export."""
    query = {name: value for name, value in visit.query.items() if value}
    address = visit.link(f"/export/{page.key}/{table.name}.csv", **query)
    put(to_html(table, empty, (address, visit.texts("app.export"))))


def filters(visit: Visit, fields: Sequence[str]) -> None:
    """Put a form that asks for the same page with other filters."""
    button = f'<button class="button" type="submit">{escape(visit.texts("filter.apply"))}</button>'
    put("".join([*fields, button]), "form", "filters").props(
        f'method="get" action="{visit.path}" role="search"'
    )


def date_field(visit: Visit, name: str, value: str) -> str:
    """Return a field for a day, as 2026-11-30; at most today."""
    return (
        f"<label>{escape(visit.texts(f'filter.{name}'))}"
        f'<input type="date" name="{name}" value="{value}" max="{visit.now.date()}"></label>'
    )


def choice_field(visit: Visit, name: str, choices: Mapping[str, str], value: str) -> str:
    """Return a field for one of several values, each with its words."""
    options = "".join(
        f'<option value="{escape(choice)}"{" selected" if choice == value else ""}>'
        f"{escape(words)}</option>"
        for choice, words in choices.items()
    )
    title = escape(visit.texts(f"filter.{name}"))
    return f'<label>{title}<select name="{name}">{options}</select></label>'


def store_field(visit: Visit, stores: Sequence[str]) -> str:
    """Return a field for one of the stores that somebody may see; `stores` are all there are."""
    if visit.user.stores is not None:
        choices = {store: store for store in visit.user.stores}
    else:
        known = sorted({*stores, *filter(None, [visit.store])})
        choices = {"": visit.texts("filter.all_stores"), **{store: store for store in known}}
    return choice_field(visit, "store", choices, visit.store)


def period_fields(visit: Visit, days: int = 28) -> list[str]:
    """Return the fields for the first and the last day, by default the last `days`."""
    first, last = visit.days(days)
    return [date_field(visit, "from", str(first)), date_field(visit, "to", str(last))]


def hidden_field(name: str, value: str) -> str:
    """Return what a form keeps as it is."""
    return f'<input type="hidden" name="{name}" value="{escape(value)}">'


def heading(text: str) -> str:
    """Return a heading within a page."""
    return f"<h2>{escape(text)}</h2>"


def link(address: str, text: str) -> str:
    """Return a link."""
    return f'<a href="{escape(address)}">{escape(text)}</a>'


def tabs(choices: Mapping[str, str], here: str, label: str) -> None:
    """Put links, of which one is where one is: addresses with their words."""
    links = "".join(
        f'<a href="{escape(address)}"{" aria-current=true" if address == here else ""}>'
        f"{escape(text)}</a>"
        for address, text in choices.items()
    )
    put(links, "nav", "tabs").props(f'aria-label="{escape(label)}"')


def moment_cell(visit: Visit, seconds: float) -> Cell:
    """Return a moment; a spreadsheet gets it in ISO 8601, with the zone's offset."""
    exact = datetime.fromtimestamp(seconds, visit.zone).isoformat(timespec="seconds")
    return Cell(visit.texts.moment(seconds, visit.zone), exact if seconds else "")
