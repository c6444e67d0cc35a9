"""Made-up photos in the data set's format, and one small network exported from random weights."""

from __future__ import annotations

import csv
import hashlib
import json
import os
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")

INPUT_SIZE = 32


def made_up_photo(seed: int, size: int = 64) -> Image.Image:
    """Return a smooth random picture; equal seeds give equal pictures."""
    coarse = np.random.default_rng(seed).integers(0, 255, (6, 6, 3), np.uint8)
    return Image.fromarray(coarse).resize((size, size), Image.Resampling.BICUBIC)


def write_data_set(folder: Path, ages: Sequence[int]) -> Path:
    """Write one made-up photo for each age; returns the folder."""
    (folder / "final_files").mkdir(parents=True)
    with (folder / "labels.csv").open("w", newline="") as file:
        rows = csv.writer(file)
        rows.writerow(["file_name", "real_age"])
        for number, age in enumerate(ages):
            made_up_photo(number).save(folder / "final_files" / f"{number:06}.jpg", quality=90)
            rows.writerow([f"{number:06}.jpg", age])
    return folder


@pytest.fixture
def data_set(tmp_path: Path) -> Path:
    """Forty photos of people of 1 to 79."""
    return write_data_set(tmp_path / "faces", range(1, 80, 2))


@pytest.fixture(scope="session")
def random_weights(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Weights of a network that knows nothing, as a file."""
    import keras

    from agelane_trainer.network.resnet import arrays_of, build_model, save_weights

    keras.utils.set_random_seed(3)
    path = tmp_path_factory.mktemp("weights") / "random.npz"
    save_weights(arrays_of(build_model(INPUT_SIZE)), path)
    return path


@pytest.fixture(scope="session")
def card_file(random_weights: Path) -> Path:
    """The model card of those weights."""
    card = {
        "schema": 1,
        "name": "age",
        "input_size": INPUT_SIZE,
        "temperature": 1.5,
        "weights_sha256": hashlib.sha256(random_weights.read_bytes()).hexdigest(),
        "certificates": [],
    }
    path = random_weights.with_name("model_card.json")
    path.write_text(json.dumps(card))
    return path


@pytest.fixture(scope="session")
def exported(
    random_weights: Path, card_file: Path, tmp_path_factory: pytest.TempPathFactory
) -> Path:
    """The published SavedModel version of those weights."""
    from agelane_trainer.publishing.export import export

    return export(random_weights, card_file, tmp_path_factory.mktemp("models") / "age")
