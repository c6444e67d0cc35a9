"""A photo from a camera, for those who have OpenCV; loaded where it is asked for."""

from __future__ import annotations

import importlib
from typing import Any

from agelane_client.cli.photos import within
from agelane_client.errors import ConfigurationError, PhotoError
from agelane_client.requests import MAX_PHOTO_BYTES

_SECONDS = 20.0
_FRAMES_TO_SETTLE = 10  # the first ones of most cameras are dark
_QUALITIES = (95, 85, 70, 50)


def take_photo(camera: int) -> bytes:
    """Return a JPEG file with one picture of the camera with this number.

    Raises ConfigurationError without OpenCV, PhotoError if the camera gives no picture.
    """
    try:
        cv2 = importlib.import_module("cv2")
    except ImportError as error:  # also if one of its own libraries is missing
        message = f"--webcam needs OpenCV ({error}): pip install opencv-python-headless"
        raise ConfigurationError(message) from error
    return within(_SECONDS, lambda: _photo(cv2, camera), f"camera {camera}")


def _photo(cv2: Any, camera: int) -> bytes:
    try:
        return _encode(cv2, _picture(cv2, camera))
    except cv2.error as error:
        raise _no_picture(camera, str(error)) from error


def _picture(cv2: Any, camera: int) -> Any:
    """Return a picture, taken when the camera has adapted to the light."""
    capture = cv2.VideoCapture(camera)
    try:
        if not capture.isOpened():
            hint = "it is not there, or in use; --camera N takes another one"
            raise _no_picture(camera, hint)
        picture = None
        for _ in range(_FRAMES_TO_SETTLE):
            is_there, frame = capture.read()
            picture = frame if is_there else picture
    finally:
        capture.release()
    if picture is None:
        raise _no_picture(camera, "it opens, but is in use or broken")
    return picture


def _encode(cv2: Any, picture: Any) -> bytes:
    """Return the picture as the best JPEG file that may be sent."""
    for quality in _QUALITIES:
        is_done, encoded = cv2.imencode(".jpg", picture, [cv2.IMWRITE_JPEG_QUALITY, quality])
        if is_done and len(encoded) <= MAX_PHOTO_BYTES:
            return bytes(encoded)
    message = f"the picture is larger than {MAX_PHOTO_BYTES:,} bytes; set the camera to a smaller"
    raise PhotoError(message, reason="PHOTO_TOO_LARGE")


def _no_picture(camera: int, why: str) -> PhotoError:
    return PhotoError(f"camera {camera} gives no picture: {why}", reason="UNREADABLE_FILE")
