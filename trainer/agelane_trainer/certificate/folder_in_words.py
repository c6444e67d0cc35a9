"""What a folder of photos shows, in words that a tired operator understands."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator

import numpy as np
import numpy.typing as npt

from agelane_trainer.certificate.binomial import photos_needed
from agelane_trainer.certificate.certificate import Terms, Verdict
from agelane_trainer.certificate.certify_folder import FolderVerdict, Judged
from agelane_trainer.evaluation.till import CLEARLY_ADULT


def in_words(result: FolderVerdict) -> str:
    """Return the verdict as lines for a terminal: the answer first, what to do about it last."""
    latest = result.judged[-1]
    sections = [
        _photos(result),
        *(_table(judged, result.terms) for judged in result.judged),
        _promise(latest, result.terms),
        _titled("Photos still to collect, one of each person:", _wanted(latest, result.terms)),
        _titled("Why not:", _obstacles(latest)),
    ]
    return "\n\n".join("\n".join(lines) for lines in sections if lines)


def _photos(result: FolderVerdict) -> list[str]:
    lines = [f"{len(result.judged[0].ages):,} photos count as evidence."]
    if result.left_out:
        reasons = _tally(reason for _, reason in result.left_out)
        lines.append(f"{len(result.left_out):,} photos are left out: {reasons}.")
    if result.struck:
        rules = _tally(f"by rule {finding.rule}" for _, finding in result.struck)
        lines.append(f"The label audit strikes out {len(result.struck):,} that count: {rules}.")
    return lines


def _tally(reasons: Iterable[str]) -> str:
    return ", ".join(f"{number:,} {reason}" for reason, number in sorted(Counter(reasons).items()))


def _table(judged: Judged, terms: Terms) -> list[str]:
    under_age, adults = "under age, not asked", f"{CLEARLY_ADULT} and over, asked"
    return [
        f"With {judged.labels} labels, {len(judged.ages):,} photos:",
        f"  legal age  verdict        {under_age}  {adults}  just under age",
        *(_row(judged, age, verdict, terms) for age, verdict in judged.verdicts.items()),
    ]


def _row(judged: Judged, legal_age_years: int, verdict: Verdict, terms: Terms) -> str:
    made, rate = verdict.certificate, judged.id_check_rates[legal_age_years]
    answer = "CERTIFIED" if made else "NOT CERTIFIED"
    clears = f"{made.false_clears} of {made.minors:,}" if made else "nobody"
    adults = "unknown" if rate is None else f"{rate:.0%}"
    shown = "promise kept" if made and verdict.near_age else "nothing promised"
    near = f"{_youngest(legal_age_years, terms)} to {legal_age_years - 1}: {shown}"
    return f"  {legal_age_years:>9}  {answer:<13}  {clears:<20}  {adults:<18}  {near}"


def _promise(judged: Judged, terms: Terms) -> list[str]:
    shown = [
        promise.group
        for verdict in judged.verdicts.values()
        if verdict.certificate
        for promise in verdict.certificate.requirements
        if ", " in promise.group
    ]
    return [
        f"CERTIFIED: with {terms.confidence:.0%} confidence at most "
        f"{terms.max_false_clear_rate:.1%} of the customers under the legal age are",
        "not asked for a document; where the promise for those just under age is kept, at most "
        f"{terms.max_near_age_rate:.1%}",
        "of these. NOT CERTIFIED: everybody is asked. It holds for people and cameras like those",
        f"of these photos only, and by themselves for these groups: {'; '.join(shown) or 'none'}.",
    ]


def _titled(title: str, lines: Iterable[str]) -> list[str]:
    listed = list(lines)
    return [title, *(f"  {line}" for line in listed)] if listed else []


def _wanted(judged: Judged, terms: Terms) -> Iterator[str]:
    """Yield how many more photos each legal age takes, if none of them fools the model."""
    for legal_age in judged.verdicts:
        youngest = _youngest(legal_age, terms)
        under_age = judged.ages < legal_age
        near = under_age & (judged.ages >= youngest)
        lacking = _lacking(under_age, terms.max_false_clear_rate, terms)
        near_lacking = _lacking(near, terms.max_near_age_rate, terms)
        of_near = f"{near_lacking} more of {youngest} to {legal_age - 1}"
        if lacking > near_lacking:
            among = f", among them {of_near}" if near_lacking else ""
            yield f"legal age {legal_age}: {lacking} more under {legal_age}{among}"
        elif near_lacking:
            yield f"legal age {legal_age}: {of_near}"


def _obstacles(judged: Judged) -> Iterator[str]:
    """Yield what prevents each missing certificate: the last thing that its verdict names."""
    for legal_age, verdict in judged.verdicts.items():
        if verdict.certificate is None and verdict.missing:
            yield f"legal age {legal_age}: {verdict.missing[-1]}"


def _youngest(legal_age_years: int, terms: Terms) -> int:
    """Return the youngest age that counts as just under age."""
    return max(0, legal_age_years - terms.near_age_years)


def _lacking(members: npt.NDArray[np.bool_], max_rate: float, terms: Terms) -> int:
    return max(0, photos_needed(0, max_rate, terms.confidence) - int(members.sum()))
