"""Made-up photos in the data set's format, and one network of random weights, exported."""

from __future__ import annotations

import csv
import hashlib
import io
import json
import os
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest
from PIL import Image

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")

if TYPE_CHECKING:
    import keras

    from agelane_trainer.publishing.export import Sources

ROOT = Path(__file__).resolve().parents[2]
SAMPLES = ROOT / "docs" / "samples"
PORTRAITS = ("biden_2010", "collins", "obama_2009", "obama_2012")
"""Samples that show a face, cut close around it."""
FINDER = ROOT / "trainer" / "weights" / "face_finder.npz"
INPUT_SIZE = 32


@cache
def portrait(name: str) -> Image.Image:
    """Return a sample photo."""
    with Image.open(SAMPLES / f"{name}.jpg") as photo:
        return photo.convert("RGB")


def made_up_photo(seed: int, size: int = 64) -> Image.Image:
    """Return a smooth random picture without a face; equal seeds give equal pictures."""
    coarse = np.random.default_rng(seed).integers(0, 255, (6, 6, 3), np.uint8)
    return Image.fromarray(coarse).resize((size, size), Image.Resampling.BICUBIC)


def photo_of_somebody(seed: int, size: int = 64) -> Image.Image:
    """Return a face somewhere in front of a made-up picture."""
    photo = made_up_photo(seed, size)
    side = size * 5 // 8
    face = portrait(PORTRAITS[seed % len(PORTRAITS)]).resize((side, side))
    left, top = np.random.default_rng(seed).integers(0, size - side + 1, 2).tolist()
    photo.paste(face, (left, top))
    return photo


def encoded(photo: Image.Image, kind: str = "JPEG") -> bytes:
    """Return a photo as the content of a file."""
    buffer = io.BytesIO()
    photo.save(buffer, kind)
    return buffer.getvalue()


def write_data_set(folder: Path, ages: Sequence[int]) -> Path:
    """Write one photo of somebody for each age; returns the folder."""
    (folder / "final_files").mkdir(parents=True)
    with (folder / "labels.csv").open("w", newline="") as file:
        rows = csv.writer(file)
        rows.writerow(["file_name", "real_age"])
        for number, age in enumerate(ages):
            name = f"{number:06}.jpg"
            photo_of_somebody(number).save(folder / "final_files" / name, quality=90)
            rows.writerow([name, age])
    return folder


@pytest.fixture
def data_set(tmp_path: Path) -> Path:
    """Forty photos of people of 1 to 79."""
    return write_data_set(tmp_path / "faces", range(1, 80, 2))


@pytest.fixture(scope="session")
def random_weights(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Weights of a network that knows nothing and is not sure of anything, as a file."""
    import keras

    from agelane_trainer.network.resnet import arrays_of, build_model, save_weights

    keras.utils.set_random_seed(3)
    arrays = arrays_of(build_model(INPUT_SIZE))
    # Nothing normalises the activations of an untrained network: they grow with its depth.
    arrays["age_head/kernel"] = arrays["age_head/kernel"].astype(np.float32) * 0.3
    path = tmp_path_factory.mktemp("weights") / "random.npz"
    save_weights(arrays, path)
    return path


@pytest.fixture(scope="session")
def finder() -> keras.Model:
    """The face finder, with its real weights."""
    from agelane_trainer.network.face_finder import build_face_finder

    return build_face_finder(FINDER)


@pytest.fixture(scope="session")
def card_file(random_weights: Path) -> Path:
    """The model card of the random weights."""
    shares = np.linspace(0, 1, 11) ** 1.2
    card = {
        "schema": 1,
        "name": "age",
        "input_size": INPUT_SIZE,
        "calibration": {"temperatures": [1.5, 2.0], "shares": shares.round(4).tolist()},
        "face_gates": {
            "min_score": 0.75,
            "min_side_pixels": 40,
            "min_brightness": 0.1,
            "max_brightness": 0.95,
            "min_sharpness": 0.0001,
        },
        "weights_sha256": hashlib.sha256(random_weights.read_bytes()).hexdigest(),
        "finder_sha256": hashlib.sha256(FINDER.read_bytes()).hexdigest(),
        "data": {"sha256": "a" * 64},
        "metrics": {"mae_years": 5.0, "mae_95_high_years": 5.2},
        "certificates": [],
    }
    path = random_weights.with_name("model_card.json")
    path.write_text(json.dumps(card))
    return path


@pytest.fixture(scope="session")
def sources(random_weights: Path, card_file: Path) -> Sources:
    """What a version is made of."""
    from agelane_trainer.publishing.export import Sources

    return Sources(random_weights, FINDER, card_file)


@pytest.fixture(scope="session")
def golden() -> list[bytes]:
    """The sample photos and two variations."""
    from agelane_trainer.publishing.golden import golden_photos

    return golden_photos(SAMPLES, 6)


@pytest.fixture(scope="session")
def exported(
    sources: Sources, golden: list[bytes], tmp_path_factory: pytest.TempPathFactory
) -> Path:
    """Its published SavedModel version, in float32."""
    from agelane_trainer.publishing.export import export

    return export(sources, tmp_path_factory.mktemp("models") / "age", "float32", golden)
