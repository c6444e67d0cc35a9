"""Photos that are made small, upright and free of metadata before they are sent."""

from __future__ import annotations

import io
import struct
import warnings
import zlib
from contextlib import suppress
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image, ImageCms

from agelane_client import ConfigurationError, PhotoError
from agelane_client.photos import prepare
from agelane_client.photos.pixels import MOST_PIXELS
from tests.client.conftest import SAMPLES
from tests.client.made_photos import colours, corners, decoded, encoded, frame

ORIENTATION = 0x0112
STORED = {  # how a camera that is held so stores what a viewer sees upright
    1: None,
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_90,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_270,
}


@pytest.fixture(autouse=True)
def no_warnings() -> Any:
    """Pillow's warnings are not for a till."""
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        yield


def refused(photo: Any) -> str:
    """Return why `prepare` does not take it."""
    with pytest.raises(PhotoError) as caught:
        prepare(photo)
    return caught.value.reason


def prepared_or_refused(photo: bytes) -> None:
    """Prepare a photo, and let nothing pass but a good one or a PhotoError."""
    with suppress(PhotoError):
        decoded(prepare(photo))


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("kind", ["JPEG", "PNG"])
@pytest.mark.parametrize("size", [(1600, 900), (300, 200)])
def test_photos_are_turned_upright(orientation: int, kind: str, size: tuple[int, int]) -> None:
    """All eight ways to hold a camera look the same, whether the decoder shrinks or not."""
    stored = corners(*size)
    turn = STORED[orientation]
    if turn is not None:
        stored = stored.transpose(turn)
    exif = Image.Exif()
    exif[ORIENTATION] = orientation
    prepared = prepare(encoded(stored, kind, exif=exif))
    assert colours(prepared) == ["red", "lime", "blue", "white"]
    image = decoded(prepared)
    assert image.width / image.height == pytest.approx(size[0] / size[1], rel=0.02)


def test_no_metadata_leave_the_lane() -> None:
    """Neither EXIF nor place, comment, colour profile nor print size."""
    exif = Image.Exif()
    exif[0x010F] = "SECRET camera"
    exif[0x8825] = {1: "N", 2: (52.0, 30.0, 0.0)}
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    photo = encoded(
        corners(200, 200), exif=exif, comment=b"SECRET", icc_profile=profile, dpi=(72, 72)
    )
    for given_photo in (photo, Image.open(io.BytesIO(photo))):
        prepared = prepare(given_photo)
        assert b"SECRET" not in prepared
        assert b"ICC_PROFILE" not in prepared
        # JFIF's own are no metadata of the photo.
        assert set(decoded(prepared).info) <= {"jfif", "jfif_version", "jfif_unit", "jfif_density"}


def test_only_the_face_leaves_the_lane() -> None:
    """One face is cropped out of a frame; its surroundings are left behind."""
    image = frame(("biden_2010", 1300, 300, 500))
    image.paste("red", (0, 0, 900, 1080))
    for photo in (encoded(image, quality=90), image, np.asarray(image)):
        pixels = np.asarray(decoded(prepare(photo))).astype(int)
        assert min(pixels.shape[:2]) > 280
        assert (pixels[..., 0] - pixels[..., 1] > 100).mean() < 0.01


def test_a_small_face_is_cropped_from_the_photo_at_full_size() -> None:
    """Where the decoder's half would leave it too few pixels."""
    photo = encoded(frame(("biden_2010", 200, 300, 210)), quality=90)
    assert min(decoded(prepare(photo)).size) > 250


def test_the_gateway_sees_all_of_a_photo_with_no_face_or_several() -> None:
    """It must be the one to refuse: a second person is never cropped away."""
    both = frame(("biden_2010", 200, 300, 400), ("collins", 1200, 300, 400))
    for image in (both, frame()):
        assert decoded(prepare(image)).size == (320, 180)
    passer_by = frame(("biden_2010", 200, 300, 600), ("collins", 1200, 300, 200))
    assert min(decoded(prepare(passer_by)).size) > 280


