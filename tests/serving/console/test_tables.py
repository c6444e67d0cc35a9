"""Tables for pages are HTML that holds no more than their texts; for spreadsheets, no formulas."""

from __future__ import annotations

import csv
import io
from html.parser import HTMLParser

from hypothesis import given
from hypothesis import strategies as st

from agelane_serving.console.tables import Cell, Column, Table, to_csv, to_html

TEXTS = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"))
COLUMNS = (Column("Cashier"), Column("Checks", numeric=True))


class Reader(HTMLParser):
    """Collects the tags and the texts of a page."""

    def __init__(self) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.texts: list[str] = []

    def handle_starttag(self, tag: str, attrs: object) -> None:
        """Keep a tag."""
        self.tags.append(tag)

    def handle_data(self, data: str) -> None:
        """Keep a text."""
        self.texts.append(data)


def table(*texts: str) -> Table:
    """Return a table with a row for each text."""
    rows = tuple((Cell(text, href="/cashier"), Cell("1 234", 1234)) for text in texts)
    return Table("cashiers", "All cashiers", COLUMNS, rows)


@given(TEXTS)
def test_no_text_becomes_a_tag(text: str) -> None:
    """Whatever a till sent as a cashier's number."""
    plain, read = Reader(), Reader()
    plain.feed(to_html(table("x"), "", None))
    read.feed(to_html(table(text), "", None))
    assert read.tags == plain.tags


@given(TEXTS, st.sampled_from(["en", "ru"]))
def test_no_text_becomes_a_formula(text: str, language: str) -> None:
    """It begins with a sign that spreadsheets take for text, and is else what it was."""
    lines = io.StringIO(to_csv(table(text), language).removeprefix("\ufeff"), newline="")
    _, (cell, number) = csv.reader(lines, delimiter=";" if language == "ru" else ",")
    assert not cell.lstrip(" ").startswith(("=", "+", "-", "@", "\t", "\r", "\n"))
    assert cell in (text, f"'{text}")
    assert number == "1234"


def test_figures_are_figures_in_each_language() -> None:
    """A negative one gets no apostrophe; a point is a comma where that is read."""
    rows = ((Cell("c1"), Cell("−0.5", -0.5)),)
    of_half = Table("t", "T", COLUMNS, rows)
    assert to_csv(of_half, "en").endswith("c1,-0.5\r\n")
    assert to_csv(of_half, "ru").endswith("c1;-0,5\r\n")


def test_a_table_names_its_rows_and_columns() -> None:
    """For those who hear it."""
    text = to_html(table("c1"), "", ("/export/a/b.csv", "CSV"))
    assert '<caption class="unseen">All cashiers</caption>' in text
    assert text.count('scope="col"') == 2
    assert text.count('scope="row"') == 1
    assert 'href="/export/a/b.csv"' in text


def test_an_empty_table_says_so() -> None:
    """And offers nothing to export."""
    text = to_html(table(), "Nothing to show.", ("/export/a/b.csv", "CSV"))
    assert "Nothing to show." in text
    assert "<table" not in text
    assert "/export" not in text
