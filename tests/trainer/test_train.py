"""Training through its command line: a killed run ends where the uninterrupted one does."""

from __future__ import annotations

import csv
import json
import re
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import keras
import numpy as np
import pytest
import tensorflow as tf

from agelane_trainer.data.dataset import read_photos
from agelane_trainer.network.folded import build_folded
from agelane_trainer.network.resnet import Arrays, arrays_of, read_arrays
from agelane_trainer.training import learner
from agelane_trainer.training.pipeline import training_batches
from agelane_trainer.training.team import make_team
from agelane_trainer.training.train import train
from tests.trainer.conftest import write_data_set
from tests.trainer.small_network import TINY, small_network

RUN = """
import sys
from agelane_trainer import __main__ as command
from agelane_trainer.training import recipe
from tests.trainer.small_network import TINY
recipe.load_recipe = lambda name: TINY
sys.exit(command.main(sys.argv[1:]))
"""


def start(*arguments: str) -> subprocess.Popen[str]:
    """Run the trainer with a recipe of a minute's fraction."""
    return subprocess.Popen(
        [sys.executable, "-c", RUN, *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


@pytest.fixture(scope="module")
def faces(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Thirty made-up photos."""
    return write_data_set(tmp_path_factory.mktemp("data") / "faces", range(10, 70, 2))


def test_a_killed_run_resumes_and_ends_as_the_uninterrupted_one(
    faces: Path, random_weights: Path, tmp_path: Path
) -> None:
    """Kill -9 in the middle, the same command again; then both against each other."""
    common = ["train", "--data", str(faces), "--init", str(random_weights), "--out"]
    whole = start(*common, str(tmp_path / "whole"))
    output, _ = whole.communicate()
    assert whole.returncode == 0, output

    killed = start(*common, str(tmp_path / "killed"))
    first_checkpoint = tmp_path / "killed" / "checkpoints" / "checkpoint"
    while not first_checkpoint.exists():
        assert killed.poll() is None
        time.sleep(0.05)
    killed.send_signal(signal.SIGKILL)
    killed.communicate()
    resumed = start(*common, str(tmp_path / "killed"))
    output, _ = resumed.communicate()
    assert resumed.returncode == 0, output
    assert "resuming" in output

    first, second = (read_arrays(tmp_path / run / "best.npz") for run in ("whole", "killed"))
    for name in first:
        assert np.allclose(first[name], second[name], rtol=1e-3, atol=1e-5), name
    rows = [
        list(csv.reader((tmp_path / r / "training_log.csv").open())) for r in ("whole", "killed")
    ]
    assert [row[0] for row in rows[0]] == [row[0] for row in rows[1]] == ["epoch", "1", "2"]
    for measured in ("train_loss", "train_mae", "learnt_mae", "tune_mae"):
        column = rows[0][0].index(measured)
        values = [[float(row[column]) for row in log[1:]] for log in rows]
        assert values[0] == pytest.approx(values[1], rel=1e-3), measured
    assert re.search(r"(input|compute)-bound: \d+% of the time", output)
    assert (tmp_path / "killed" / "learning_curves.png").exists()


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch) -> Arrays:
    """A small network takes the place of ResNet50; returns weights to start from."""
    monkeypatch.setattr(learner, "build_model", small_network)
    keras.utils.set_random_seed(5)
    return arrays_of(small_network(TINY.input_size))


def test_tensorboard_can_show_each_step_and_epoch(
    small: Arrays, faces: Path, tmp_path: Path
) -> None:
    """Without being installed."""
    photos = read_photos(faces)
    recipe = replace(TINY, batch_size=1)
    files = train(recipe, photos[:24], photos[24:], small, tmp_path)
    shown: dict[str, list[int]] = {}
    for path in files.tensorboard.iterdir():
        for event in tf.compat.v1.train.summary_iterator(str(path)):
            for value in event.summary.value:
                assert value.metadata.plugin_data.plugin_name == "scalars"
                shown.setdefault(value.tag, []).append(event.step)
    assert shown["step/loss"] == shown["step/learning_rate"] == [20, 44]
    assert shown["epoch/tune_mae"] == shown["epoch/photos_per_second"] == [24, 48]
    assert shown["epoch/gap"] == shown["epoch/input_wait_share"] == [24, 48]


def test_two_runs_that_start_at_random_end_alike(
    small: Arrays, faces: Path, tmp_path: Path
) -> None:
    """The recipe's seed decides; so runs that differ in one setting can be compared."""
    photos = read_photos(faces)
    first, second = (
        train(TINY, photos[:16], photos[16:], None, tmp_path / run).epochs()[-1]
        for run in ("first", "second")
    )
    assert second.tune_mae == pytest.approx(first.tune_mae, rel=1e-4)


def test_a_run_stops_early_and_stays_stopped(small: Arrays, faces: Path, tmp_path: Path) -> None:
    """A network that can't learn is never better than after its first epoch."""
    photos = read_photos(faces)
    recipe = replace(TINY, epochs=9, learning_rate=0.0, ema_decay=0.0, patience_epochs=2)
    for _ in range(2):
        files = train(recipe, photos[:16], photos[16:], small, tmp_path)
        assert [row.epoch for row in files.epochs()] == [1, 2, 3]


def test_a_loss_that_is_no_number_ends_the_run_in_words(
    small: Arrays, faces: Path, tmp_path: Path
) -> None:
    """Nothing is kept of it."""
    photos = read_photos(faces)
    small["age_head/bias"] = np.full(101, np.nan)
    with pytest.raises(ValueError, match="a smaller learning_rate may help"):
        train(TINY, photos[:16], photos[16:], small, tmp_path)
    assert not (tmp_path / "best.npz").exists()


def test_the_single_neuron_is_trained_by_the_same_command(
    small: Arrays, faces: Path, tmp_path: Path
) -> None:
    """On all devices there are, of which this machine may have one; its head starts anew."""
    photos = read_photos(faces)
    recipe = replace(TINY, head="mse")
    files = train(recipe, photos[:16], photos[16:], small, tmp_path, make_team("mirrored"))
    assert len(files.epochs()) == 2
    assert "age_neuron/kernel" in read_arrays(files.best)


def test_a_folded_run_goes_on_from_its_weights_and_keeps_plain_ones(
    faces: Path, random_weights: Path, tmp_path: Path
) -> None:
    """ResNet50 itself: learning at a rate of nothing, it says what it said before."""
    photos, start = read_photos(faces), read_arrays(random_weights)
    recipe = replace(TINY, epochs=1, learning_rate=0.0, photo_limit=8, batch_norm="folded")
    files = train(recipe, photos[:8], photos[8:], start, tmp_path)
    pictures = np.random.default_rng(0).uniform(0, 255, (2, 32, 32, 3)).astype(np.float32)
    kept = read_arrays(files.best)
    before, after = (np.asarray(build_folded(w, 32, "float32")(pictures)) for w in (start, kept))
    assert kept.keys() == start.keys()
    assert np.allclose(after, before, atol=0.02 * before.std())


def test_frozen_stages_stay_as_they_were(small: Arrays, faces: Path, tmp_path: Path) -> None:
    """The others learn; and what starts at random is not frozen."""
    photos, recipe = read_photos(faces), replace(TINY, frozen_stages=1)
    kept = read_arrays(train(recipe, photos[:16], photos[16:], small, tmp_path / "run").best)
    frozen = small["conv1_conv/kernel"].astype(np.float16)  # as weights are kept
    assert np.array_equal(kept["conv1_conv/kernel"], frozen)
    assert not np.allclose(kept["age_head/kernel"], small["age_head/kernel"], atol=1e-3)
    with pytest.raises(ValueError, match="needs weights"):
        train(recipe, photos[:16], photos[16:], None, tmp_path / "random")


def test_small_epochs_come_first(small: Arrays, faces: Path, tmp_path: Path) -> None:
    """The network learns at the small size, then at the one it is served at."""
    photos = read_photos(faces)
    recipe = replace(TINY, small_epochs=1, small_size=24)
    sides = [next(iter(training_batches(photos, recipe, e)))[0].shape[1] for e in range(2)]
    assert sides == [24, 32]
    assert len(train(recipe, photos[:16], photos[16:], small, tmp_path).epochs()) == 2


def test_an_unknown_strategy_is_refused() -> None:
    """With those that exist."""
    with pytest.raises(ValueError, match="no strategy 'magic'; there are: none, mirrored"):
        make_team("magic")


def test_a_run_is_not_resumed_as_another(faces: Path, tmp_path: Path) -> None:
    """Its folder remembers recipe and photos."""
    (tmp_path / "run.json").write_text('{"name": "other"}')
    run = start("train", "--data", str(faces), "--init", "random", "--out", str(tmp_path))
    output, _ = run.communicate()
    assert run.returncode == 1
    assert "holds a run of another recipe or other photos" in output


def test_evaluation_writes_a_card_that_says_what_could_not_be_certified(
    faces: Path, random_weights: Path, tmp_path: Path
) -> None:
    """Thirty photos can't certify anything, so nothing may ever be allowed."""
    card_file = tmp_path / "card.json"
    weights, out = str(random_weights), str(card_file)
    run = start("evaluate", "--data", str(faces), "--weights", weights, "--out", out)
    output, _ = run.communicate()
    assert run.returncode == 0, output
    card = json.loads(card_file.read_text())
    assert card["certificates"] == []
    assert "at least 299 are needed" in " ".join(card["not_certified"])
    assert card["metrics"]["photos"] == card["data"]["validation_photos"] > 0


def test_a_wrong_folder_is_an_error_in_words(tmp_path: Path) -> None:
    """No traceback."""
    run = start("train", "--data", str(tmp_path / "nowhere"), "--init", "random")
    output, _ = run.communicate()
    assert run.returncode == 1
    assert "labels.csv: cannot be read" in output
    assert "Traceback" not in output


def test_help_does_not_load_tensorflow() -> None:
    """It answers at once."""
    code = (
        "import sys\nfrom agelane_trainer.__main__ import main\n"
        "try: main(['--help'])\nexcept SystemExit: pass\n"
        "assert 'tensorflow' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True, stdout=subprocess.DEVNULL)
