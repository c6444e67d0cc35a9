"""The model card's figures, of people whose distributions are known, and of made-up photos."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import asdict, replace
from functools import partial
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest

from agelane_serving.policy import read_card
from agelane_serving.reports.age_groups import confusion_from_card
from agelane_trainer.certificate.certificate import certify
from agelane_trainer.data.audit import Finding
from agelane_trainer.data.dataset import Photo, read_photos
from agelane_trainer.data.groups import labelled_groups
from agelane_trainer.data.split import Split, fingerprint
from agelane_trainer.evaluation import confusion
from agelane_trainer.evaluation import evaluate as evaluation
from agelane_trainer.evaluation.evaluate import Evaluation, Files, evaluate
from agelane_trainer.evaluation.face_gates import FaceGates, fit_gates
from agelane_trainer.evaluation.figures import (
    certificate_entries,
    estimated_age_shares,
    gap,
    main_figures,
    measure,
)
from agelane_trainer.evaluation.measured_model import measured_model
from agelane_trainer.evaluation.predict import FaceFigures, predict
from agelane_trainer.evaluation.sample import Sample
from agelane_trainer.evaluation.stress import KINDS
from agelane_trainer.evaluation.till import cross_validated_false_clears, till_rates
from agelane_trainer.publishing import export as publishing
from agelane_trainer.publishing.export import Sources, export
from tests.trainer.conftest import FINDER, encoded, photo_of_somebody, write_data_set
from tests.trainer.small_network import TINY, small_network


def sample_of(probabilities: np.ndarray, ages: np.ndarray, good_face: bool = True) -> Sample:
    """Return people without groups, their estimates the means."""
    good = np.full(len(ages), good_face)
    return Sample(ages, probabilities, probabilities @ np.arange(101), good, {})


@pytest.fixture(scope="module")
def sample() -> Sample:
    """1,500 people of 5 to 64, recognised with an error of 4 years, honestly said; a few labels."""
    random = np.random.default_rng(5)
    ages = np.arange(1500) % 60 + 5
    centres = ages + random.normal(0, 4, 1500)
    density = np.exp(-((np.arange(101) - centres[:, None]) ** 2) / 32)
    photos = [Photo(Path("x"), int(a), sex="female" if i % 7 else "") for i, a in enumerate(ages)]
    probabilities = density / density.sum(axis=1, keepdims=True)
    return replace(sample_of(probabilities, ages), groups=labelled_groups(photos))


def test_every_figure_is_a_number_under_a_flat_key(sample: Sample) -> None:
    """A program checks claims against them."""
    verdict = certify(sample.probabilities, sample.ages, 18, sample.groups)
    measured = measure(sample, {18: verdict.certificate})
    figures = main_figures({"metrics": measured})
    assert {type(value) for value in figures.values()} <= {int, float}
    assert {
        *("mae_years", "mae_14_20_years", "bias_14_20_years", "coverage_90", "ece_under_18"),
        *("false_clear_rate", "id_check_rate_25_plus", "id_check_rate_25_plus_at_18"),
        *("id_check_rate_25_plus_all_under_18_alone", "good_face_rate", "nll", "crps_years"),
        *("mae_14_to_20_years", "mae_sex_female_years", "coverage_90_14_to_17"),
    } <= set(figures)
    assert figures["mae_95_low_years"] < figures["mae_years"] < figures["mae_95_high_years"]
    assert figures["ece_under_18"] < 0.03
    assert figures["false_clear_rate"] <= 0.01
    assert figures["false_clear_rate_cross_validated"] <= 0.03
    assert figures["id_check_rate_25_plus"] < 0.5
    json.dumps(measured, allow_nan=False)


def test_stress_and_the_audit_stand_beside_the_plain_figures(sample: Sample) -> None:
    """Under names of their own."""
    beside = {"metrics": {"mae_years": 4.5, "false_clear_rate": 0.01}}
    stress = [{"name": "old print", "mae_years": 6.5}]
    card = {"metrics": measure(sample, {18: None}), "stress": stress, "audited": beside}
    figures = main_figures(card)
    assert figures["mae_stressed_by_old_print_years"] == 6.5
    assert figures["audited_mae_years"] == 4.5
    assert figures["audited_false_clear_rate"] == 0.01
    assert "raw_mae_years" not in figures


def test_the_shares_of_estimated_ages_are_those_of_good_faces(sample: Sample) -> None:
    """By decades, the oldest together; what the gateway calls its customers different from."""
    some = replace(sample, estimates=np.array([3.0, 9.9, 10.0, 100.0, 50.0]))
    some = replace(some, good_face=np.array([True, True, True, True, False]))
    assert estimated_age_shares(some) == [0.5, 0.25, 0, 0, 0, 0, 0, 0, 0, 0.25]
    assert sum(estimated_age_shares(sample)) == pytest.approx(1, abs=1e-4)


def test_without_a_certificate_everybody_shows_a_document(sample: Sample) -> None:
    """The figures say what the gateway would do."""
    figures = measure(sample, {18: None})
    assert figures["false_clear_rate"] == 0
    assert figures["id_check_rate_25_plus"] == figures["id_check_rate_25_plus_at_18"] == 1
    assert "false_clear_rate_cross_validated" not in figures


def test_people_with_a_bad_face_show_a_document(sample: Sample) -> None:
    """However old they look; the certificate itself is made on all photos."""
    threshold = 0.01
    plain = till_rates(sample, 18, threshold)
    unseen = till_rates(replace(sample, good_face=np.zeros(1500, bool)), 18, threshold)
    assert unseen == {"false_clear_rate": 0, "id_check_rate_25_plus": 1}
    half = replace(sample, good_face=np.arange(1500) % 2 == 0)
    rate = till_rates(half, 18, threshold)["id_check_rate_25_plus"]
    assert plain["id_check_rate_25_plus"] < rate < 1
    assert measure(half, {18: None})["good_face_rate"] == 0.5


def test_rates_of_people_who_are_not_there_are_left_out() -> None:
    """A mean of nobody is no number."""
    assert till_rates(sample_of(np.zeros((0, 101)), np.zeros(0, int)), 18, 0.5) == {}


def test_cross_validation_meets_people_that_the_certificate_has_not_seen() -> None:
    """Of equal scores none lies below the others, of distinct ones some does."""
    probabilities, ages = np.zeros((400, 101)), np.full(400, 10)
    probabilities[:, 10] = 0.5
    assert cross_validated_false_clears(sample_of(probabilities, ages), 18) == 0
    probabilities[:, 10] = np.geomspace(1e-6, 0.5, 400)
    assert 0 < cross_validated_false_clears(sample_of(probabilities, ages), 18) <= 0.01
    assert cross_validated_false_clears(sample_of(probabilities, ages, good_face=False), 18) == 0


def test_the_gap_is_how_much_worse_unseen_photos_fare(sample: Sample) -> None:
    """Both as they are served."""
    ages = sample.ages.astype(float)
    learnt, unseen = (replace(sample, estimates=ages + error) for error in (1.5, -4.0))
    assert gap(unseen, learnt) == {"train_mae_years": 1.5, "train_gap_years": 2.5}


def test_the_gateway_reads_what_the_trainer_certifies(sample: Sample) -> None:
    """One certificate a legal age; what was shown beside it does no harm."""
    verdicts = {
        age: certify(sample.probabilities, sample.ages, age, sample.groups) for age in (18, 21)
    }
    entries = json.loads(json.dumps({"schema": 1, **certificate_entries(verdicts)}))
    read = read_card(entries).certificates
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


def faces(**columns: Any) -> FaceFigures:
    """Return the figures of a thousand good faces, but for these columns."""
    good = {
        "count": np.ones(1000, np.int32),
        "score": np.full(1000, 0.9, np.float32),
        "side_pixels": np.full(1000, 150, np.float32),
        "brightness": np.linspace(0.2, 0.8, 1000, dtype=np.float32),
        "sharpness": np.linspace(0.01, 0.05, 1000, dtype=np.float32),
    }
    return FaceFigures(**good | columns)


def test_the_gates_let_almost_all_faces_pass_that_they_were_fitted_on() -> None:
    """And the gateway reads them."""
    gates = fit_gates(faces())
    assert 0.99 < gates.passed(faces()).mean() < 1
    card = read_card({"schema": 1, "face_gates": json.loads(json.dumps(asdict(gates)))})
    assert card.face_gates is not None
    assert asdict(card.face_gates) == asdict(gates)


@pytest.mark.parametrize(
    ("column", "value"),
    [
        *(("count", 0), ("count", 2), ("score", 0.7), ("side_pixels", 20)),
        *(("brightness", 0.05), ("brightness", 0.99), ("sharpness", 0.0), ("score", np.nan)),
    ],
)
def test_each_gate_stops_faces_beyond_it(column: str, value: float) -> None:
    """None, two, unsure, small, dark, glaring, blurred, or not a number at all."""
    beyond = faces(**{column: np.full(1000, value)})
    assert not fit_gates(faces()).passed(beyond).any()


def test_photos_without_one_face_set_no_gates() -> None:
    """Nothing tells what a good one looks like; and those among others are left aside."""
    with pytest.raises(ValueError, match="no photo shows one face"):
        fit_gates(faces(count=np.zeros(1000, np.int32)))
    some = np.where(np.arange(1000) < 100, 0, 1).astype(np.int32)
    dark = faces(count=some, brightness=np.where(some, 0.5, 0.0))
    assert fit_gates(dark).min_brightness == 0.5


def test_photos_that_cannot_be_decoded_are_not_measured(finder: keras.Model) -> None:
    """A figure that leaves them out would flatter."""
    good = encoded(photo_of_somebody(0))
    with pytest.raises(ValueError, match="1 of 3 photos can't be decoded"):
        predict([partial(bytes, photo) for photo in (good, b"no", good)], small_network(32), finder)


@pytest.fixture(scope="module")
def photos(tmp_path_factory: pytest.TempPathFactory) -> list[Photo]:
    """Photos of people of 1 to 71."""
    return read_photos(write_data_set(tmp_path_factory.mktemp("x") / "f", range(1, 73, 2)))


@pytest.fixture(scope="module")
def small() -> Callable[..., keras.Model]:
    """Builds a network of a few thousand weights in place of ResNet50."""
    keras.utils.set_random_seed(5)
    network = small_network(TINY.input_size)
    return lambda *_: network


@pytest.fixture(scope="module")
def measured(
    photos: list[Photo], random_weights: Path, small: Callable[..., keras.Model]
) -> Evaluation:
    """A small network, evaluated on them; a photo is struck out, two kinds of stress.

    Each age group has photos enough.
    """
    third = len(photos) // 3
    parts = tuple(photos[:third]), tuple(photos[third : 2 * third]), tuple(photos[2 * third :])
    spoilt = fingerprint(photos[third].path).sha256
    findings = {spoilt: Finding(spoilt, "R1", "a grown-up")}
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(evaluation, "STRESSED_PHOTOS", 5)
        patch.setattr(evaluation, "KINDS", {kind: KINDS[kind] for kind in ("grey", "tilted")})
        patch.setattr(evaluation, "build_folded", small)
        patch.setattr(confusion, "LEAST_PHOTOS", 0)
        files, split = Files(random_weights, FINDER), Split(*parts, (), "d" * 64, ())
        return evaluate(files, TINY, split, findings, precisions=("float32",))


def test_a_card_says_what_was_measured_on_what(measured: Evaluation) -> None:
    """A dozen photos each; nothing can be certified on so few."""
    card = json.loads(json.dumps(measured.card, allow_nan=False))
    assert card["metrics"]["photos"] == card["raw"]["metrics"]["photos"] == 12
    assert card["audited"]["metrics"]["photos"] == 11
    assert card["data"] == {
        **{"sha256": "d" * 64, "train_photos": 12, "tune_photos": 12, "left_out_photos": 0},
        **{"validation_photos": 12, "validation_photos_struck_out": 1},
    }
    assert card["certificates"] == []
    assert "at least 299 are needed" in " ".join(card["not_certified"])
    assert [kind["name"] for kind in card["stress"]] == ["grey", "tilted"]
    assert set(card["precisions"]) == {"float32"}
    assert card["precisions"]["float32"]["largest_difference_years"] == 0
    assert {"mae_stressed_by_grey_years", "train_gap_years"} <= set(main_figures(card))


def test_the_gateway_reads_the_card_of_an_evaluation(measured: Evaluation) -> None:
    """Gates that are valid, and no certificate."""
    card = read_card(json.loads(json.dumps(measured.card)))
    assert card.certificates == ()
    assert card.face_gates is not None
    assert FaceGates(**measured.card["face_gates"]).min_score == card.face_gates.min_score


def test_reports_read_how_the_evaluated_model_confuses_age_groups(measured: Evaluation) -> None:
    """By way of the gateway."""
    card = read_card(json.loads(json.dumps(measured.card)))
    read = confusion_from_card(json.loads(card.confusion))
    assert read.group_starts == confusion.AGE_GROUP_STARTS


def test_the_card_of_an_evaluation_can_be_published(
    measured: Evaluation,
    random_weights: Path,
    golden: list[bytes],
    small: Callable[..., keras.Model],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """With the weights that it was made for, and no others."""
    monkeypatch.setattr(publishing, "build_folded", small)
    path = tmp_path / "card.json"
    path.write_text(json.dumps(measured.card))
    version = export(Sources(random_weights, FINDER, path), tmp_path / "age", "float32", golden)
    published = json.loads((version / "assets.extra" / "model_card.json").read_text())
    for kept in ("calibration", "confusion"):
        assert published[kept] == json.loads(json.dumps(measured.card[kept]))


def test_a_model_made_from_its_card_measures_as_the_evaluation_did(
    measured: Evaluation,
    random_weights: Path,
    small: Callable[..., keras.Model],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """What ``certify`` looks at photos with; a card without gates makes none."""
    monkeypatch.setattr("agelane_trainer.evaluation.measured_model.build_folded", small)
    files, card = Files(random_weights, FINDER), json.loads(json.dumps(measured.card))
    again = measured_model(files, card)(measured.photos)
    assert again.probabilities == pytest.approx(measured.sample.probabilities, abs=1e-4)
    assert again.estimates == pytest.approx(measured.sample.estimates, abs=1e-2)
    assert (again.good_face == measured.sample.good_face).all()
    for lacking in ("calibration", "face_gates"):
        with pytest.raises(ValueError, match="no calibration or no face gates"):
            measured_model(files, card | {lacking: None})


def test_a_recipe_with_a_single_neuron_is_refused(random_weights: Path) -> None:
    """It has no distribution to calibrate."""
    files, nothing = Files(random_weights, FINDER), Split((), (), (), (), "", ())
    with pytest.raises(ValueError, match="has no age distribution to calibrate"):
        evaluate(files, replace(TINY, head="mse"), nothing)
