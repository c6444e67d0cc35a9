"""Training through its command line: a killed run ends where the uninterrupted one does."""

from __future__ import annotations

import csv
import json
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from agelane_trainer.network.resnet import read_arrays
from tests.trainer.conftest import write_data_set

RUN = """
import sys
from agelane_trainer import __main__ as command
from agelane_trainer.training import recipe
tiny = recipe.Recipe(name="tiny", input_size=32, precision="float32", epochs=2, batch_size=4,
    warmup_steps=2, ema_decay=0.5, ema_every=2, checkpoint_steps=3)
recipe.load_recipe = lambda name: tiny
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
