"""What the network is fed: varied, repeatable, and the same again after a kill."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf

from agelane_trainer.data.dataset import read_photos
from agelane_trainer.training.augment import augment
from agelane_trainer.training.pipeline import (
    Share,
    epoch_order,
    evaluation_batches,
    training_batches,
)
from agelane_trainer.training.recipe import Augmentation, Recipe

RECIPE = Recipe(name="test", input_size=32, batch_size=8)


def batch_of_photos(data_set: Path) -> tf.Tensor:
    """Return the first photos, 64 by 64."""
    return next(iter(evaluation_batches(read_photos(data_set), 64)))[0]


def test_augmented_photos_have_their_size_and_range(data_set: Path) -> None:
    """Grey levels stay between 0 and 255."""
    photos = batch_of_photos(data_set)
    varied = augment(photos, 48, tf.constant([1, 2], tf.int64), Augmentation()).numpy()
    assert varied.shape == (len(photos), 48, 48, 3)
    assert np.isfinite(varied).all()
    assert varied.min() >= 0
    assert varied.max() <= 255


def test_one_seed_gives_one_picture_and_another_seed_another(data_set: Path) -> None:
    """Or a resumed run would not see what the uninterrupted one saw."""
    photos = batch_of_photos(data_set)
    first, again, other = (
        augment(photos, 64, tf.constant([1, n], tf.int64), Augmentation()).numpy()
        for n in (5, 5, 6)
    )
    assert (first == again).all()
    assert np.abs(first - other).mean() > 5


def test_everything_switched_off_leaves_the_photo_as_it_is(data_set: Path) -> None:
    """Each kind of variation can be ablated."""
    photos = batch_of_photos(data_set)
    same = augment(photos, 64, tf.constant([1, 2], tf.int64), Augmentation.none()).numpy()
    assert np.abs(same - photos.numpy()).max() < 0.5


@pytest.mark.parametrize(
    "kind",
    [
        {"flip": True},
        {"rotate_degrees": 20.0},
        {"shift": 0.1},
        {"zoom_in": 0.6},
        {"zoom_out": 1.4},
        {"blur_share": 1.0},
        {"noise_share": 1.0},
        {"colour": 1.0},
        {"grey_share": 1.0},
        {"print_share": 1.0},
        {"occlusion_share": 1.0},
        {"stretch": 0.2},
    ],
)
def test_each_kind_of_variation_does_something(data_set: Path, kind: dict[str, float]) -> None:
    """Switched on alone."""
    photos = batch_of_photos(data_set)
    settings = replace(Augmentation.none(), **kind)  # type: ignore[arg-type]  # one of several types
    varied = augment(photos, 64, tf.constant([1, 2], tf.int64), settings).numpy()
    assert np.abs(varied - photos.numpy()).mean() > 0.5


def test_skipping_batches_continues_exactly_where_the_run_stopped(data_set: Path) -> None:
    """Photos and ages of the third batch are the same, reached either way."""
    photos = read_photos(data_set)
    whole = list(training_batches(photos, RECIPE, epoch=1))
    resumed = next(iter(training_batches(photos, RECIPE, epoch=1).skip(2)))
    assert (resumed[0].numpy() == whole[2][0].numpy()).all()
    assert (resumed[1].numpy() == whole[2][1].numpy()).all()


def test_the_shares_of_a_batch_put_together_are_the_batch(data_set: Path) -> None:
    """Each photo is varied as it is on one machine, so several learn what one would learn."""
    photos = read_photos(data_set)
    whole = list(training_batches(photos, RECIPE, epoch=1))
    shares = [list(training_batches(photos, RECIPE, 1, Share(i, 4))) for i in range(4)]
    assert [len(share) for share in shares] == [len(whole)] * 4
    for number, (batch, ages) in enumerate(whole):
        parts = [share[number] for share in shares]
        assert (np.concatenate([part[1] for part in parts]) == ages.numpy()).all()
        assert np.allclose(np.concatenate([part[0] for part in parts]), batch, atol=1e-3)


def test_epochs_differ(data_set: Path) -> None:
    """In their order."""
    ages = np.arange(40)
    assert not (epoch_order(ages, RECIPE, 0) == epoch_order(ages, RECIPE, 1)).all()


def test_without_balancing_each_photo_comes_once() -> None:
    """A plain shuffle."""
    order = epoch_order(np.full(50, 30), replace(RECIPE, sampling_power=0), 3)
    assert sorted(order) == list(range(50))


def test_balancing_draws_rare_ages_oftener() -> None:
    """A thousand people of 30 and ten of 15."""
    ages = np.r_[np.full(1000, 30), np.full(10, 15)]
    order = epoch_order(ages, replace(RECIPE, sampling_power=0.5), 0)
    assert (ages[order] == 15).sum() > 15


def test_photos_are_evaluated_in_order_and_unvaried(data_set: Path) -> None:
    """Twice the same."""
    photos = read_photos(data_set)
    ages = np.concatenate([batch[1] for batch in evaluation_batches(photos, 32)])
    assert list(ages) == [photo.age for photo in photos]
    first, again = batch_of_photos(data_set), batch_of_photos(data_set)
    assert (first.numpy() == again.numpy()).all()
