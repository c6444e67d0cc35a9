"""The decision that a till falls back on when the gateway gives none."""

from __future__ import annotations

from datetime import datetime, timezone

from agelane_client.errors import AgelaneError, ClosedError, ConfigurationError, PhotoError
from agelane_client.options import Options
from agelane_client.results import AlcoholDecision, Assessment, DecisionReason, DecisionSource


def decides_offline(error: AgelaneError, options: Options, offline: bool | None) -> bool:
    """Say whether `error` ends in a decision: if the till asks for that (None: as in `options`).

    A closed client and a wrong timeout are the till's own doing, and never do.
    """
    asked = options.offline if offline is None else offline
    return asked and not isinstance(error, (ClosedError, ConfigurationError))


def assess_offline(
    error: AgelaneError, *, request_id: str | None, restricted_category: str | None
) -> Assessment:
    """Return VERIFY_ID for a call that ended with `error`."""
    bad_photo = isinstance(error, PhotoError)
    reason = DecisionReason.PHOTO_UNUSABLE if bad_photo else DecisionReason.GATEWAY_UNAVAILABLE
    return Assessment(
        id="",
        request_id=error.request_id or request_id or "",
        age_years=None,
        age_low_years=None,
        age_high_years=None,
        age_group=None,
        age_group_probability=None,
        alcohol_decision=AlcoholDecision.VERIFY_ID,
        reasons=(reason,),
        probability_under_legal_age=None,
        legal_age_years=0,
        restricted_category=restricted_category or "alcohol",
        photo_quality=None,
        offers=(),
        model=None,
        policy_version="",
        assessment_token=b"",
        assessed_at=datetime.now(timezone.utc),
        expires_at=None,
        frames_used=0,
        source=DecisionSource.OFFLINE,
        error=error,
    )
