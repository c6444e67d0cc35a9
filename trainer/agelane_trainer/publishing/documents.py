"""Documents made from a model card: what people read who don't read JSON.

Each number comes from the card, and what the card does not hold is called unknown.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

from jinja2 import ChainableUndefined, Environment, PackageLoader

UNKNOWN = "unknown"
LEGAL_AGE = 18
"""The legal age whose promises to groups are listed (years)."""

Card = Mapping[str, Any]


def model_card_document(card: Card) -> str:
    """Return the model card as Markdown, in the sections of Mitchell et al. (2019)."""
    return _render("model_card.md.jinja", card)


def practice_statement(card: Card) -> str:
    """Return a practice statement as Markdown, in the spirit of ISO/IEC 27566-1."""
    return _render("practice_statement.md.jinja", card)


def write_documents(card: Card, folder: Path) -> tuple[Path, Path]:
    """Write ``model_card.md`` and ``practice_statement.md`` to ``folder``; returns their paths."""
    folder.mkdir(parents=True, exist_ok=True)
    made, stated = folder / "model_card.md", folder / "practice_statement.md"
    made.write_text(model_card_document(card), encoding="utf-8")
    stated.write_text(practice_statement(card), encoding="utf-8")
    return made, stated


def _render(template: str, card: Card) -> str:
    environment = Environment(
        loader=PackageLoader("agelane_trainer.publishing", "."),
        autoescape=False,  # Markdown, and the card is our own
        undefined=ChainableUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.filters |= {
        "known": _if_known(str),
        "count": _if_known("{:,}".format),
        "whole": _if_known("{:.0%}".format),
        "limit": _limit,
        "years": _if_known("{:.2f} years".format),
        "signed": _if_known("{:+.2f} years".format),
        "number": _if_known("{:.4g}".format),
        "share": _if_known(_share),
        "dictitems": _items,
    }
    return environment.get_template(template).render(
        card=card,
        metrics=card.get("metrics", {}),
        certificates=card.get("certificates", []),
        near_age=card.get("near_age_certificates", []),
        missing=card.get("not_certified", []),
        calibration=_calibration(card),
        stress=card.get("stress", []),
        audited=card.get("audited"),
        gates=card.get("face_gates"),
        promised=_promised_groups(card),
    )


def _if_known(text: Callable[[Any], str]) -> Callable[[Any], str]:
    """Return a filter that writes a value, or says that nobody knows it."""
    return lambda value: UNKNOWN if _is_missing(value) else text(value)


def _is_missing(value: Any) -> bool:
    return value is None or isinstance(value, ChainableUndefined)


def _share(value: float) -> str:
    """Return a share as per cent; a small one keeps a second digit."""
    return f"{value:.2%}" if 0 < value < 0.01 else f"{value:.1%}"


def _limit(name: str) -> str:
    """Return a gate's key in words: ``min_side_pixels`` as ``side pixels, at least``."""
    kind, _, what = name.partition("_")
    bound = {"min": "at least", "max": "at most"}.get(kind)
    return f"{what.replace('_', ' ')}, {bound}" if bound else name.replace("_", " ")


def _items(value: Any) -> Iterable[tuple[str, Any]]:
    return () if _is_missing(value) else value.items()


def _calibration(card: Card) -> list[tuple[str, str]]:
    """Return what makes the probabilities honest: its plain numbers and texts."""
    settings = {"temperature": card.get("temperature"), **card.get("calibration", {})}
    plain = {
        name.replace("_", " "): value
        for name, value in settings.items()
        if isinstance(value, int | float | str)
    }
    return [
        (name, value if isinstance(value, str) else f"{value:.4g}") for name, value in plain.items()
    ]


def _promised_groups(card: Card) -> set[str]:
    """Return the labelled groups that have a promise of their own at ``LEGAL_AGE``."""
    return {
        shown["group"].partition(", ")[2]
        for certificate in card.get("certificates", [])
        if certificate["legal_age_years"] == LEGAL_AGE
        for shown in certificate["requirements"]
    }
