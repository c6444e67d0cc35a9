"""What `agelane assess` takes for photos, and how it goes through many."""

from __future__ import annotations

import os
import pty
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from agelane_client.cli.arguments import ExitCode
from agelane_client.cli.main import main
from agelane_client.testing import FakeGateway
from tests.client.command import PATIENTLY, agelane, documents
from tests.client.conftest import SAMPLES

PHOTO = str(SAMPLES / "collins.jpg")
ASSESS = ["assess", *PATIENTLY]


@pytest.fixture(autouse=True)
def _target(monkeypatch: pytest.MonkeyPatch, gateway: FakeGateway) -> None:
    """Let the command find the fake gateway without a flag."""
    monkeypatch.setenv("AGELANE_TARGET", gateway.target)


@pytest.fixture(name="folder")
def folder_fixture(tmp_path: Path, photo: bytes) -> Path:
    """A folder with three photos and what else lies about."""
    for name in ("b.JPG", "a.png", "c.jpeg", ".d.jpg", "notes.txt"):
        (tmp_path / name).write_bytes(photo)
    (tmp_path / "e.jpg").mkdir()
    (tmp_path / "e.jpg" / "f.jpg").write_bytes(photo)
    return tmp_path


def test_a_folder_is_the_photos_right_in_it(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """By name; without hidden ones, other files and folders."""
    assert main([*ASSESS, "--json", str(folder), PHOTO]) == ExitCode.DONE
    told = [document["photo"] for document in documents(capsys.readouterr().out)]
    assert told == [*(str(folder / name) for name in ("a.png", "b.JPG", "c.jpeg")), PHOTO]


def test_a_folder_without_photos_says_so(
    tmp_path: Path, gateway: FakeGateway, capsys: pytest.CaptureFixture[str]
) -> None:
    """And what a photo would be called, and the rest goes on."""
    assert main([*ASSESS, "--json", str(tmp_path), PHOTO]) == ExitCode.PHOTO_REFUSED
    empty, good = documents(capsys.readouterr().out)
    assert empty["error"]["reason"] == "UNREADABLE_FILE"
    assert "*.jpg, *.jpeg, *.png" in empty["error"]["message"]
    assert good["age_years"] == 31.4
    assert len(gateway.requests) == 1


def test_a_link_to_nowhere_is_told(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """It looks like a photo, and none is passed over in silence."""
    (folder / "0.jpg").symlink_to("nowhere")
    assert main([*ASSESS, "--json", str(folder)]) == ExitCode.PHOTO_REFUSED
    assert documents(capsys.readouterr().out)[0]["error"]["reason"] == "UNREADABLE_FILE"


def test_a_dash_is_the_photo_on_standard_input(gateway: FakeGateway, photo: bytes) -> None:
    """Whole, through a pipe."""
    done = agelane(*ASSESS, "--json", "-", PHOTO, input=photo)
    assert done.returncode == ExitCode.DONE
    assert [document["photo"] for document in documents(done.stdout)] == ["-", PHOTO]
    assert [request.photo for request in gateway.requests] == [photo, photo]


@pytest.mark.parametrize(
    ("file", "reason"), [("/dev/null", "EMPTY_PHOTO"), ("/dev/zero", "PHOTO_TOO_LARGE")]
)
def test_an_empty_and_an_endless_standard_input_end(
    gateway: FakeGateway, file: str, reason: str
) -> None:
    """Neither is sent."""
    with open(file, "rb") as stdin:
        done = agelane(*ASSESS, "--json", "-", stdin=stdin)
    assert done.returncode == ExitCode.PHOTO_REFUSED
    assert documents(done.stdout)[0]["error"]["reason"] == reason
    assert gateway.requests == []


@pytest.mark.parametrize("has_begun", [False, True])
def test_a_standard_input_that_never_ends_is_given_up(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], has_begun: bool
) -> None:
    """Whether or not something came."""
    monkeypatch.setattr("agelane_client.cli.photos.STDIN_SECONDS", 0.2)
    readable, writable = os.pipe()
    with open(readable) as stdin, open(writable, "wb", buffering=0) as writer:
        if has_begun:
            writer.write(b"\xff\xd8")
        monkeypatch.setattr("sys.stdin", stdin)
        assert main([*ASSESS, "-"]) == ExitCode.PHOTO_REFUSED
        writer.close()
    assert "no whole photo within 0.2 s" in capsys.readouterr().out


def test_a_process_that_gave_up_on_standard_input_ends() -> None:
    """The thread that still reads does not hold it, nor make it complain."""
    program = (
        "import sys; from agelane_client.cli import main, photos;"
        "photos.STDIN_SECONDS = 0.2; sys.exit(main.main(['assess', '-']))"
    )
    readable, writable = os.pipe()
    try:
        done = agelane_program(program, readable)
    finally:
        os.close(readable)
        os.close(writable)
    assert (done.returncode, done.stderr) == (ExitCode.PHOTO_REFUSED, "")


def agelane_program(program: str, stdin: int) -> Any:
    """Run a Python program that calls `agelane`."""
    return subprocess.run(
        [sys.executable, "-c", program],
        stdin=stdin,
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )


def test_a_terminal_is_no_photo() -> None:
    """Nobody types one."""
    ours, theirs = pty.openpty()
    try:
        done = agelane(*ASSESS, "-", stdin=theirs)
    finally:
        os.close(ours)
        os.close(theirs)
    assert done.returncode == ExitCode.USAGE
    assert "standard input is a terminal" in done.stderr


@pytest.mark.parametrize(
    "arguments",
    [
        [],
        ["-", "-"],
        ["--full", PHOTO],
        ["--jobs", "0", PHOTO],
        ["--jobs", "65", PHOTO],
        ["--jobs", "many", PHOTO],
        ["--camera", "-1", "--webcam"],
        ["--lane", "\udcff", PHOTO],
    ],
)
def test_a_wrong_command_line_is_exit_code_2(arguments: list[str], gateway: FakeGateway) -> None:
    """And nothing is asked."""
    with pytest.raises(SystemExit) as caught:
        main([*ASSESS, *arguments])
    assert caught.value.code == ExitCode.USAGE
    assert gateway.requests == []


def test_full_has_the_token(capsys: pytest.CaptureFixture[str]) -> None:
    """Beside all that the gateway told; without it there is none."""
    assert main([*ASSESS, "--json", "--full", PHOTO]) == ExitCode.DONE
    (document,) = documents(capsys.readouterr().out)
    assert document["assessment"]["assessment_token"] == "AHNpZ25lZA=="
    assert document["assessment"]["photo_quality"]["width_pixels"] == 256
    main([*ASSESS, "--json", PHOTO])
    assert "AHNpZ25lZA" not in capsys.readouterr().out


def test_store_lane_and_category_are_told(gateway: FakeGateway) -> None:
    """With each photo."""
    main([*ASSESS, "--store", "s", "--lane", "3", "--category", "tobacco", PHOTO])
    (request,) = gateway.requests
    told = (request.store_id, request.lane_id, request.restricted_category)
    assert told == ("s", "3", "tobacco")


def test_offline_decides_where_the_gateway_does_not(
    dead_target: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """A look at a document, with the reason; that is what was asked for, so the exit code is 0."""
    offline = ["assess", "--offline", "--target", dead_target]
    assert main([*offline, "--json", PHOTO, "missing", str(SAMPLES / "nowhere")]) == ExitCode.DONE
    away, missing, _ = documents(capsys.readouterr().out)
    assert away["alcohol_decision"] == missing["alcohol_decision"] == "VERIFY_ID"
    assert away["reasons"] == ["GATEWAY_UNAVAILABLE"]
    assert away["error"]["reason"] == "UNAVAILABLE"
    assert missing["error"]["reason"] == "UNREADABLE_FILE"
    assert main([*offline, PHOTO]) == ExitCode.DONE
    head, line = capsys.readouterr().out.splitlines()
    assert "P(<legal)" in head
    assert line.split() == [PHOTO, "-", "-", "-", "VERIFY_ID", "-", "-", "GATEWAY_UNAVAILABLE"]
