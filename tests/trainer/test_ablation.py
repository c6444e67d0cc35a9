"""Short runs without one kind of augmentation each, side by side."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path

import keras
import numpy as np
import numpy.typing as npt
import pytest
from PIL import Image

from agelane_trainer.data.dataset import Photo, read_photos
from agelane_trainer.network.resnet import arrays_of
from agelane_trainer.training import ablation, learner
from agelane_trainer.training.augmentation_sheet import GAP, SIDE, augmentation_sheet
from agelane_trainer.training.losses import expected_age
from agelane_trainer.training.pipeline import evaluation_batches
from agelane_trainer.training.recipe import Augmentation, Recipe
from tests.trainer.conftest import made_up_photo, write_data_set
from tests.trainer.small_network import TINY, small_network

FLIP_AND_BLUR = replace(Augmentation.none(), flip=True, blur_share=0.5)


def estimate(
    network: keras.Model, photos: Sequence[Photo], light: float
) -> npt.NDArray[np.float32]:
    """Return the years for photos in more or less light."""
    batches = evaluation_batches(photos, TINY.input_size)
    return np.concatenate([expected_age(network(batch * light)).numpy() for batch, _ in batches])


ESTIMATORS = {"plain": partial(estimate, light=1.0), "stressed": partial(estimate, light=0.25)}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the ablation writes."""
    return tmp_path_factory.mktemp("ablation")


@pytest.fixture(scope="module")
def results(folder: Path) -> list[ablation.Result]:
    """Of a recipe with two kinds, on photos as they are and on darkened ones; asked for twice."""
    photos = read_photos(write_data_set(folder.with_name("faces"), range(10, 70, 2)))
    keras.utils.set_random_seed(5)
    start = arrays_of(small_network(TINY.input_size))
    recipe = replace(TINY, epochs=1, augmentation=FLIP_AND_BLUR)
    with pytest.MonkeyPatch.context() as patch:
        for module in (ablation, learner):
            patch.setattr(module, "build_model", small_network)
        first, again = (
            ablation.ablate(recipe, photos[:20], photos[20:], start, folder, ESTIMATORS)
            for _ in range(2)
        )
    assert first == again
    return first


def test_each_kind_is_left_out_once(results: list[ablation.Result], folder: Path) -> None:
    """Kinds that the recipe doesn't use need no run."""
    names = [result.augmentation for result in results if result.photos == "plain"]
    assert names == ["all", "without flip", "without blur", "none"]
    assert names == [result.augmentation for result in results if result.photos == "stressed"]
    runs = sorted(path.name for path in folder.iterdir() if path.is_dir())
    assert runs == ["all", "none", "without-blur", "without-flip"]


def test_differences_are_those_to_the_run_with_all_kinds(results: list[ablation.Result]) -> None:
    """On the same photos."""
    for photos in ("plain", "stressed"):
        rows = {row.augmentation: row for row in results if row.photos == photos}
        for row in rows.values():
            difference = row.mae_years - rows["all"].mae_years
            assert row.worse_years == pytest.approx(difference, abs=1e-4)
            assert row.worse_years_interval >= 0
    plain, stressed = (next(r for r in results if r.photos == p) for p in ("plain", "stressed"))
    assert plain.mae_years != stressed.mae_years


def test_results_are_written_for_people_and_for_programs(
    results: list[ablation.Result], folder: Path
) -> None:
    """A table with a row for each run, and the same numbers as JSON."""
    written = json.loads((folder / "ablation.json").read_text())
    assert [row["mae_years"] for row in written] == [row.mae_years for row in results]
    lines = (folder / "ablation.md").read_text().splitlines()
    assert lines[2:4] == ["| augmentation | plain | stressed |", "|---|---|---|"]
    assert [line.split(" | ")[0] for line in lines[4:]] == [
        "| all",
        "| without flip",
        "| without blur",
        "| none",
    ]


def test_a_short_run_warms_up_for_a_tenth_of_its_steps() -> None:
    """The whole recipe's warm-up would be most of it."""
    recipe = Recipe(name="long", batch_size=50, warmup_steps=200)
    short = ablation.shortened(recipe, epochs=2, photo_limit=1000)
    assert (short.epochs, short.photo_limit, short.warmup_steps) == (2, 1000, 4)


def test_the_sheet_has_a_row_for_each_kind(tmp_path: Path) -> None:
    """Of those that are switched on, between the photos as they are and all kinds together."""
    made_up_photo(1).save(tmp_path / "photo.jpg")
    augmentation_sheet([tmp_path / "photo.jpg"], tmp_path / "sheet.png", FLIP_AND_BLUR)
    with Image.open(tmp_path / "sheet.png") as sheet:
        assert sheet.height == 4 * (SIDE + GAP) - GAP
