"""Faces are found, and what is no face is not."""

from __future__ import annotations

import keras
import numpy as np
import numpy.typing as npt
import pytest
import tensorflow as tf
from PIL import Image

from agelane_trainer.network.face_finder import SIDE, Faces, choose_face, find_candidates
from tests.trainer.conftest import PORTRAITS, portrait

GREY = (127, 127, 127)


@pytest.fixture(scope="module", name="find")
def find_fixture(finder: keras.Model) -> tf.types.experimental.PolymorphicFunction:
    """The finder, compiled as it is in the exported graph."""
    return tf.function(lambda pictures: choose_face(*find_candidates(finder, pictures)))


def canvas(*faces: tuple[str, int, int, int]) -> npt.NDArray[np.float32]:
    """Return a grey picture [1, 128, 128, 3] with sample faces: name, left, top, side."""
    picture = Image.new("RGB", (SIDE, SIDE), GREY)
    for name, left, top, side in faces:
        picture.paste(portrait(name).resize((side, side)), (left, top))
    return np.asarray(picture, np.float32)[None]


@pytest.mark.parametrize("name", PORTRAITS)
def test_the_face_of_each_sample_is_found_where_it_is(
    find: tf.types.experimental.PolymorphicFunction, name: str
) -> None:
    """The box fills most of the photo, which lies in the lower right of the picture."""
    faces: Faces = find(canvas((name, 40, 40, 80)))
    top, left, bottom, right = faces.box.numpy()[0] * SIDE
    assert faces.count.numpy() == [1]
    assert faces.score.numpy()[0] > 0.8
    assert 35 < top < 65
    assert 35 < left < 60
    assert 50 < bottom - top < 90
    assert right - left == pytest.approx(bottom - top, rel=0.1)


def test_two_people_are_counted(find: tf.types.experimental.PolymorphicFunction) -> None:
    """Whose age would it be?"""
    faces = find(canvas(("collins", 2, 30, 60), ("biden_2010", 66, 30, 60)))
    assert faces.count.numpy() == [2]


def test_what_is_no_face_is_not_taken_for_one(
    find: tf.types.experimental.PolymorphicFunction,
) -> None:
    """Plain grey, noise of every grain, stripes and a chequered board."""
    random = np.random.default_rng(0)
    pictures = [np.full((SIDE, SIDE, 3), 127.0)]
    for cells in (2, 3, 5, 8, 13, 21, 34, SIDE):
        coarse = random.integers(0, 255, (cells, cells, 3), np.uint8)
        pictures.append(np.asarray(Image.fromarray(coarse).resize((SIDE, SIDE))))
    rows, columns = np.indices((SIDE, SIDE))
    for pattern in (rows // 8 % 2, columns // 16 % 2, (rows // 16 + columns // 16) % 2):
        pictures.append(np.repeat(pattern[..., None] * 255.0, 3, axis=2))
    faces = find(np.stack(pictures).astype(np.float32))
    assert (faces.count.numpy() == 0).all(), faces.score.numpy()


def test_the_largest_face_is_chosen_and_much_smaller_ones_do_not_count() -> None:
    """Boxes of known sides: 60, 31 and 29 of 100 pixels; and one that scores too little."""
    sides = np.array([29.0, 60.0, 31.0, 90.0])
    corners = np.array([[0.0, 0.0], [100.0, 0.0], [0.0, 100.0], [200.0, 200.0]])
    boxes = np.concatenate([corners, corners + sides[:, None]], axis=1)[None].astype(np.float32)
    faces = choose_face(tf.constant(boxes), tf.constant([[0.99, 0.8, 0.9, 0.7]]))
    assert faces.box.numpy()[0].tolist() == [100, 0, 160, 60]
    assert faces.score.numpy() == pytest.approx([0.8])
    assert faces.count.numpy() == [2]


def test_boxes_of_one_face_count_once() -> None:
    """The network looks for each face at several places."""
    boxes = tf.constant([[[0.0, 0.0, 100.0, 100.0], [4.0, 4.0, 104.0, 104.0]]])
    assert choose_face(boxes, tf.constant([[0.9, 0.95]])).count.numpy() == [1]


def test_where_nothing_is_a_face_the_best_guess_is_given() -> None:
    """Its box and its score; it does not count."""
    boxes = tf.constant([[[0.0, 0.0, 9.0, 9.0], [4.0, 4.0, 6.0, 6.0]]])
    faces = choose_face(boxes, tf.constant([[0.2, 0.4]]))
    assert faces.count.numpy() == [0]
    assert faces.score.numpy() == pytest.approx([0.4])
    assert faces.box.numpy().tolist() == [[4, 4, 6, 6]]
