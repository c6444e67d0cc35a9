"""One HTML file with everything in it: text, tables and pictures."""

from __future__ import annotations

import base64
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from jinja2 import Environment, PackageLoader


@dataclass(frozen=True, slots=True)
class Headline:
    """A number that stands at the top."""

    name: str
    """What it is."""
    value: str
    """The number, with its unit."""
    target: str = ""
    """What it should be, such as ``at most 4.7``; empty where nothing is asked of it."""
    met: bool | None = None
    """Whether it is so; unset where nothing is asked, or nobody measured."""


@dataclass(frozen=True, slots=True)
class Picture:
    """A picture and what one should see in it."""

    path: Path
    """The PNG."""
    caption: str
    """What to look for, and what was found."""

    @property
    def base64(self) -> str:
        """The file's bytes as text, to be embedded."""
        return base64.b64encode(self.path.read_bytes()).decode()


@dataclass(frozen=True, slots=True)
class Table:
    """A small table."""

    head: tuple[str, ...]
    """Names of the columns."""
    rows: tuple[tuple[str, ...], ...]
    """Cells as text; the first of each row names it."""


@dataclass(frozen=True, slots=True)
class Section:
    """A part of the report."""

    title: str
    """Its heading."""
    findings: tuple[str, ...] = ()
    """What was found, a sentence or two each; the report lists them at its top."""
    pictures: tuple[Picture, ...] = ()
    """In the order shown."""
    tables: tuple[Table, ...] = ()
    """Shown below the pictures."""


@dataclass(frozen=True, slots=True)
class Page:
    """A whole report."""

    title: str
    """Its heading."""
    subject: str
    """What it is about, in a line."""
    note: str
    """How private it is: stands at its top."""
    headlines: Sequence[Headline] = ()
    """The numbers that matter most."""
    sections: Sequence[Section] = ()
    """Its parts, in order."""


def write_page(page: Page, path: Path) -> None:
    """Write the report to ``path`` (HTML), pictures included."""
    environment = Environment(
        loader=PackageLoader("agelane_trainer.reports", "."),
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    template = environment.get_template("page.html.jinja")
    path.write_text(template.render(page=page), encoding="utf-8")
