"""The command `agelane` where its streams are full, closed or gone."""

from __future__ import annotations

import pytest

from agelane_client.cli.arguments import ExitCode
from agelane_client.testing import FakeGateway
from tests.client.command import PATIENTLY, agelane
from tests.client.conftest import SAMPLES

PHOTO = str(SAMPLES / "collins.jpg")
ASSESS = ["assess", *PATIENTLY]


@pytest.fixture(autouse=True)
def _target(monkeypatch: pytest.MonkeyPatch, gateway: FakeGateway) -> None:
    """Let the command find the fake gateway without a flag."""
    monkeypatch.setenv("AGELANE_TARGET", gateway.target)


@pytest.mark.parametrize(
    "arguments", [[*ASSESS, PHOTO], [*ASSESS, "--help"], ["--version"], ["completion", "zsh"]]
)
def test_a_full_disk_is_exit_code_5(arguments: list[str]) -> None:
    """In words, without a traceback."""
    with open("/dev/full", "w") as disk:
        done = agelane(*arguments, stdout=disk)
    assert done.returncode == ExitCode.OUTPUT_FAILED
    message = "agelane: the output could not be written: No space left on device\n"
    assert done.stderr == message


def test_a_closed_standard_output_is_exit_code_5() -> None:
    """It would go nowhere in silence."""
    done = agelane(*ASSESS, PHOTO, closed=1)
    assert done.returncode == ExitCode.OUTPUT_FAILED
    assert "standard output is closed" in done.stderr


def test_closed_inputs_and_errors_are_no_traceback() -> None:
    """Services start programs like that."""
    done = agelane(*ASSESS, "-", closed=0)
    assert done.returncode == ExitCode.PHOTO_REFUSED
    assert "standard input is closed" in done.stdout
    done = agelane("assess", "--target", "nowhere", PHOTO, closed=2)
    assert (done.returncode, done.stdout) == (ExitCode.USAGE, "")
