"""What a model's card says that decisions need."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from agelane_serving.policy.certificate import Certificate, read_certificates
from agelane_serving.policy.face import FaceGates, read_face_gates

_SCHEMA = 1


class CardError(ValueError):
    """This is no model card of a kind that is known here."""


@dataclass(frozen=True, slots=True)
class Card:
    """The promises of one version of a model. An empty one lets nobody through."""

    certificates: tuple[Certificate, ...] = ()
    """The valid ones."""
    face_gates: FaceGates | None = None
    """What the faces must be like; None: it does not say so in a valid way."""


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
    return Card(read_certificates(entries), read_face_gates(content.get("face_gates")))
