"""Photos made harder: always in the same way, and always photos."""

from __future__ import annotations

import io

import numpy as np
import pytest
from PIL import Image

from agelane_trainer.evaluation.stress import KINDS, stressed
from tests.trainer.conftest import SAMPLES, encoded, made_up_photo

PHOTO = (SAMPLES / "collins.jpg").read_bytes()
LEFT_TO_CHANCE = {"wide view", "camera frame", "tilted", "tinted", "noisy", "chin covered"}


def opened(photo: bytes) -> Image.Image:
    """Return a photo, decoded."""
    with Image.open(io.BytesIO(photo)) as image:
        return image.convert("RGB")


def pixels(photo: bytes) -> np.ndarray:
    """Return the grey levels of a photo."""
    return np.asarray(opened(photo), float)


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_gives_another_photo_and_always_the_same(kind: str) -> None:
    """A figure of today can be compared with one of last year."""
    harder = stressed(PHOTO, kind, 7)
    assert harder == stressed(PHOTO, kind, 7)
    assert harder != PHOTO
    image = opened(harder)
    assert min(image.size) >= 50
    assert pixels(harder).std() > 5, "it still shows something"


@pytest.mark.parametrize("kind", sorted(LEFT_TO_CHANCE))
def test_photos_differ_in_what_is_left_to_chance(kind: str) -> None:
    """Otherwise a kind would show one case, many times."""
    assert len({stressed(PHOTO, kind, number) for number in range(4)}) > 1


@pytest.mark.parametrize("mode", ["L", "RGBA", "P"])
def test_photos_of_any_mode_are_made_harder(mode: str) -> None:
    """A data set may hold grey ones."""
    photo = encoded(made_up_photo(1, 80).convert(mode), "PNG")
    for kind in KINDS:
        assert min(opened(stressed(photo, kind, 0)).size) > 0


def test_each_kind_does_what_its_name_says() -> None:
    """As far as a number tells."""
    plain = pixels(PHOTO)
    harder = {kind: stressed(PHOTO, kind, 3) for kind in KINDS}
    assert pixels(harder["dark"]).mean() < 0.6 * plain.mean()
    assert pixels(harder["bright"]).mean() > 1.2 * plain.mean()
    assert np.ptp(pixels(harder["grey"]), axis=2).max() <= 2
    assert opened(harder["camera frame"]).size == (1280, 720)
    assert opened(harder["small"]).size == (56, 56)
    assert opened(harder["wide view"]).width > 1.5 * plain.shape[1]
    assert opened(harder["tight crop"]).width < 0.8 * plain.shape[1]
    assert len(harder["poor JPEG"]) < len(PHOTO) / 2
    steps = {kind: np.abs(np.diff(pixels(harder[kind]), axis=1)).mean() for kind in KINDS}
    assert steps["blurred"] < np.abs(np.diff(plain, axis=1)).mean() < steps["noisy"]