def test_a_till_may_bring_its_own_finder_or_none() -> None:
    """What it finds on the upright photo is cropped, as far as it lies within."""
    photo = encoded(corners(200, 100))
    assert decoded(prepare(photo, find_faces=lambda _: [(10, 10, 50, 50)])).size == (60, 60)
    assert decoded(prepare(photo, find_faces=lambda _: [])).size == (200, 100)
    assert decoded(prepare(photo, find_faces=False)).size == (200, 100)


@pytest.mark.parametrize("mode", ["1", "L", "LA", "P", "RGBA", "CMYK", "YCbCr", "HSV", "I;16"])
def test_any_way_to_store_colours_will_do(mode: str) -> None:
    """Grey stays grey, and nothing is enlarged."""
    grey = Image.new("L", (100, 60), 192)
    image = Image.fromarray(np.full((60, 100), 192 * 257, np.uint16)) if mode == "I;16" else grey
    image = image if mode == "I;16" else grey.convert("RGB").convert(mode)
    assert image.mode == mode
    photos: list[Any] = [image]
    if mode not in ("CMYK", "YCbCr", "HSV"):
        photos.append(encoded(image, "PNG"))
    if mode in ("L", "CMYK"):
        photos += [encoded(image, quality=95), encoded(image, quality=95, progressive=True)]
    for photo in photos:
        pixels = np.asarray(decoded(prepare(photo)))
        assert pixels.shape == (60, 100, 3)
        assert abs(pixels.mean() - 192) < 3


def test_a_palette_with_transparent_colours_will_do() -> None:
    """Pillow would warn of it."""
    image = Image.new("P", (64, 64), 1)
    image.putpalette([0, 0, 0, 255, 255, 255])
    photo = encoded(image, "PNG", transparency=b"\x00\x80")
    assert np.asarray(decoded(prepare(photo))).mean() > 250


@pytest.mark.parametrize(
    ("photo", "reason"),
    [
        (b"", "EMPTY_PHOTO"),
        (b"GIF89a", "UNSUPPORTED_FORMAT"),
        ("missing.jpg", "UNREADABLE_FILE"),
        (encoded(corners(200, 200))[:1500], "TRUNCATED_PHOTO"),
        (encoded(corners(200, 200), "PNG")[:200], "TRUNCATED_PHOTO"),
        (encoded(corners(2000, 100)), "TOO_FEW_PIXELS"),
        (encoded(corners(20, 20)), "TOO_FEW_PIXELS"),
        (b"\xff\xd8\xff" + bytes(100), "CORRUPT_PHOTO"),
        (encoded(corners(64, 64)) + b"\xff\xda" * 60, "CORRUPT_PHOTO"),
        (np.zeros((3, 2000, 3), np.uint8), "TOO_FEW_PIXELS"),
        (np.zeros((32, 20_000, 3), np.uint8), "TOO_FEW_PIXELS"),
        (np.zeros((0, 9, 3), np.uint8), "EMPTY_PHOTO"),
        (np.full((64, 64, 3), np.nan), "UNSUPPORTED_FORMAT"),
        (np.zeros((64, 64, 4), np.uint8), "UNSUPPORTED_FORMAT"),
        (np.zeros((3, 64, 64), np.uint8), "UNSUPPORTED_FORMAT"),
        (np.zeros((64, 64), np.uint16), "UNSUPPORTED_FORMAT"),
        (Image.new("F", (64, 64)), "UNSUPPORTED_FORMAT"),
        (object(), "UNSUPPORTED_FORMAT"),
        (7, "UNSUPPORTED_FORMAT"),
    ],
)
def test_what_is_no_good_photo_is_refused(photo: Any, reason: str) -> None:
    """By the reason that the gateway would give, as far as it knows one."""
    assert refused(photo) == reason


def test_an_animation_is_refused() -> None:
    """Which of its pictures would it be?"""
    other = Image.new("RGB", (64, 64), "red")
    photo = encoded(corners(64, 64), "PNG", save_all=True, append_images=[other])
    assert refused(photo) == "ANIMATED_PHOTO"


