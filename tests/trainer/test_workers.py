"""Two processes train together as two machines would, and learn what one learns."""

from __future__ import annotations

import csv
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest

from agelane_trainer.network.resnet import read_arrays
from tests.ports import free_port
from tests.trainer.conftest import write_data_set

SECONDS = 60
"""Longer than any run here takes."""
RUN = """
import os, signal, sys
from agelane_trainer import __main__ as command
from agelane_trainer.training import learner, recipe
from tests.trainer.small_network import TINY, small_network

prepare_step = learner.Learner.prepare_step


def prepare_step_or_die(self):
    if self.step.numpy() == int(os.environ.get("DIES_AT_STEP", -1)):
        os.kill(os.getpid(), int(os.environ["DIES_BY"]))
    return prepare_step(self)


recipe.load_recipe = lambda name: TINY
learner.build_model = small_network
learner.Learner.prepare_step = prepare_step_or_die
sys.exit(command.main(["train", "--init", "random", *sys.argv[1:]]))
"""


def start(faces: Path, out: Path, *options: str, **environment: str) -> subprocess.Popen[str]:
    """Run the trainer with a small network in place of ResNet50."""
    return subprocess.Popen(
        [sys.executable, "-c", RUN, "--data", str(faces), "--out", str(out), *options],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        env={**os.environ, "TF_NUM_INTRAOP_THREADS": "1", **environment},
    )


def run_two(
    faces: Path,
    outs: Sequence[Path],
    options: Sequence[Sequence[str]] = ((), ()),
    dying: int = -1,
    by: int = signal.SIGKILL,
) -> list[tuple[int, str]]:
    """Run two workers to their end; return exit code and output of each.

    Args:
        faces: the photos.
        outs: the folder that each is told to write.
        options: more of the command line of each.
        dying: which of them sends itself a signal at the eighth step.
        by: the signal.
    """
    addresses = [f"127.0.0.1:{free_port()}" for _ in outs]
    workers = []
    for index, (out, more) in enumerate(zip(outs, options, strict=True)):
        task = {"type": "worker", "index": index}
        config = json.dumps({"cluster": {"worker": addresses}, "task": task})
        death = {"DIES_AT_STEP": "7", "DIES_BY": str(int(by))} if index == dying else {}
        together = ("--strategy", "multi-worker", *more)
        workers.append(start(faces, out, *together, TF_CONFIG=config, **death))
    try:
        outputs = [worker.communicate(timeout=SECONDS)[0] for worker in workers]
    finally:
        for worker in workers:
            worker.kill()
    return [(w.returncode, output) for w, output in zip(workers, outputs, strict=True)]


def columns(out: Path) -> dict[str, list[float]]:
    """Return what a log says that doesn't depend on the machine."""
    with (out / "training_log.csv").open() as file:
        rows = list(csv.DictReader(file))
    names = ("epoch", "train_loss", "train_mae", "learnt_mae", "tune_mae")
    return {name: [float(row[name]) for row in rows] for name in names}


def assert_same(first: Path, second: Path) -> None:
    """Compare the weights and the logs of two runs."""
    arrays, others = (read_arrays(out / "best.npz") for out in (first, second))
    for name in arrays:
        assert np.allclose(arrays[name], others[name], rtol=2e-3, atol=1e-5), name
    for name, values in columns(first).items():
        assert columns(second)[name] == pytest.approx(values, rel=1e-3), name


@pytest.fixture(scope="module")
def faces(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Thirty made-up photos."""
    return write_data_set(tmp_path_factory.mktemp("data") / "faces", range(10, 70, 2))


@pytest.fixture(scope="module")
def one(faces: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a run of one worker."""
    out = tmp_path_factory.mktemp("one")
    run = start(faces, out)
    output, _ = run.communicate(timeout=SECONDS)
    assert run.returncode == 0, output
    return out


def test_two_workers_learn_what_one_learns_and_the_chief_writes(
    faces: Path, one: Path, tmp_path: Path
) -> None:
    """Each reads half of every batch; the other's folder never comes to be."""
    chief, other = tmp_path / "chief", tmp_path / "other"
    (code, said), (other_code, other_said) = run_two(faces, (chief, other))
    assert (code, other_code) == (0, 0), said + other_said
    assert_same(chief, one)
    assert {path.name for path in chief.iterdir()} == {path.name for path in one.iterdir()}
    assert not other.exists()
    assert "epoch 2: " in said
    assert "epoch" not in other_said


def assert_told(ended: tuple[int, str]) -> None:
    """The worker that was left says in words why it ended."""
    code, said = ended
    assert code == 1
    assert "error: another worker ended, hangs or can't be reached" in said
    assert "Traceback" not in said


def test_a_killed_chief_ends_the_other_and_both_resume(
    faces: Path, one: Path, tmp_path: Path
) -> None:
    """Only the chief's folder has what they go on from."""
    outs = (tmp_path / "chief", tmp_path / "other")
    chief, other = run_two(faces, outs, dying=0)
    assert chief[0] == -signal.SIGKILL
    assert_told(other)
    ends = run_two(faces, outs)
    assert [code for code, _ in ends] == [0, 0], ends
    assert f"resuming {outs[0]} at step " in ends[0][1]
    assert_same(outs[0], one)


def test_a_worker_that_is_told_to_end_ends_the_chief(faces: Path, tmp_path: Path) -> None:
    """At once: it doesn't wait for somebody who won't come."""
    outs, began = (tmp_path / "chief", tmp_path / "other"), time.monotonic()
    chief, other = run_two(faces, outs, dying=1, by=signal.SIGTERM)
    assert other[0] == -signal.SIGTERM
    assert_told(chief)
    assert time.monotonic() - began < SECONDS / 2


def test_workers_of_different_runs_do_not_train_together(faces: Path, tmp_path: Path) -> None:
    """Or each would learn from photos that the other doesn't have."""
    outs = (tmp_path / "chief", tmp_path / "other")
    for code, said in run_two(faces, outs, ((), ("--batch-size", "2"))):
        assert code == 1
        assert "error: worker 1 has another recipe or other photos than the chief" in said
    assert not outs[0].exists()
