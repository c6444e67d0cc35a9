"""Whether a new version may take the place of the one that is served."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

Card = Mapping[str, Any]


def objections(new: Card, served: Card) -> list[str]:
    """Return why the version of card ``new`` must not replace that of ``served``; none is well.

    It may not lose a certificate, nor be worse on the same photos by more than chance explains.
    """
    lost = _certified(served) - _certified(new)
    found = [f"it loses the certificate for the legal age {age}" for age in sorted(lost)]
    if _data(new) and _data(new) == _data(served):
        was, is_ = (card.get("metrics", {}).get("mae_years") for card in (served, new))
        high = served.get("metrics", {}).get("mae_95_high_years")
        if is_ is not None and high is not None and is_ > high:
            found.append(
                f"it errs by {is_} years, the served one by {was} (at most {high} with 95 %)"
            )
    return found


def _certified(card: Card) -> set[int]:
    return {entry["legal_age_years"] for entry in card.get("certificates", [])}


def _data(card: Card) -> str | None:
    sha256: str | None = card.get("data", {}).get("sha256")
    return sha256
