"""The finder of the SDK, which crops photos on the lane, sees what the model's own sees."""

from __future__ import annotations

import io

import keras
import numpy as np
import pytest
import tensorflow as tf
from PIL import Image

from agelane_faces import finder as faces
from agelane_trainer.network.preparation import Prepared, prepare
from tests.trainer.conftest import FINDER, PORTRAITS, ROOT, encoded, portrait

WALL = (90, 110, 130)
PEOPLE = [
    *([(name, 300, 200, 400)] for name in PORTRAITS),
    *([(name, 40, 10, 700)] for name in PORTRAITS),
    [("collins", 100, 200, 350), ("biden_2010", 800, 200, 350)],
    [("collins", 100, 200, 150), ("biden_2010", 600, 100, 550)],
    [],
]


def frame(people: list[tuple[str, int, int, int]]) -> bytes:
    """Return a camera's frame with sample faces: name, left, top, side (pixels)."""
    picture = Image.new("RGB", (1280, 720), WALL)
    for name, left, top, side in people:
        picture.paste(portrait(name).resize((side, side), Image.Resampling.LANCZOS), (left, top))
    return encoded(picture)


def test_the_weights_are_the_trainers() -> None:
    """One file in two distributions, since neither may need the other."""
    copy = ROOT / "faces" / "agelane_faces" / "face_finder.npz"
    assert copy.read_bytes() == FINDER.read_bytes()


@pytest.mark.parametrize("size", [(80, 80), (240, 128)])
def test_both_are_the_same_network(finder: keras.Model, size: tuple[int, int]) -> None:
    """On the same pixels each box is the same to a hundredth of a pixel."""
    for people in PEOPLE:
        view = np.asarray(Image.open(io.BytesIO(frame(people))).resize(size), np.float32)
        logits, places = finder(view[None])
        ours = faces._candidates(view / 127.5 - 1)
        best = int(np.argmax(logits[0, :, 0]))
        assert (len(ours) > 0) == (float(logits[0, best, 0]) >= np.log(3))
        if len(ours):
            sides = np.abs(places[0, best, 2:4])
            assert ours[0, 2:] - ours[0, :2] == pytest.approx(sides, abs=0.01)


def test_both_count_the_same_faces_at_the_same_places(finder: keras.Model) -> None:
    """On portraits and frames, with one face, several, and none."""
    photos = [encoded(portrait(name)) for name in PORTRAITS] + [frame(it) for it in PEOPLE]
    result: Prepared = tf.nest.map_structure(np.asarray, prepare(tf.constant(photos), 64, finder))
    for photo, count, box in zip(photos, result.faces.count, result.faces.box, strict=True):
        image = Image.open(io.BytesIO(photo)).convert("RGB")
        found = faces.find_faces(image)
        assert len(found) == count
        if found:
            top, left, bottom, right = box * np.tile([image.height, image.width], 2)
            # They look at other views of a frame: by squares there, at once here.
            assert found[0] == pytest.approx((left, top, right, bottom), abs=0.12 * (bottom - top))
