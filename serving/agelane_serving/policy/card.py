"""What a model's card says that decisions need."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass

from agelane_serving.policy.certificate import Certificate, read_certificates
from agelane_serving.policy.face import FaceGates, read_face_gates

_SCHEMA = 1
_DECADES = 10


class CardError(ValueError):
    """This is no model card of a kind that is known here."""


@dataclass(frozen=True, slots=True)
class Card:
    """The promises of one version of a model. An empty one lets nobody through."""

    certificates: tuple[Certificate, ...] = ()
    """The valid ones."""
    face_gates: FaceGates | None = None
    """What the faces must be like; None: it does not say so in a valid way."""
    estimated_age_shares: tuple[float, ...] = ()
    """Shares of the people it was certified on that were taken for 0 to 9 years, 10 to 19, …, 90 to
    100; empty: it does not say so in a valid way. No decision depends on them."""
    confusion: str = ""
    """How it confuses age groups, as JSON that reports read; empty: it does not say so. No decision
    depends on it."""


def read_card(content: object) -> Card:
    """Return the card that a parsed JSON text is. What is invalid in it promises nothing.

    Raises:
        CardError: it is not a card, or of a schema that is not known here.
    """
    if not isinstance(content, Mapping) or content.get("schema") != _SCHEMA:
        raise CardError(f"not a model card of schema {_SCHEMA}")
    entries = content.get("certificates", [])
    if not isinstance(entries, list):
        raise CardError("certificates are not a list")
    return Card(
        read_certificates(entries),
        read_face_gates(content.get("face_gates")),
        _shares(content.get("estimated_age_shares")),
        json.dumps(content["confusion"]) if "confusion" in content else "",
    )


def _shares(entry: object) -> tuple[float, ...]:
    if not isinstance(entry, list) or len(entry) != _DECADES:
        return ()
    valid = all(type(share) in (int, float) and 0 <= share <= 1 for share in entry)
    return tuple(entry) if valid and math.isclose(sum(entry), 1, abs_tol=0.01) else ()
