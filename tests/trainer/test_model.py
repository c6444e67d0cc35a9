"""The network and its weights file."""

from __future__ import annotations

from pathlib import Path

import keras
import numpy as np
import pytest
import tensorflow as tf

from agelane_trainer.network.resnet import (
    WeightsError,
    arrays_of,
    build_model,
    load_arrays,
    load_weights,
    read_arrays,
    save_weights,
    starting_arrays,
)
from agelane_trainer.training.losses import expected_age, training_loss
from agelane_trainer.training.recipe import Recipe, load_recipe, recipe_names
from tests.trainer.conftest import INPUT_SIZE

PHOTOS = np.random.default_rng(0).uniform(0, 255, (2, INPUT_SIZE, INPUT_SIZE, 3)).astype("float32")


def test_weights_survive_the_file_within_half_precision(
    random_weights: Path, tmp_path: Path
) -> None:
    """Save, load into a fresh network, save again: the same outputs."""
    first, second = build_model(INPUT_SIZE), build_model(INPUT_SIZE)
    load_weights(first, random_weights)
    save_weights(arrays_of(first), tmp_path / "again.npz")
    load_weights(second, tmp_path / "again.npz")
    assert np.array_equal(first(PHOTOS), second(PHOTOS))
    assert (tmp_path / "again.npz").stat().st_size < 50_000_000


def test_the_backbone_is_that_of_keras() -> None:
    """The same photo and the same weights give the same features as its own preprocessing."""
    reference = keras.applications.ResNet50(
        include_top=False, weights=None, pooling="avg", input_shape=(INPUT_SIZE, INPUT_SIZE, 3)
    )
    ours = build_model(INPUT_SIZE)
    load_arrays(ours, arrays_of(reference), partial=True)
    features = keras.Model(ours.input, ours.layers[-2].output)
    prepared = keras.applications.resnet.preprocess_input(PHOTOS.copy())
    assert np.allclose(features(PHOTOS), reference(prepared), atol=1e-4)


def test_a_missing_layer_is_named_unless_partial_weights_are_asked_for(
    random_weights: Path, tmp_path: Path
) -> None:
    """Partial weights leave the rest as it was."""
    arrays = read_arrays(random_weights)
    del arrays["age_head/kernel"]
    model = build_model(INPUT_SIZE)
    assert load_arrays(model, arrays, partial=True) == ["age_head/kernel"]
    save_weights(arrays, tmp_path / "partial.npz")
    with pytest.raises(WeightsError, match=r"partial\.npz: lacks 1 arrays.*age_head/kernel"):
        load_weights(model, tmp_path / "partial.npz")


def test_a_wrong_shape_is_refused(random_weights: Path) -> None:
    """Weights of another network."""
    arrays = read_arrays(random_weights)
    arrays["age_head/bias"] = np.zeros(7)
    with pytest.raises(WeightsError, match=r"age_head/bias has shape \(7,\), not \(101,\)"):
        load_arrays(build_model(INPUT_SIZE), arrays, partial=True)


def test_a_pickle_in_a_weights_file_is_never_run(tmp_path: Path) -> None:
    """Weights come from outside."""
    np.savez(tmp_path / "evil.npz", x=np.array([print], object))
    with pytest.raises(WeightsError, match="not a readable"):
        read_arrays(tmp_path / "evil.npz")
    (tmp_path / "text.npz").write_text("no archive")
    with pytest.raises(WeightsError, match="not a readable"):
        read_arrays(tmp_path / "text.npz")


def test_training_starts_at_random_or_from_a_file(random_weights: Path) -> None:
    """As the flag says."""
    assert starting_arrays("random") is None
    assert "age_head/kernel" in (starting_arrays(str(random_weights)) or {})
    with pytest.raises(WeightsError, match="nowhere"):
        starting_arrays("nowhere.npz")


def test_the_single_neuron_starts_at_a_typical_age() -> None:
    """The original's head, with the squared error in years."""
    model = build_model(INPUT_SIZE, "mse")
    assert model.output_shape == (None, 1)
    assert model.layers[-1].bias.numpy() == pytest.approx(31)
    loss = training_loss(tf.constant([[34.0]]), tf.constant([31]), Recipe(name="t", head="mse"))
    assert loss.numpy() == pytest.approx([9])


def test_the_loss_is_least_for_the_truth() -> None:
    """A distribution around the true age against one ten years off, and a vague one."""
    ages = np.arange(101)
    recipe = Recipe(name="test", under_age_weight=0.2)

    def loss(centre: float, sigma: float) -> float:
        logits = tf.constant(-((ages[None] - centre) ** 2) / (2 * sigma**2), tf.float32)
        return float(training_loss(logits, tf.constant([20]), recipe).numpy()[0])

    assert loss(20, 2) == pytest.approx(0, abs=0.3)
    assert loss(20, 2) < loss(20, 8) < loss(30, 8)


def test_the_under_age_term_punishes_calling_a_child_adult() -> None:
    """Nothing else differs."""
    logits = tf.constant(-((np.arange(101)[None] - 25) ** 2) / 8, tf.float32)
    plain, strict = (Recipe(name="t", under_age_weight=w) for w in (0.0, 1.0))
    child = tf.constant([15])
    assert training_loss(logits, child, strict) > training_loss(logits, child, plain) + 2


def test_the_expected_age_is_the_mean_of_the_distribution() -> None:
    """Half 20, half 40."""
    logits = np.full((1, 101), -1e9, np.float32)
    logits[0, [20, 40]] = 0
    assert expected_age(tf.constant(logits)).numpy() == pytest.approx([30])


def test_every_recipe_loads_and_bears_the_name_of_its_file() -> None:
    """And an unknown one lists those that exist."""
    for name in recipe_names():
        assert load_recipe(name).name == name
    with pytest.raises(ValueError, match=r"no recipe 'nope'.*agelane, original_mse, smoke"):
        load_recipe("nope")
    with pytest.raises(ValueError, match="batch_size must be at least 1"):
        Recipe(name="bad", batch_size=0)
    with pytest.raises(ValueError, match="only the distribution head can be folded"):
        Recipe(name="bad", head="mse", batch_norm="folded")
