"""The commands of the trainer, as an operator types them."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest

from agelane_trainer.__main__ import main
from agelane_trainer.data.dataset import Photo
from agelane_trainer.data.groups import labelled_groups
from agelane_trainer.evaluation.sample import Sample
from agelane_trainer.publishing.export import Sources
from tests.trainer.conftest import FINDER, ROOT, SAMPLES, write_data_set

COMMANDS = ("eda", "train", "evaluate", "certify", "frontier", "faces", "export", "documents")
SHIPPED_CARD = ROOT / "trainer" / "weights" / "model_card.json"


def leaving(arguments: Sequence[str]) -> int:
    """Return the exit code of a command line that is answered before anything is run."""
    with pytest.raises(SystemExit) as left:
        main(arguments)
    assert isinstance(left.value.code, int)
    return left.value.code


def test_the_help_names_every_command(capsys: pytest.CaptureFixture[str]) -> None:
    """With a line each."""
    assert leaving(["--help"]) == 0
    lines = [line.split() for line in capsys.readouterr().out.splitlines()]
    described = {line[0] for line in lines if len(line) > 1}
    assert described >= set(COMMANDS)


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_has_its_help(command: str, capsys: pytest.CaptureFixture[str]) -> None:
    """Which says what its options are when they are left out."""
    assert leaving([command, "--help"]) == 0
    assert f"agelane_trainer {command}" in capsys.readouterr().out


@pytest.mark.parametrize(
    "arguments",
    [
        *([], ["sell"], ["eda", "photos"]),
        *([command, "--no-such-option"] for command in COMMANDS),
        *(["export", "--precision", "int8"], ["export", "--golden-photos", "many"]),
        *(["certify", "--max-rate", "few"], ["train", "--strategy", "magic"]),
        ["evaluate", "--split", "random"],
    ],
    ids=" ".join,
)
def test_what_is_not_known_is_refused(arguments: list[str]) -> None:
    """Before anything is read or written."""
    assert leaving(arguments) == 2


def test_export_publishes_what_its_options_name(
    exported: Path, sources: Sources, capsys: pytest.CaptureFixture[str]
) -> None:
    """Nothing new here: the version is there already."""
    options = {
        "--weights": sources.weights,
        "--finder": sources.finder,
        "--card": sources.card,
        "--models": exported.parent,
        "--precision": "float32",
        "--golden": SAMPLES,
        "--golden-photos": 6,
    }
    assert main(["export", *(str(word) for pair in options.items() for word in pair)]) == 0
    assert capsys.readouterr().out == f"version: {exported} (float32)\n"


def test_export_without_a_card_is_an_error_in_words(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """And no version comes to be."""
    options = ["--card", str(tmp_path / "none.json"), "--models", str(tmp_path / "age")]
    assert main(["export", "--golden-photos", "1", *options]) == 1
    assert capsys.readouterr().err.startswith(f"error: {tmp_path / 'none.json'} and its weights")
    assert not (tmp_path / "age").exists()


def test_documents_are_written_from_a_card(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Their paths are printed."""
    assert main(["documents", "--card", str(SHIPPED_CARD), "--out", str(tmp_path)]) == 0
    paths = [Path(line) for line in capsys.readouterr().out.splitlines()]
    assert [path.name for path in paths] == ["model_card.md", "practice_statement.md"]
    assert all(path.read_text("utf-8").startswith("# ") for path in paths)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Twelve children, eight teenagers, ten adults."""
    return write_data_set(tmp_path / "faces", [*[5] * 12, *[15] * 8, *[40] * 10])


def sees_the_label(photos: Sequence[Photo]) -> Sample:
    """Stand in for a very good model."""
    ages = np.array([photo.age for photo in photos])
    good = np.ones(len(ages), bool)
    return Sample(ages, np.eye(101)[ages], ages.astype(float), good, labelled_groups(photos))


def certify(sources: Sources, folder: Path, *options: str) -> int:
    """Run ``certify`` on a folder of photos; returns its exit code."""
    files = ["--weights", str(sources.weights), "--finder", str(FINDER)]
    files += ["--card", str(sources.card), "--data", str(folder)]
    return main(["certify", *files, "--audit", str(folder / "none.csv"), *options])


def test_certify_with_too_few_photos_says_what_is_missing(
    sources: Sources, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """With the network itself; the card stays as it was."""
    out = folder / "card.json"
    assert certify(sources, folder, "--out", str(out)) == 1
    printed = capsys.readouterr()
    assert "30 photos count as evidence." in printed.out
    assert "legal age 18: 279 more under 18, among them 141 more of 14 to 17" in printed.out
    assert printed.err.endswith("error: nothing can be certified\n")
    assert not out.exists()


def test_certify_writes_the_card_with_its_certificates(
    sources: Sources, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """All else in it stays."""
    place = "agelane_trainer.evaluation.measured_model.measured_model"
    monkeypatch.setattr(place, lambda *_: sees_the_label)
    out = folder / "card.json"
    lenient = ["--max-rate", "0.2", "--near-rate", "0.3", "--confidence", "0.9"]
    assert certify(sources, folder, *lenient, "--out", str(out)) == 0
    before, after = json.loads(sources.card.read_text()), json.loads(out.read_text())
    certified = [entry["legal_age_years"] for entry in after["certificates"]]
    assert certified == [16, 17, 18, 19, 20, 21]
    assert {key: after[key] for key in before if key != "certificates"} == {
        key: before[key] for key in before if key != "certificates"
    }
