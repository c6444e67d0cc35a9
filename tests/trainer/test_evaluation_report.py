"""The report on a measured model, of people whose distributions are known."""

from __future__ import annotations

import html
import re
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from agelane_trainer.certificate.certificate import certify
from agelane_trainer.evaluation import metrics
from agelane_trainer.evaluation.report import People, evaluation_report
from agelane_trainer.evaluation.report.calibration import probability_integrals
from agelane_trainer.evaluation.report.intervals import curve_over_age, rate_interval
from agelane_trainer.evaluation.report.targets import TARGETS, headlines
from tests.trainer.conftest import made_up_photo

LOG = "epoch,learning_rate,train_loss,train_mae,tune_mae,seconds\n1,1,2,6,5.5,9\n2,1,2,5,5.1,9\n"
ALWAYS = {
    *("estimates.png", "errors_by_age.png", "errors_by_group.png", "coverage.png", "pit.png"),
    *("reliability.png", "certificate.png", "baselines.png", "worst.png", "hardest_minors.png"),
}


@pytest.fixture(scope="module")
def people(tmp_path_factory: pytest.TempPathFactory) -> People:
    """1,500 people of 5 to 64, recognised with an error of 4 years, honestly said."""
    photo = tmp_path_factory.mktemp("photos") / "somebody.png"
    made_up_photo(1).save(photo)
    random = np.random.default_rng(5)
    ages = np.arange(1500) % 60 + 5
    estimates = ages + random.normal(0, 4, len(ages))
    density = np.exp(-((np.arange(101) - estimates[:, None]) ** 2) / 32)
    groups = {"sex female": np.arange(len(ages)) % 2 == 0}
    probabilities = density / density.sum(axis=1, keepdims=True)
    return People(ages, probabilities, estimates, groups, [photo] * len(ages))


@pytest.fixture(scope="module")
def card(people: People) -> dict[str, Any]:
    """A card with what a report needs at least."""
    verdict = certify(people.probabilities, people.ages, 18)
    assert verdict.certificate is not None
    return {
        "recipe": "made_up",
        "made": "2026-01-02",
        "metrics": {
            **asdict(metrics.age_errors(people.ages, people.estimates)),
            **metrics.coverages(people.ages, people.probabilities),
        },
        "certificates": [asdict(verdict.certificate)],
        "not_certified": ["people of another planet"],
    }


