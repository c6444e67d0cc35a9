"""A version that is worse than the one that is served does not take its place."""

from __future__ import annotations

from typing import Any

import pytest

from agelane_trainer.publishing.blessing import objections


def card(
    mae_years: float = 5.0, legal_ages: tuple[int, ...] = (18,), data: str = "a"
) -> dict[str, Any]:
    """Return a card whose error lies within 0.2 years with 95 % confidence."""
    return {
        "metrics": {"mae_years": mae_years, "mae_95_high_years": mae_years + 0.2},
        "certificates": [{"legal_age_years": age} for age in legal_ages],
        "data": {"sha256": data},
    }


@pytest.mark.parametrize("new", [card(), card(4.0), card(5.19), card(5.0, (18, 21))])
def test_a_model_that_is_as_good_is_blessed(new: dict[str, Any]) -> None:
    """Or better, or worse by no more than chance explains."""
    assert objections(new, card()) == []


def test_a_model_that_is_surely_worse_is_objected_to() -> None:
    """With both errors, so that somebody can decide otherwise."""
    (objection,) = objections(card(5.21), card())
    assert objection == "it errs by 5.21 years, the served one by 5.0 (at most 5.2 with 95 %)"


def test_a_lost_certificate_is_objected_to_whatever_the_error() -> None:
    """One line for each legal age, also where the errors can't be compared."""
    lost = objections(card(1.0, (), data="b"), card(legal_ages=(18, 21)))
    assert lost == [f"it loses the certificate for the legal age {age}" for age in (18, 21)]


def test_errors_on_other_photos_are_not_compared() -> None:
    """A harder data set is no worse model."""
    assert objections(card(9.0, data="b"), card()) == []


@pytest.mark.parametrize("poor", [{}, {"metrics": {}}, {"data": {"sha256": "a"}}])
def test_a_card_without_figures_prevents_nothing(poor: dict[str, Any]) -> None:
    """A shop may have begun with a model that nobody measured."""
    assert objections(card(), poor) == []


def test_a_model_without_figures_loses_the_certificates() -> None:
    """That alone is reason enough."""
    assert objections({}, card()) == ["it loses the certificate for the legal age 18"]
