"""The network as it is served is the network that was trained."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from agelane_trainer.network.folded import (
    PRECISIONS,
    ServingPrecision,
    build_folded,
    unfolded,
)
from agelane_trainer.network.resnet import (
    Arrays,
    arrays_of,
    build_model,
    load_arrays,
    read_arrays,
)
from tests.trainer.conftest import INPUT_SIZE

PHOTOS = np.random.default_rng(0).uniform(0, 255, (4, INPUT_SIZE, INPUT_SIZE, 3)).astype("float32")


@pytest.fixture(scope="module")
def arrays(random_weights: Path) -> Arrays:
    """Random weights whose normalisations are not those that they begin with."""
    random = np.random.default_rng(1)
    arrays = dict(read_arrays(random_weights))
    for key, array in arrays.items():
        if key.endswith(("bn/gamma", "bn/moving_variance")):
            arrays[key] = random.uniform(0.5, 1.5, array.shape).astype(np.float32)
        elif key.endswith(("bn/beta", "bn/moving_mean", "conv/bias")):
            arrays[key] = random.normal(0, 0.2, array.shape).astype(np.float32)
    return arrays


@pytest.fixture(scope="module")
def logits(arrays: Arrays) -> np.ndarray:
    """What the trained network says of the photos."""
    model = build_model(INPUT_SIZE)
    load_arrays(model, arrays, partial=False)
    return np.asarray(model(PHOTOS, training=False))


def test_folding_changes_nothing_but_rounding(arrays: Arrays, logits: np.ndarray) -> None:
    """In float32, to a ten-thousandth of what the logits differ by."""
    folded = np.asarray(build_folded(arrays, INPUT_SIZE, "float32")(PHOTOS))
    assert np.abs(folded - logits).max() < 1e-4 * logits.std()


def test_a_folded_network_unfolds_to_one_that_computes_the_same(
    arrays: Arrays, logits: np.ndarray
) -> None:
    """So that its weights can be kept, trained and folded like any others."""
    plain = build_model(INPUT_SIZE)
    load_arrays(plain, unfolded(arrays_of(build_folded(arrays, None, "float32"))), partial=False)
    assert np.abs(plain(PHOTOS, training=False) - logits).max() < 1e-4 * logits.std()


@pytest.mark.parametrize("precision", ["bfloat16", "float16"])
def test_half_the_bits_say_nearly_the_same(
    arrays: Arrays, logits: np.ndarray, precision: ServingPrecision
) -> None:
    """To a tenth of what the logits differ by; they come out as float32 all the same."""
    folded = np.asarray(build_folded(arrays, INPUT_SIZE, precision)(PHOTOS))
    assert folded.dtype == np.float32
    assert np.abs(folded - logits).max() < 0.1 * logits.std()


def test_no_normalisation_is_left(arrays: Arrays) -> None:
    """And each precision computes in itself, but for pixels, head and bfloat16's first stages."""
    for precision in PRECISIONS:
        layers = {layer.name: layer for layer in build_folded(arrays, 32, precision).layers}
        assert not [name for name in layers if name.endswith("_bn")]
        assert layers["conv5_block3_2_conv"].compute_dtype == precision
        assert layers["age_head"].compute_dtype == "float32"
        first = "float32" if precision == "bfloat16" else precision
        assert layers["conv1_conv"].compute_dtype == first
