"""The main job: a photo of a real person in, an age and a decision out."""

from __future__ import annotations

import csv
import io
import json
import os
import subprocess
import sys
import tarfile
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import grpc
import pytest
from PIL import Image

from agelane.tfserving.v1 import predict_pb2, tensor_pb2
from agelane_client import (
    AgelaneError,
    AlcoholDecision,
    Assessment,
    Client,
    DecisionReason,
    OverloadedError,
    PhotoError,
)
from tests.e2e.conftest import MODELS, PHOTOS, SAMPLES, SHARED_PHOTOS, Addresses

PATIENCE_SECONDS = 5.0
"""The longest deadline that the gateway grants: a slow machine must not fail these tests."""
KNOWN_AGES = {"biden_2010.jpg": 67, "obama_2009.jpg": 48, "obama_2012.jpg": 51}
"""Ages in the public record on the day of the photo (docs/samples/README.md)."""
PREDICT = "/tensorflow.serving.PredictionService/Predict"
REPORT_KEYS = [
    "photo",
    "age_years",
    "age_low",
    "age_high",
    "age_group",
    "alcohol_decision",
    "reasons",
    "probability_under_legal_age",
    "model_version",
    "latency_ms",
]


@pytest.fixture(name="client")
def client_fixture(stack: Addresses) -> Client:
    """A till."""
    return Client(stack.gateway, timeout=PATIENCE_SECONDS)


@pytest.mark.parametrize("name", sorted(KNOWN_AGES))
def test_a_known_person_gets_about_the_right_age(client: Client, name: str) -> None:
    """An untrained model says about 30 to all, so within 15 years means that it learnt."""
    assessment = client.assess(SAMPLES / name)
    assert assessment.age_years is not None
    assert assessment.age_low_years is not None
    assert assessment.age_high_years is not None
    assert abs(assessment.age_years - KNOWN_AGES[name]) < 15
    assert assessment.age_low_years < assessment.age_years < assessment.age_high_years
    assert assessment.model is not None


def test_a_certified_model_waves_through_who_is_clearly_old_enough(client: Client) -> None:
    """The trainer's certificate, read by the gateway from the version that answered."""
    assessment = client.assess(SAMPLES / "biden_2010.jpg")
    assert assessment.alcohol_decision is AlcoholDecision.ALLOW


def test_several_photos_of_one_person_make_one_answer(client: Client) -> None:
    """One photo alone gets the age of a call; none is taken that the decision does not need."""
    once = client.assess_frames([SAMPLES / "obama_2012.jpg"])
    alone = client.assess(SAMPLES / "obama_2012.jpg").age_years
    assert once.frames_used == 1
    assert once.age_years == pytest.approx(alone)
    taken: list[int] = []

    def camera() -> Iterator[Path]:
        for number in range(20):
            taken.append(number)
            yield SAMPLES / "biden_2010.jpg"

    fused = client.assess_frames(camera())
    assert fused.alcohol_decision is AlcoholDecision.ALLOW
    assert len(taken) < 20


@pytest.mark.parametrize("name", ["cat", "coffee", "rocket"])
def test_where_there_is_no_face_a_document_is_asked_for(client: Client, name: str) -> None:
    """Whatever age the network would have seen in it."""
    assessment = client.assess(PHOTOS / f"{name}.jpg")
    assert assessment.alcohol_decision is AlcoholDecision.VERIFY_ID
    assert DecisionReason.NO_FACE in assessment.reasons


def test_a_face_in_a_whole_camera_frame_is_found(client: Client) -> None:
    """It gets about the age that it gets when it is cut out; two of them are one too many."""
    frame = Image.new("RGB", (1280, 720), (90, 110, 130))
    with Image.open(SAMPLES / "obama_2012.jpg") as face:
        alone = client.assess(SAMPLES / "obama_2012.jpg").age_years
        frame.paste(face.resize((320, 320)), (300, 200))
        assert client.assess(as_jpeg(frame)).age_years == pytest.approx(alone, abs=6)
        frame.paste(face.resize((320, 320)), (800, 200))
    assert DecisionReason.SEVERAL_FACES in client.assess(as_jpeg(frame)).reasons


def as_jpeg(photo: Image.Image) -> bytes:
    """Return a photo as a camera sends it."""
    buffer = io.BytesIO()
    photo.save(buffer, "JPEG", quality=90)
    return buffer.getvalue()


def test_the_broken_sample_is_refused_with_its_reason(client: Client) -> None:
    """And the next photo is answered as if nothing had been."""
    with pytest.raises(PhotoError) as caught:
        client.assess(SAMPLES / "broken.jpg")
    assert caught.value.reason == "TRUNCATED_PHOTO"
    assert client.assess(SAMPLES / "collins.jpg").age_years is not None


