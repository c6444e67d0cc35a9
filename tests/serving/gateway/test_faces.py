"""What a till is told about the face on a photo, and when there is none that will do."""

from __future__ import annotations

import pytest
from PIL import Image

from agelane.tfserving.v1 import predict_pb2
from agelane.v1 import assessment_pb2 as v1
from tests.serving.gateway import photos
from tests.serving.gateway.conftest import Lane, assert_document_check
from tests.serving.gateway.fake_model_server import FACE_GATES, FakeModelServer, bell, card


async def test_the_till_learns_what_was_measured_on_the_face(lane: Lane) -> None:
    """All five figures, the box in the words of the contract."""
    quality = (await lane.assess()).photo_quality
    assert quality.face_count == 1
    assert (quality.face_score, quality.brightness, quality.sharpness) == (0.875, 0.5, 0.25)
    box = quality.face_box
    assert (box.top, box.left, box.bottom, box.right) == (0.125, 0.25, 0.875, 0.75)


async def test_a_photo_without_a_face_has_no_age(lane: Lane, model: FakeModelServer) -> None:
    """Whatever the model says about it; the version that looked is told."""
    model.face_count, model.face_box, model.face_score = 0, (0, 0, 0, 0), 0
    assessment = await lane.assess()
    assert_document_check(assessment, v1.DECISION_REASON_NO_FACE)
    told = {field.name for field, _ in assessment.ListFields()}
    assert not {name for name in told if name.startswith("age_")}
    assert "probability_under_legal_age" not in told
    assert assessment.frames_used == 0
    assert assessment.model.version == 3
    quality = {field.name for field, _ in assessment.photo_quality.ListFields()}
    assert quality == {"width_pixels", "height_pixels", "face_count"}
    assert assessment.photo_quality.face_count == 0


@pytest.mark.parametrize("age_years", [10, 60])
async def test_of_several_faces_the_age_is_told_and_trusted_for_nothing(
    lane: Lane, model: FakeModelServer, age_years: int
) -> None:
    """Whose it is only the cashier sees."""
    model.face_count, model.probabilities = 2, bell(age_years, 1)
    assessment = await lane.assess()
    assert_document_check(assessment, v1.DECISION_REASON_SEVERAL_FACES)
    assert assessment.age_years == pytest.approx(age_years, abs=0.01)
    assert assessment.photo_quality.face_count == 2


@pytest.mark.parametrize(
    ("attribute", "value"),
    [
        ("face_score", 0.7),
        ("brightness", 0.05),
        ("brightness", 0.99),
        ("sharpness", 0.001),
        ("face_box", (0.1, 0.2, 0.5, 0.9)),
        ("face_box", (0.1, 0.2, 0.9, 0.5)),
    ],
)
async def test_a_poor_face_means_a_document_check(
    lane: Lane, model: FakeModelServer, attribute: str, value: object
) -> None:
    """One gate of the card is enough; the age is told all the same."""
    setattr(model, attribute, value)
    assessment = await lane.assess()
    assert_document_check(assessment, v1.DECISION_REASON_POOR_FACE)
    assert assessment.age_years == pytest.approx(60, abs=0.01)


async def test_each_version_brings_gates_of_its_own(lane: Lane, model: FakeModelServer) -> None:
    """What is sharp enough for one model may not be for the next."""
    assert await lane.waves_through()
    model.version = 4
    model.cards[4] = card() | {"face_gates": FACE_GATES | {"min_sharpness": 0.5}}
    assert_document_check(await lane.assess(), v1.DECISION_REASON_POOR_FACE)


@pytest.mark.parametrize(("size", "allowed"), [((48, 32), True), ((32, 48), False)])
async def test_a_face_is_measured_in_pixels_of_the_photo(
    lane: Lane, size: tuple[int, int], allowed: bool
) -> None:
    """Half the width and three quarters of the height: 24 by 24 pixels here, 16 by 36 there."""
    assessment = await lane.assess(photos.png(size))
    assert (assessment.alcohol_decision == v1.ALCOHOL_DECISION_ALLOW) == allowed


async def test_a_turned_photo_is_measured_as_the_model_saw_it(
    lane: Lane, model: FakeModelServer
) -> None:
    """4000 by 2800 as stored, 1400 by 2000 as sent: a face of half the width has 700 pixels."""
    exif = Image.Exif()
    exif[0x0112] = 8
    photo = photos.encoded(photos.picture((4000, 2800)), "JPEG", exif=exif)
    model.cards = {3: card() | {"face_gates": FACE_GATES | {"min_side_pixels": 701}}}
    assert_document_check(await lane.assess(photo), v1.DECISION_REASON_POOR_FACE)
    model.version = 4
    model.cards[4] = card() | {"face_gates": FACE_GATES | {"min_side_pixels": 699}}
    assert (await lane.assess(photo)).alcohol_decision == v1.ALCOHOL_DECISION_ALLOW


async def test_a_model_that_does_not_look_for_faces_tells_ages_and_lets_nobody_through(
    lane: Lane, model: FakeModelServer
) -> None:
    """Whatever certificates it carries: they were made without the gates."""

    async def as_it_used_to_be(response: predict_pb2.PredictResponse) -> None:
        for name in set(response.outputs) - {"age", "age_probabilities", "ok"}:
            del response.outputs[name]

    model.script = as_it_used_to_be
    assessment = await lane.assess()
    assert_document_check(assessment, v1.DECISION_REASON_MODEL_NOT_CERTIFIED)
    assert assessment.age_years == pytest.approx(60, abs=0.01)
    assert not assessment.photo_quality.HasField("face_count")


async def test_a_number_that_rounding_carried_over_the_edge_is_brought_back(
    lane: Lane, model: FakeModelServer
) -> None:
    """The contract promises 0 to 1."""
    model.face_score, model.brightness = 1.0001, -0.0001
    quality = (await lane.assess()).photo_quality
    assert (quality.face_score, quality.brightness) == (1, 0)