@pytest.fixture(scope="module")
def report(people: People, card: dict[str, Any], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The report on them, with everything that may be at hand."""
    folder = tmp_path_factory.mktemp("run")
    log = folder / "training_log.csv"
    log.write_text(LOG)
    full = card | {
        "stress": [{"name": "old print", "mae_years": 6.5, "bias_years": 2.0}],
        "audited": {"certificates": card["certificates"], "metrics": {"mae_years": 2.5}},
    }
    return evaluation_report(people, full, folder / "out", log, {"mae_years": 7.25})


def text_of(report: Path) -> str:
    """Return what a report says, without its pictures and its markup."""
    markup = re.compile(r"<style>.*?</style>|<[^>]*>", re.DOTALL)
    return " ".join(html.unescape(markup.sub(" ", report.read_text("utf-8"))).split())


def test_everything_at_hand_is_in_one_report(report: Path) -> None:
    """Curves, stress, the audit and the original's recipe appear where they are given."""
    pictures = {path.name for path in report.parent.glob("*.png")}
    assert pictures == ALWAYS | {"stress.png", "learning_curves.png"}
    text = text_of(report)
    assert "“old print” hurts most" in text
    assert "number 2 was the best" in text
    assert "original_mse errs by 7.25 years" in text
    assert "on audited labels" in text
    assert "18 audited" in text
    assert "people of another planet" in text
    sources = set(re.findall(r'<img src="([^"]{10})', report.read_text("utf-8")))
    assert sources == {"data:image"}


def test_a_card_that_certifies_nothing_still_makes_a_report(people: People, tmp_path: Path) -> None:
    """Figures that nobody measured are said to be missing."""
    report = evaluation_report(people, {"certificates": []}, tmp_path)
    assert {path.name for path in tmp_path.glob("*.png")} == ALWAYS
    text = text_of(report)
    assert "Nothing is certified for 18: nobody gets ALLOW." in text
    assert text.count("not measured") == len(TARGETS)


def test_a_sample_without_minors_or_without_adults_makes_a_report(
    people: People, card: dict[str, Any], tmp_path: Path
) -> None:
    """A shop's first photos are few and of one kind."""
    parts = (("adults", people.ages >= 18, 30), ("minors", people.ages < 18, 30))
    for name, inside, number in (*parts, ("three", people.ages > 0, 3)):
        some = np.flatnonzero(inside)[:number]
        part = replace(
            people,
            ages=people.ages[some],
            probabilities=people.probabilities[some],
            estimates=people.estimates[some],
            groups={},
            photos=[people.photos[row] for row in some],
        )
        report = evaluation_report(part, card, tmp_path / name)
        assert f"{number} photos that nothing was learnt from" in text_of(report)


def test_the_worst_photos_are_private_and_apart(people: People, report: Path) -> None:
    """The report itself shows nobody; the other file says what it is, and has the largest error."""
    assert "no photos" in text_of(report)
    assert "somebody.png" not in report.read_text("utf-8")
    worst = text_of(report.with_name("worst.html"))
    assert "never commit it" in worst
    row = int(np.argmax(np.abs(people.errors)))
    assert f"somebody.png {people.ages[row]} {people.estimates[row]:.1f}" in worst
    assert "The 50 largest errors" in worst


def test_headlines_say_whether_the_target_is_met() -> None:
    """Bounds included; what nobody measured is neither met nor missed."""
    found = {line.name: line for line in headlines({"mae_years": 4.7, "coverage_90": 0.94})}
    assert found["mean error"].met is True
    assert found["mean error"].value == "4.70 years"
    assert found["90 % interval covers"].met is False
    assert found["bias, 14 to 20"].met is None
    nested = headlines({"bands": {"14_to_20": {"bias_years": -1.6}}})
    assert {line.name: line.met for line in nested}["bias, 14 to 20"] is False


def test_honest_distributions_give_level_integrals(people: People) -> None:
    """And those that are too sure of themselves don't."""
    honest = np.histogram(probability_integrals(people), 10, (0, 1))[0]
    assert honest.min() > 100
    assert honest.max() < 200
    squared = people.probabilities**4
    sure = replace(people, probabilities=squared / squared.sum(axis=1, keepdims=True))
    ends = np.histogram(probability_integrals(sure), 10, (0, 1))[0][[0, -1]]
    assert ends.min() > 200


def test_intervals_of_rates_are_clopper_and_pearsons() -> None:
    """Known values, and the ends where nobody or everybody was hit."""
    low, high = rate_interval([0, 5, 10], [10, 10, 10])
    np.testing.assert_allclose(low, [0, 0.1871, 0.6915], atol=1e-4)
    np.testing.assert_allclose(high, [0.3085, 0.8129, 1], atol=1e-4)


def test_a_curve_follows_its_values_and_its_band_holds_it(people: People) -> None:
    """It leaves out ages with too few people."""
    curve = curve_over_age(people.ages, people.ages / 10)
    assert ((curve.low <= curve.middle) & (curve.middle <= curve.high)).all()
    inside = (curve.ages > 10) & (curve.ages < 60)
    np.testing.assert_allclose(curve.middle[inside], curve.ages[inside] / 10, atol=0.1)
    lonely = curve_over_age(np.array([20] * 30 + [90]), np.zeros(31))
    assert lonely.ages.max() < 30


def test_the_minors_who_look_most_adult_come_first(people: People) -> None:
    """And no adult is among them."""
    rows = people.hardest_minors(5)
    assert (people.ages[rows] < 18).all()
    assert people.under_age[rows[0]] == people.under_age[people.minors].min()
    assert len(people.hardest_minors(10_000)) == people.minors.sum()
