"""Several devices learn what one would have learnt from the same batches."""

from __future__ import annotations

import json
import subprocess
import sys

import numpy as np
import pytest

from tests.trainer.conftest import write_data_set

TWO_DEVICES = """
import json, pathlib, sys
from dataclasses import replace
from functools import partial
import keras, numpy as np, tensorflow as tf
cpu = tf.config.list_physical_devices("CPU")[0]
halves = [tf.config.LogicalDeviceConfiguration()] * 2
tf.config.set_logical_device_configuration(cpu, halves)

from agelane_trainer.data.dataset import read_photos
from agelane_trainer.network.resnet import arrays_of
from agelane_trainer.training import learner
from agelane_trainer.training.pipeline import training_batches
from agelane_trainer.training.team import make_team
from tests.trainer.small_network import TINY, small_network

photos = read_photos(pathlib.Path(sys.argv[1]))
keras.utils.set_random_seed(5)
start = arrays_of(small_network(TINY.input_size))
teams = {name: make_team(name) for name in ("none", "mirrored")}


def learn(team, recipe):
    made = learner.Learner(recipe, len(photos) // recipe.batch_size, team)
    if recipe is TINY:
        made.start_from(start)
    for batch, ages in made.spread(partial(training_batches, photos, recipe, 0)):
        made.prepare_step()
        made.learn(batch, ages)
    return made


def normalised(input_size, head, precision):
    photo = keras.Input((input_size, input_size, 3))
    normal = keras.layers.BatchNormalization(name="normal")(photo)
    pooled = keras.layers.GlobalAveragePooling2D()(normal)
    return keras.Model(photo, keras.layers.Dense(101, name="ages")(pooled))


found = {}
learner.build_model = small_network
for name, team in teams.items():
    made = learn(team, TINY)
    found[name] = {
        "devices": team.devices,
        "sums": made.sums.numpy().tolist(),
        "tune_mae": made.mean_error(photos, TINY.input_size),
        "weights": {k: v.tolist() for k, v in arrays_of(made.average).items()},
    }
learner.build_model = normalised
one_step = replace(TINY, batch_size=len(photos), ema_every=1, ema_decay=0.0)
made = learn(teams["mirrored"], one_step)
batch = next(iter(training_batches(photos, one_step, epoch=0)))[0]
found["means"] = arrays_of(made.average)["normal/moving_mean"].tolist()
found["expected_means"] = (0.01 * tf.reduce_mean(batch, (0, 1, 2))).numpy().tolist()
synchronized = replace(TINY, batch_norm="synchronized")
for name, team in teams.items():
    keras.utils.set_random_seed(5)
    made = learn(team, synchronized)
    found[name]["synchronized"] = {k: v.tolist() for k, v in arrays_of(made.average).items()}
print("found:" + json.dumps(found))
"""


@pytest.fixture(scope="module")
def found(tmp_path_factory: pytest.TempPathFactory) -> dict[str, dict[str, object]]:
    """What one device and two virtual ones learnt from six batches."""
    faces = write_data_set(tmp_path_factory.mktemp("data") / "faces", range(10, 58, 2))
    run = subprocess.run(
        [sys.executable, "-c", TWO_DEVICES, str(faces)], capture_output=True, text=True
    )
    assert run.returncode == 0, run.stderr
    line = next(line for line in run.stdout.splitlines() if line.startswith("found:"))
    found: dict[str, dict[str, object]] = json.loads(line.removeprefix("found:"))
    return found


def test_two_devices_have_the_loss_and_the_error_of_one(
    found: dict[str, dict[str, object]],
) -> None:
    """Each saw half of every batch."""
    one, two = found["none"], found["mirrored"]
    assert (one["devices"], two["devices"]) == (1, 2)
    assert two["sums"] == pytest.approx(one["sums"], rel=1e-4)
    assert two["tune_mae"] == pytest.approx(one["tune_mae"], rel=1e-4)


def test_two_devices_learn_the_weights_that_one_learns(found: dict[str, dict[str, object]]) -> None:
    """Gradients are averaged and then clipped, and the averaged weights follow."""
    one, two = found["none"]["weights"], found["mirrored"]["weights"]
    assert isinstance(one, dict)
    assert isinstance(two, dict)
    for name, values in one.items():
        assert np.allclose(two[name], values, rtol=1e-3, atol=1e-5), name


def test_statistics_of_batch_normalisation_are_averaged_over_devices(
    found: dict[str, dict[str, object]],
) -> None:
    """Not those of the first device alone, which saw half of the photos."""
    assert found["means"] == pytest.approx(found["expected_means"], rel=1e-3)


def test_synchronized_batch_normalisation_is_that_of_one_device(
    found: dict[str, dict[str, object]],
) -> None:
    """Nothing is left by which several devices differ from one."""
    one, two = found["none"]["synchronized"], found["mirrored"]["synchronized"]
    assert isinstance(one, dict)
    assert isinstance(two, dict)
    assert one.keys() == two.keys()
    for name, values in one.items():
        assert np.allclose(two[name], values, rtol=1e-3, atol=1e-5), name
