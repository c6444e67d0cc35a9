"""The model card's figures, of people whose distributions are known."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from agelane_serving.policy import read_certificates
from agelane_trainer.certificate.certificate import certify
from agelane_trainer.data.dataset import Photo
from agelane_trainer.data.groups import labelled_groups
from agelane_trainer.evaluation.evaluate import Sample, certificate_entries, main_figures, measure
from agelane_trainer.evaluation.till import cross_validated_false_clears, till_rates


@pytest.fixture(scope="module")
def sample() -> Sample:
    """1,500 people of 5 to 64, recognised with an error of 4 years, honestly said; a few labels."""
    random = np.random.default_rng(5)
    ages = np.arange(1500) % 60 + 5
    centres = ages + random.normal(0, 4, 1500)
    density = np.exp(-((np.arange(101) - centres[:, None]) ** 2) / 32)
    photos = [Photo(Path("x"), int(a), sex="female" if i % 7 else "") for i, a in enumerate(ages)]
    probabilities = density / density.sum(axis=1, keepdims=True)
    return Sample(ages, probabilities, labelled_groups(photos))


def test_every_figure_is_a_number_under_a_flat_key(sample: Sample) -> None:
    """A program checks claims against them."""
    verdict = certify(sample.probabilities, sample.ages, 18, sample.groups)
    measured = measure(sample, {18: verdict.certificate})
    figures = main_figures({"metrics": measured})
    assert {type(value) for value in figures.values()} <= {int, float}
    assert {
        *("mae_years", "mae_14_20_years", "bias_14_20_years", "coverage_90", "ece_under_18"),
        *("false_clear_rate", "id_check_rate_25_plus", "id_check_rate_25_plus_at_18"),
        *("mae_14_to_20_years", "mae_sex_female_years", "nll", "crps_years"),
    } <= set(figures)
    assert figures["mae_95_low_years"] < figures["mae_years"] < figures["mae_95_high_years"]
    assert figures["ece_under_18"] < 0.03
    assert figures["false_clear_rate"] <= 0.01
    assert figures["false_clear_rate_cross_validated"] <= 0.03
    assert figures["id_check_rate_25_plus"] < 0.5
    json.dumps(measured, allow_nan=False)


def test_without_a_certificate_everybody_shows_a_document(sample: Sample) -> None:
    """The figures say what the gateway would do."""
    figures = measure(sample, {18: None})
    assert figures["false_clear_rate"] == 0
    assert figures["id_check_rate_25_plus"] == figures["id_check_rate_25_plus_at_18"] == 1
    assert "false_clear_rate_cross_validated" not in figures


def test_rates_of_people_who_are_not_there_are_left_out() -> None:
    """A mean of nobody is no number."""
    nobody = np.zeros((0, 101))
    assert till_rates(nobody, np.zeros(0, int), 18, 0.5) == {}


def test_cross_validation_meets_people_that_the_certificate_has_not_seen() -> None:
    """Of equal scores none lies below the others, of distinct ones some does."""
    probabilities = np.zeros((400, 101))
    probabilities[:, 10] = 0.5
    assert cross_validated_false_clears(probabilities, np.full(400, 10), 18, {}) == 0
    probabilities[:, 10] = np.geomspace(1e-6, 0.5, 400)
    assert 0 < cross_validated_false_clears(probabilities, np.full(400, 10), 18, {}) <= 0.01


def test_the_gateway_reads_what_the_trainer_certifies(sample: Sample) -> None:
    """One certificate a legal age; what was shown beside it does no harm."""
    verdicts = {
        age: certify(sample.probabilities, sample.ages, age, sample.groups) for age in (18, 21)
    }
    entries = json.loads(json.dumps({"schema": 1, **certificate_entries(verdicts)}))
    read = read_certificates(entries)
    assert [c.legal_age_years for c in read] == [18, 21]
    for certificate, entry in zip(read, entries["certificates"], strict=True):
        assert certificate.threshold == min(r["threshold"] for r in entry["requirements"])
    assert any("sex female" in text for text in entries["not_certified"])


def test_groups_are_named_by_their_label_and_leave_out_the_unlabelled() -> None:
    """Unknown is no group."""
    photos = [Photo(Path("a"), 1, "male", ""), Photo(Path("b"), 2, "", "asian")]
    groups = labelled_groups(photos)
    assert {name: members.tolist() for name, members in groups.items()} == {
        "sex male": [True, False],
        "ethnicity asian": [False, True],
    }