def test_more_pixels_than_a_camera_has_are_refused_by_the_header() -> None:
    """A few bytes that would fill the memory are never decoded, and nothing warns of them."""
    photo = bytearray(encoded(Image.new("1", (8, 8)), "PNG"))
    for side in (5_001, 12_000, 60_000):
        assert side * side > MOST_PIXELS
        photo[16:24] = struct.pack(">II", side, side)
        photo[29:33] = struct.pack(">I", zlib.crc32(photo[12:29]))
        assert refused(bytes(photo)) == "TOO_MANY_PIXELS"
    assert refused(np.broadcast_to(np.uint8(0), (9_000, 9_000))) == "TOO_MANY_PIXELS"


def test_arrays_need_not_lie_in_one_piece() -> None:
    """A frame of OpenCV is BGR, and reversed it is a view with a negative step."""
    rgb = np.asarray(corners(200, 100))
    bgr = np.ascontiguousarray(rgb[..., ::-1])
    expected = ["red", "lime", "blue", "white"]
    assert colours(prepare(rgb)) == colours(prepare(bgr[..., ::-1])) == expected
    assert decoded(prepare(rgb[..., 0])).size == (200, 100)


def test_a_photo_that_does_not_shrink_enough_loses_quality() -> None:
    """Noise is what compresses worst; into a hundred bytes nothing fits."""
    noise = np.random.default_rng(0).integers(0, 256, (320, 320, 3), np.uint8)
    assert len(prepare(noise)) <= 40_000
    with pytest.raises(PhotoError) as caught:
        prepare(noise, max_bytes=100)
    assert caught.value.reason == "PHOTO_TOO_LARGE"


@pytest.mark.parametrize(("long_side", "max_bytes"), [(31, 40_000), (320, 0)])
def test_impossible_limits_are_refused(long_side: int, max_bytes: int) -> None:
    """They are the till's mistake, not the photo's."""
    with pytest.raises(ConfigurationError):
        prepare(encoded(corners(64, 64)), long_side=long_side, max_bytes=max_bytes)


def test_a_users_image_is_left_as_it_was() -> None:
    """Also one that is still a file."""
    image = Image.open(SAMPLES / "collins.jpg")
    before = (image.size, dict(image.info))
    prepare(image, long_side=64)
    assert (image.size, dict(image.info)) == before


@given(st.binary(max_size=300) | st.binary(max_size=300).map(lambda it: b"\xff\xd8\xff" + it))
def test_any_bytes_are_a_photo_or_a_photo_error(data: bytes) -> None:
    """Nothing else comes out, whatever a camera's driver sends."""
    prepared_or_refused(data)


GOOD = (
    (SAMPLES / "collins.jpg").read_bytes(),
    encoded(corners(90, 70), "PNG", exif=b"Exif\0\0II*\0\x08\0\0\0\x01\0\x12\x01\x03\0\x01\0\0\0"),
    encoded(corners(90, 70), progressive=True, exif=b"Exif\0\0MM\0*\0\0\0\x08\xff\xff\x01\x12"),
)


@settings(max_examples=100)
@given(st.sampled_from(GOOD), st.lists(st.tuples(st.floats(0, 1), st.integers(0, 255)), max_size=6))
def test_a_damaged_file_is_a_photo_or_a_photo_error(
    photo: bytes, damages: list[tuple[float, int]]
) -> None:
    """Bytes may be wrong anywhere, most of all in the header."""
    damaged = bytearray(photo)
    for place, value in damages:
        damaged[int(place**3 * (len(damaged) - 1))] = value
    prepared_or_refused(bytes(damaged))


@settings(max_examples=30)
@given(st.integers(32, 900), st.integers(32, 900), st.sampled_from(sorted(STORED)))
def test_any_size_comes_out_within_the_limits(width: int, height: int, orientation: int) -> None:
    """Upright, and of the same shape."""
    turn, stored = STORED[orientation], corners(width, height)
    exif = Image.Exif()
    exif[ORIENTATION] = orientation
    photo = encoded(stored if turn is None else stored.transpose(turn), exif=exif)
    if 320 / max(width, height, 320) * min(width, height) < 31.5:
        assert refused(photo) == "TOO_FEW_PIXELS"
    else:
        assert colours(prepare(photo)) == ["red", "lime", "blue", "white"]
