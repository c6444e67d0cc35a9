"""A proof says nothing but what an assessment can."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tests.serving.gateway.security.proofs import PROOF


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("assessment_id", ""),
        ("assessment_id", "a" * 65),
        ("store_id", "Bread & Salt"),
        ("lane_id", "3\n"),
        ("restricted_category", ""),
        ("decision", ""),
        ("decision", "D" * 33),
        ("policy_version", ""),
        ("model_name", "ä"),
        ("age_group_id", "a" * 65),
        ("reasons", ()),
        ("reasons", ("NO_FACE", "NO_FACE")),
        ("reasons", ("NO FACE",)),
        ("reasons", ("",)),
        ("reasons", tuple(f"{number:060}" for number in range(5))),
        ("legal_age_years", 0),
        ("legal_age_years", 101),
        ("probability_under_legal_age", -0.1),
        ("probability_under_legal_age", 1.1),
        ("probability_under_legal_age", float("nan")),
        ("model_version", 0),
        ("model_version", 2**63),
        ("assessed_at", -1.0),
        ("assessed_at", float("nan")),
        ("expires_at", PROOF.assessed_at),
        ("expires_at", PROOF.assessed_at + 0.0001),
        ("expires_at", float("inf")),
        ("expires_at", float("nan")),
    ],
)
def test_what_no_assessment_says_is_not_signed(field: str, value: object) -> None:
    """The proof refuses it by name, so that no token is too long or can't be read again."""
    with pytest.raises(ValueError, match=field):
        replace(PROOF, **{field: value})  # type: ignore[arg-type]
