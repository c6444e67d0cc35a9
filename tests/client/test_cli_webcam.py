"""A photo from a camera on the command line."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from agelane_client.cli.arguments import ExitCode
from agelane_client.testing import FakeGateway
from tests.client.command import PATIENTLY, agelane, documents
from tests.client.conftest import SAMPLES

PHOTO = str(SAMPLES / "collins.jpg")
ASSESS = ["assess", *PATIENTLY]

# A picture is a list of bytes here, and the worse its quality the fewer there are.
FAKE_OPENCV = """
IMWRITE_JPEG_QUALITY = 1
class error(Exception): pass
class VideoCapture:
    def __init__(self, camera): self.camera, self.frames = camera, 0
    def isOpened(self):
        if self.camera == 7: raise error("no driver")
        return self.camera != 5
    def read(self):
        self.frames += 1
        return self.camera != 6, [self.frames]
    def release(self): pass
def imencode(ending, picture, parameters):
    size = 20_000 * parameters[1] if picture[0] == 10 else 1
    return True, bytearray(size)
"""


@pytest.fixture(autouse=True)
def _target(monkeypatch: pytest.MonkeyPatch, gateway: FakeGateway) -> None:
    """Let the command find the fake gateway without a flag."""
    monkeypatch.setenv("AGELANE_TARGET", gateway.target)


def test_without_opencv_the_webcam_says_what_to_install() -> None:
    """In one line, as a wrong command line."""
    done = agelane(*ASSESS, "--webcam", env={**os.environ, "PYTHONPATH": ""})
    if "gives no picture" in done.stdout:
        pytest.skip("OpenCV is installed")
    assert done.returncode == ExitCode.USAGE
    assert "pip install opencv-python-headless" in done.stderr


@pytest.fixture(name="opencv")
def opencv_fixture(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Something that looks like OpenCV."""
    (tmp_path / "cv2.py").write_text(FAKE_OPENCV)
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))


@pytest.mark.usefixtures("opencv")
def test_the_webcam_gives_a_photo_that_may_be_sent(gateway: FakeGateway) -> None:
    """Its last picture, when it knows the light, as good as goes into 1 MiB."""
    done = agelane(*ASSESS, "--json", "--webcam", "--camera", "2", PHOTO)
    assert done.returncode == ExitCode.DONE
    assert [document["photo"] for document in documents(done.stdout)] == [PHOTO, "camera 2"]
    assert len(gateway.requests[1].photo) == 20_000 * 50


@pytest.mark.usefixtures("opencv")
@pytest.mark.parametrize("camera", ["5", "6", "7"])
def test_a_camera_without_a_picture_is_a_photo_without_an_answer(camera: str) -> None:
    """One that is not there, one that is in use, one that OpenCV fails at."""
    done = agelane(*ASSESS, "--json", "--webcam", "--camera", camera)
    assert done.returncode == ExitCode.PHOTO_REFUSED
    (document,) = documents(done.stdout)
    assert document["error"]["message"].startswith(f"camera {camera} gives no picture")
