"""Weights between two networks, and without what the sampling taught."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import keras
import numpy as np
import pytest

from agelane_trainer import __main__ as command
from agelane_trainer.network.resnet import WeightsError, arrays_of, read_arrays, save_weights
from agelane_trainer.training.finishing import mix, undo_sampling
from agelane_trainer.training.pipeline import age_weights, epoch_order
from tests.trainer.conftest import write_data_set
from tests.trainer.small_network import TINY, small_network


def test_a_mixture_lies_between_its_parts() -> None:
    """A share of 0 is the one, 1 the other."""
    ours, theirs = {"a/kernel": np.array([0.0, 2.0])}, {"a/kernel": np.array([4.0, 2.0])}
    assert mix(ours, theirs, 0.25)["a/kernel"].tolist() == [1.0, 2.0]
    assert mix(ours, theirs, 0.0)["a/kernel"].tolist() == [0.0, 2.0]
    assert mix(ours, theirs, 1.0)["a/kernel"].tolist() == [4.0, 2.0]
    with pytest.raises(WeightsError, match="same network"):
        mix(ours, {"b/kernel": np.array([1.0])}, 0.5)


def test_undoing_the_sampling_gives_back_the_true_frequencies() -> None:
    """A network that knows nothing but how often it saw each age expects them as they are."""
    recipe = replace(TINY, sampling_power=0.5, near_legal_age_weight=2.0)
    ages = np.repeat(np.arange(10, 60), np.arange(50) * 7 % 40 + 5)
    seen = age_weights(ages, recipe) * np.bincount(ages, minlength=101)
    arrays = {"age_head/bias": np.log(np.maximum(seen / seen.sum(), 1e-12))}
    expected = np.exp(undo_sampling(arrays, ages, recipe, 1.0)["age_head/bias"])
    expected /= expected.sum()
    assert np.allclose(expected, np.bincount(ages, minlength=101) / len(ages), atol=1e-6)
    untouched = undo_sampling(arrays, ages, recipe, 0.0)["age_head/bias"]
    assert np.allclose(untouched, arrays["age_head/bias"])


def test_photos_are_drawn_as_the_weights_say() -> None:
    """The same weights that are undone afterwards."""
    recipe = replace(TINY, sampling_power=0.4, near_legal_age_weight=2.0)
    ages = np.repeat([5, 17, 40], [3000, 300, 6000])
    drawn = np.bincount(ages[epoch_order(ages, recipe, 0)], minlength=101)
    share = age_weights(ages, recipe) * np.bincount(ages, minlength=101)
    expected = share / share.sum() * len(ages)
    assert drawn[[5, 17, 40]] == pytest.approx(expected[[5, 17, 40]], rel=0.1)


def test_the_command_writes_finished_weights(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And refuses shares that are none."""
    keras.utils.set_random_seed(1)
    data = write_data_set(tmp_path / "data", range(10, 70, 2))
    first, second = tmp_path / "first.npz", tmp_path / "second.npz"
    for path in (first, second):
        save_weights(arrays_of(small_network(32)), path)
    out = tmp_path / "out.npz"
    flags = ["finish", f"--weights={first}", f"--start={second}", f"--data={data}", f"--out={out}"]
    assert command.main([*flags, "--start-share=0.5", "--undo-sampling=0.5"]) == 0
    kernel = "conv1_conv/kernel"
    a, b, mixed = (read_arrays(path)[kernel] for path in (first, second, out))
    assert np.allclose(mixed, (a.astype(np.float32) + b) / 2, atol=1e-3)
    assert not np.allclose(read_arrays(out)["age_head/bias"], 0)
    with pytest.raises(SystemExit):
        command.main([*flags, "--start-share=2"])
