"""One HTML file with everything in it: text, tables and pictures."""

from __future__ import annotations

import base64
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from jinja2 import Environment, PackageLoader


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
    tables: tuple[Table, ...] = field(default=())
    """Shown below the pictures."""


def write_report(data: Path, figures: dict[str, str], parts: Sequence[Section], path: Path) -> None:
    """Write the report on ``data`` to ``path``; ``figures`` (name to value) stand at its top."""
    environment = Environment(
        loader=PackageLoader("agelane_trainer.eda", "."),
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    template = environment.get_template("report.html.jinja")
    path.write_text(template.render(data=data, figures=figures, sections=parts), encoding="utf-8")
