"""Recipes, and the kinds of augmentation that they switch."""

from __future__ import annotations

from dataclasses import asdict, replace
from pathlib import Path

import pytest

from agelane_trainer.data.dataset import Photo
from agelane_trainer.training.recipe import KINDS, Augmentation, Recipe, evenly, load_recipe


def test_each_setting_of_the_augmentation_belongs_to_one_kind() -> None:
    """None is forgotten when kinds are switched off one by one."""
    fields = [field for kind in KINDS.values() for field in kind]
    assert sorted(fields) == sorted(asdict(Augmentation()))


@pytest.mark.parametrize("kind", KINDS)
def test_a_kind_is_switched_off_or_left_alone(kind: str) -> None:
    """And what is left of both together is everything."""
    whole = Augmentation()
    without, only = asdict(whole.without(kind)), asdict(whole.only(kind))
    for field, value in asdict(whole).items():
        off = asdict(Augmentation.none())[field]
        assert (without[field], only[field]) == (
            (off, value) if field in KINDS[kind] else (value, off)
        )


def test_the_original_flips_rotates_and_shifts_and_nothing_else() -> None:
    """Its network is the reference: one neuron, squared error, no balanced sampling."""
    recipe = load_recipe("original_mse")
    used = {kind for kind in KINDS if recipe.augmentation.only(kind) != Augmentation.none()}
    assert used == {"flip", "rotate", "shift"}
    assert (recipe.head, recipe.sampling_power, recipe.ema_decay) == ("mse", 0, 0)


def test_patience_is_counted_in_whole_epochs() -> None:
    """Unset means none."""
    assert Recipe(name="patient").patience_epochs is None
    with pytest.raises(ValueError, match="patience_epochs must be at least 1"):
        replace(Recipe(name="hasty"), patience_epochs=0)


def test_a_few_photos_are_taken_evenly_from_all() -> None:
    """Not the first ones, which may all be of one kind."""
    photos = [Photo(Path(f"{age}.jpg"), age) for age in range(10)]
    assert [photo.age for photo in evenly(photos, 5)] == [0, 2, 4, 6, 8]
    assert evenly(photos, 20) == photos
