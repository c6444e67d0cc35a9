"""The part of the report on the certificate: what a threshold costs, and whom it lets through."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from agelane_trainer.evaluation.report.people import LEGAL_AGE, People
from agelane_trainer.evaluation.report.promise_chart import draw_certificate
from agelane_trainer.evaluation.report.targets import figure as figure_of
from agelane_trainer.evaluation.till import CLEARLY_ADULT
from agelane_trainer.reports.page import Picture, Section, Table

Card = Mapping[str, Any]


def certificate_section(people: People, card: Card, out: Path) -> Section:
    """Draw the certificate and list what is promised; write a PNG to ``out``.

    Args:
        people: the photos that the card was made with.
        card: model card; with ``audited`` its certificates are shown beside the raw ones.
        out: folder.
    """
    thresholds = _thresholds(card)
    draw_certificate(people, thresholds, out / "certificate.png")
    caption = (
        "Each threshold on P(under age), the lowest at the left, with what it does: above to "
        f"adults, below to people under {LEGAL_AGE}. Shaded: 95 % binomial intervals of the rate; "
        "dotted: what is promised; short lines on top: the minors who look most adult, with their "
        "labelled ages. The certificate's threshold is the loosest that keeps every promise."
    )
    findings = (_verdict(card), *_who_decides(card))
    return Section(
        "The certificate",
        findings,
        (Picture(out / "certificate.png", caption),),
        (_overview(card), *_requirements(card), *_missing(card)),
    )


def certificate_of(part: Card, legal_age_years: int = LEGAL_AGE) -> Card | None:
    """Return the certificate of a legal age from a card, or from its ``audited`` part."""
    found = (c for c in part.get("certificates", ()) if c["legal_age_years"] == legal_age_years)
    return next(found, None)


def _thresholds(card: Card) -> dict[str, float]:
    parts = {"certified": card, "certified after the audit": card.get("audited", {})}
    made = {name: certificate_of(part) for name, part in parts.items()}
    return {name: certificate["threshold"] for name, certificate in made.items() if certificate}


def _verdict(card: Card) -> str:
    certificate = certificate_of(card)
    if certificate is None:
        return f"Nothing is certified for {LEGAL_AGE}: nobody gets ALLOW."
    asked = figure_of(card.get("metrics", {}), "id_check_rate_25_plus")
    cost = "" if asked is None else f" It asks {asked:.1%} of people of {CLEARLY_ADULT} and over."
    return (
        f"Certified for {LEGAL_AGE}: with {certificate['confidence']:.0%} confidence at most "
        f"{certificate['max_false_clear_rate']:.1%} of under-age customers like these get ALLOW "
        f"(seen: {certificate['false_clears']} of {certificate['minors']}).{cost}"
    )


def _who_decides(card: Card) -> tuple[str, ...]:
    certificate = certificate_of(card)
    if certificate is None:
        return ()
    strictest = min(certificate["requirements"], key=lambda shown: shown["threshold"])
    return (
        f"Those {strictest['group']} decide the threshold: it is "
        f"{strictest['threshold']:.2g} for their sake.",
    )


def _overview(card: Card) -> Table:
    """List each legal age's certificate, raw and (if there are any) audited."""
    parts = {"raw": card} | ({"audited": card["audited"]} if "audited" in card else {})
    ages = sorted({c["legal_age_years"] for p in parts.values() for c in p.get("certificates", ())})
    rows = [_row(age, name, part) for age in ages for name, part in parts.items()]
    head = ("legal age", "labels", "ALLOW up to", "false clears", "at most", f"ID {CLEARLY_ADULT}+")
    return Table(head, tuple(rows))


def _row(age: int, name: str, part: Card) -> tuple[str, ...]:
    certificate = certificate_of(part, age)
    if certificate is None:
        return (str(age), name, "not certified", "–", "–", "100 %")
    asked = figure_of(part.get("metrics", {}), f"id_check_rate_25_plus_at_{age}")
    return (
        str(age),
        name,
        f"{certificate['threshold']:.2g}",
        f"{certificate['false_clears']} of {certificate['minors']}",
        f"{certificate['max_false_clear_rate']:.1%}",
        "–" if asked is None else f"{asked:.1%}",
    )


def _requirements(card: Card) -> Sequence[Table]:
    certificate = certificate_of(card)
    if certificate is None:
        return ()
    rows = tuple(
        (
            shown["group"],
            f"{shown['minors']}",
            f"{shown['false_clears']}",
            f"{shown['max_false_clear_rate']:.1%}",
            f"{shown['rate_upper_bound']:.2%}",
            f"{shown['threshold']:.2g}",
        )
        for shown in certificate["requirements"]
    )
    head = (f"promise at {LEGAL_AGE} to", "photos", "cleared", "promised", "shown", "ALLOW up to")
    return (Table(head, rows),)


def _missing(card: Card) -> Sequence[Table]:
    rows = tuple((text,) for text in card.get("not_certified", ()))
    return (Table(("not certified, and what it would take",), rows),) if rows else ()
