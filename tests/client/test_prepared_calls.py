"""What both clients do with photos that are prepared before they are sent."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from agelane_client import PhotoError
from agelane_client.photos import prepare
from agelane_client.testing import FakeGateway
from tests.client.conftest import SAMPLES, Connect
from tests.client.made_photos import decoded, encoded, frame


def test_images_and_arrays_are_prepared_and_files_sent_as_they_are(
    connect: Connect, gateway: FakeGateway, photo: bytes
) -> None:
    """Unless the client was told otherwise."""
    image = frame(("biden_2010", 200, 300, 400))
    client = connect(gateway.target)
    for given_photo in (image, np.asarray(image), photo):
        client.assess(given_photo)
    as_image, as_array, as_file = (request.photo for request in gateway.requests)
    assert as_image == as_array == prepare(image)
    assert as_file == photo


def test_a_client_prepares_files_if_it_is_told_to(
    connect: Connect, gateway: FakeGateway, tmp_path: Path
) -> None:
    """Also files that are too large to be sent; or in the till's own way."""
    path = tmp_path / "frame.png"
    path.write_bytes(encoded(frame(("biden_2010", 200, 300, 400)), "PNG") + bytes(1_100_000))
    connect(gateway.target, prepare_photos=True).assess(path)
    connect(gateway.target, prepare_photos=lambda it: f"prepared {it}".encode()).assess("photo")
    assert decoded(gateway.requests[0].photo).size == (320, 320)
    assert gateway.requests[1].photo == b"prepared photo"


def test_a_photo_that_cannot_be_prepared_is_not_sent(
    connect: Connect, gateway: FakeGateway
) -> None:
    """With `offline` it is decided here."""
    client = connect(gateway.target, prepare_photos=True)
    with pytest.raises(PhotoError, match="TRUNCATED_PHOTO"):
        client.assess(SAMPLES / "broken.jpg")
    decision = client.assess(np.zeros((9, 9)), offline=True)
    assert decision.reasons == ("PHOTO_UNUSABLE",)
    assert not gateway.requests


WITHOUT_PILLOW = """
import sys
sys.modules["PIL"] = sys.modules["numpy"] = None
from agelane_client import AgelaneError, Client
class Pixels:
    __array_interface__ = {}
for call in (
    lambda: Client(prepare_photos=True),
    lambda: Client().assess(Pixels()),
    lambda: Client(offline=True).assess(Pixels()),
):
    try:
        call()
    except AgelaneError as error:
        print(type(error).__name__, error)
"""
WITHOUT_NUMPY = """
import io, sys
sys.modules["numpy"] = None
from PIL import Image
from agelane_client.photos import prepare
print(Image.open(io.BytesIO(prepare(sys.argv[1]))).size)
"""


def run(program: str, *arguments: str) -> str:
    """Run a program in a fresh interpreter; return what it prints."""
    command = [sys.executable, "-c", program, *arguments]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout


def test_without_pillow_it_is_said_what_to_install() -> None:
    """When the client is made if it is to prepare photos, else with the first that needs it."""
    said = run(WITHOUT_PILLOW).splitlines()
    assert len(said) == 3
    for line in said:
        assert line.startswith("ConfigurationError ")
        assert "pip install 'agelane-client[photos,faces]'" in line


def test_without_numpy_photos_are_prepared_whole(tmp_path: Path) -> None:
    """The finder of faces is an extra of its own."""
    path = tmp_path / "frame.jpg"
    frame(("biden_2010", 200, 300, 400)).save(path)
    assert run(WITHOUT_NUMPY, str(path)) == "(320, 180)\n"