def test_broken_photos_among_many_calls_at_once_harm_nobody(client: Client) -> None:
    """Sixteen tills at once; every good photo gets the age that it gets alone."""
    alone = client.assess(SAMPLES / "collins.jpg").age_years
    names = ["broken.jpg" if number % 8 == 0 else "collins.jpg" for number in range(48)]

    def assess(name: str) -> Assessment | AgelaneError:
        try:
            return client.assess(SAMPLES / name)
        except OverloadedError as error:  # on a busy machine; it says when to come back
            time.sleep(error.retry_after or 1)
            return assess(name)
        except AgelaneError as error:
            return error

    with ThreadPoolExecutor(16) as tills:
        answers = list(tills.map(assess, names))
    for name, answer in zip(names, answers, strict=True):
        if name == "broken.jpg":
            assert isinstance(answer, PhotoError)
        else:
            assert isinstance(answer, Assessment)
            assert answer.age_years == pytest.approx(alone, abs=0.01)


def test_undecodable_photos_in_a_batch_fail_no_good_call(stack: Addresses) -> None:
    """Twelve broken among 96 concurrent calls, past the gateway, straight at the model server."""
    good = (SAMPLES / "collins.jpg").read_bytes()
    photos = [good[:4000] if number % 8 == 0 else good for number in range(96)]
    with grpc.insecure_channel(stack.model_server) as channel, ThreadPoolExecutor(96) as callers:
        predict = channel.unary_unary(
            PREDICT,
            request_serializer=predict_pb2.PredictRequest.SerializeToString,
            response_deserializer=predict_pb2.PredictResponse.FromString,
        )

        def call(photo: bytes) -> predict_pb2.PredictResponse:
            request = predict_pb2.PredictRequest()
            request.model_spec.name = "age"
            tensor = request.inputs["image_bytes"]
            tensor.dtype = tensor_pb2.DT_STRING
            tensor.tensor_shape.dim.add(size=1)
            tensor.string_val.append(photo)
            response: predict_pb2.PredictResponse = predict(request, timeout=120)
            return response

        answers = list(callers.map(call, photos))
    decoded = [answer.outputs["ok"].bool_val[0] for answer in answers]
    assert decoded == [number % 8 != 0 for number in range(96)]


def test_the_command_line_prints_one_object_a_photo(stack: Addresses) -> None:
    """With the documented keys, also for the photo that was refused."""
    photos = sorted(str(path) for path in SAMPLES.glob("*.jpg"))
    flags = ["--json", "--timeout", str(PATIENCE_SECONDS)]
    run = subprocess.run(
        [sys.executable, "-m", "agelane_client.cli", "assess", *flags, *photos],
        env={**os.environ, "AGELANE_TARGET": stack.gateway},
        capture_output=True,
        text=True,
        check=False,
    )
    lines = [json.loads(line) for line in run.stdout.splitlines()]
    assert [line["photo"] for line in lines] == photos
    for line in lines:
        assert list(line)[: len(REPORT_KEYS)] == REPORT_KEYS
        assert ("error" in line) == line["photo"].endswith("broken.jpg")


def test_real_photos_get_ages_as_good_as_the_model_card_says(client: Client) -> None:
    """Photos of the validation part, through the whole stack, against the card's own error."""
    if not SHARED_PHOTOS.exists():
        pytest.skip("the real photos are not at hand")
    errors, minors_allowed, minors = [], 0, 0
    for photo, age in validation_photos(limit=80):
        assessment = client.assess(photo)
        assert assessment.age_years is not None
        errors.append(abs(assessment.age_years - age))
        minors += age < 18
        allowed = assessment.alcohol_decision is AlcoholDecision.ALLOW
        minors_allowed += age < 18 and allowed
    newest = max(MODELS.glob("age/[0-9]*"), key=lambda path: int(path.name))
    card = json.loads((newest / "assets.extra" / "model_card.json").read_text())
    assert len(errors) == 80
    assert sum(errors) / len(errors) < card["metrics"]["mae_years"] + 2.5
    assert minors_allowed <= 1, f"{minors_allowed} of {minors} children were waved through"


def validation_photos(limit: int) -> list[tuple[bytes, int]]:
    """Return photos that training never saw, spread over the archive, with their ages."""
    from hashlib import sha256

    from agelane_trainer.data.split import bucket_part

    with tarfile.open(SHARED_PHOTOS) as archive:
        labels = archive.extractfile("faces/labels.csv")
        assert labels is not None
        rows = csv.DictReader(io.TextIOWrapper(labels, "utf-8"))
        ages = {row["file_name"]: int(row["real_age"]) for row in rows}
        chosen = set(sorted(ages)[:: len(ages) // (limit * 14)])
        photos = []
        for member in archive:
            name = member.name.rpartition("/")[2]
            file = archive.extractfile(member) if name in chosen else None
            if file is None:
                continue
            photo = file.read()
            if bucket_part(sha256(photo).hexdigest()) == "validation":
                photos.append((photo, ages[name]))
    return photos[:limit]
