"""What the gateway reads from a photo's header, and which photos it refuses."""

from __future__ import annotations

import struct

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from PIL import Image

from agelane_serving.gateway.errors import CallError, Fault
from agelane_serving.gateway.photo.header import MOST_BYTES, PhotoHeader, check_photo
from tests.serving.gateway import photos

_APP0 = b"\xff\xe0\x00\x02"


def fault_of(photo: bytes) -> Fault | None:
    """Return why a photo is refused; None if it isn't."""
    try:
        check_photo(photo)
    except CallError as error:
        return error.fault
    return None


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("format_", ["JPEG", "PNG"])
def test_size_and_orientation_are_read(format_: str, orientation: int) -> None:
    """Orientations of 5 and more swap width and height."""
    header = check_photo(photos.with_orientation(orientation, format_))
    assert (header.format, header.width, header.height) == (format_, *photos.SIZE)
    assert header.orientation == orientation
    upright = photos.SIZE if orientation < 5 else photos.SIZE[::-1]
    assert header.upright_size == upright


@pytest.mark.parametrize(
    "options",
    [{"progressive": True}, {"quality": 100, "subsampling": 0}, {"restart_marker_rows": 1}],
)
def test_all_usual_kinds_of_jpeg_pass(options: dict[str, object]) -> None:
    """Progressive photos and restart markers are nothing special."""
    assert fault_of(photos.encoded(photos.picture(), "JPEG", **options)) is None


def test_big_endian_exif_is_understood() -> None:
    """Cameras write either byte order."""
    directory = struct.pack(">HHHIHHI", 1, 0x0112, 3, 1, 8, 0, 0)
    exif = b"Exif\0\0MM\0*" + struct.pack(">I", 8) + directory
    segment = b"\xff\xe1" + struct.pack(">H", len(exif) + 2) + exif
    photo = photos.jpeg()
    assert check_photo(photo[:2] + segment + photo[2:]).orientation == 8


@given(st.binary(max_size=64))
def test_broken_exif_does_not_spoil_a_photo(exif: bytes) -> None:
    """It is an addition: whatever it says, the photo is there."""
    content = b"Exif\0\0" + exif
    segment = b"\xff\xe1" + struct.pack(">H", len(content) + 2) + content
    photo = photos.jpeg()
    assert 1 <= check_photo(photo[:2] + segment + photo[2:]).orientation <= 8


def test_bytes_after_the_picture_are_let_be() -> None:
    """Cameras append padding, previews and whole videos."""
    for photo in (photos.jpeg(), photos.png()):
        assert fault_of(photo + b"\0" * 100) is None


@pytest.mark.parametrize(
    ("photo", "fault"),
    [
        (b"", Fault.EMPTY_PHOTO),
        (b"hello", Fault.UNSUPPORTED_FORMAT),
        (b"\xff\xd8", Fault.UNSUPPORTED_FORMAT),
        (photos.animated_gif(), Fault.UNSUPPORTED_FORMAT),
        (photos.encoded(photos.picture(), "WEBP"), Fault.UNSUPPORTED_FORMAT),
        (photos.encoded(photos.picture(), "BMP"), Fault.UNSUPPORTED_FORMAT),
        (photos.animated_png(), Fault.ANIMATED_PHOTO),
        (photos.png_of_announced_size(10_000, 5_000), Fault.TOO_MANY_PIXELS),
        (photos.png_of_announced_size(2**31, 2**31), Fault.TOO_MANY_PIXELS),
        (photos.jpeg_of_announced_size(10_000, 5_000), Fault.TOO_MANY_PIXELS),
        (photos.png_of_announced_size(4_000, 3_000), None),
        (photos.png_of_announced_size(0, 100), Fault.CORRUPT_PHOTO),
        (photos.jpeg_of_announced_size(100, 0), Fault.CORRUPT_PHOTO),
        (photos.jpeg((31, 200)), Fault.TOO_FEW_PIXELS),
        (photos.png((32, 32)), None),
        (photos.jpeg()[:2] + _APP0 * 5000 + photos.jpeg()[2:], Fault.CORRUPT_PHOTO),
        (b"\xff\xd8\xff\xd9", Fault.CORRUPT_PHOTO),
        (b"\xff\xd8\xff\xe0\x00\x01", Fault.CORRUPT_PHOTO),
        (b"\xff\xd8\xff\xe0", Fault.TRUNCATED_PHOTO),
        (photos.png()[:8] + photos.png_chunk(b"IDAT", b""), Fault.CORRUPT_PHOTO),
        (photos.png()[:8] + b"\xff\xff\xff\xffIHDR", Fault.CORRUPT_PHOTO),
        (photos.jpeg() + b"\0" * MOST_BYTES, Fault.PHOTO_TOO_LARGE),
    ],
)
def test_what_can_not_be_used_is_refused_with_its_reason(photo: bytes, fault: Fault | None) -> None:
    """The first thing that is wrong is told."""
    assert fault_of(photo) is fault


@given(st.data(), st.sampled_from(["JPEG", "PNG"]), st.booleans())
def test_a_cut_off_photo_is_noticed_wherever_it_is_cut(
    data: st.DataObject, format_: str, with_exif: bool
) -> None:
    """No byte of the picture can be missing, whatever comes before it."""
    photo = (
        photos.with_orientation(3, format_)
        if with_exif
        else photos.encoded(photos.picture(), format_)
    )
    length = data.draw(st.integers(8, len(photo) - 1))
    assert fault_of(photo[:length]) is Fault.TRUNCATED_PHOTO


@given(st.binary(max_size=300), st.sampled_from([b"", b"\xff\xd8\xff", photos.png()[:8]]))
@example(b"\xff" * 300, b"\xff\xd8\xff")
@example(b"\xff\x00" * 150, b"\xff\xd8\xff")
def test_no_bytes_whatsoever_upset_the_reader(content: bytes, magic: bytes) -> None:
    """Any bytes are either a photo within the limits or refused in an orderly way."""
    _check_orderly(magic + content)


@given(st.data(), st.sampled_from(["JPEG", "PNG"]))
def test_no_damage_to_a_real_photo_upsets_the_reader(data: st.DataObject, format_: str) -> None:
    """The same for photos with some bytes changed."""
    photo = bytearray(photos.with_orientation(6, format_))
    places = st.integers(0, len(photo) - 1)
    for place, value in data.draw(st.lists(st.tuples(places, st.integers(0, 255)), max_size=8)):
        photo[place] = value
    _check_orderly(bytes(photo))


@pytest.mark.parametrize(
    "filling", [b"\xff", b"\xff\x00", b"\x00", b"\xff\xd0", _APP0, b"\xff\xd8\xff", b"\0" * 8]
)
@pytest.mark.parametrize("magic", [b"\xff\xd8\xff\xe0\x00\x02", photos.png()[:33]])
def test_a_mebibyte_of_nothing_is_refused_without_walking_through_it_byte_by_byte(
    magic: bytes, filling: bytes
) -> None:
    """The search is one pass of compiled code, or ends after a thousand segments."""
    photo = (magic + filling * (MOST_BYTES // len(filling)))[:MOST_BYTES]
    assert fault_of(photo) in (Fault.TRUNCATED_PHOTO, Fault.CORRUPT_PHOTO)


def _check_orderly(photo: bytes) -> None:
    try:
        header = check_photo(photo)
    except CallError:
        return
    assert isinstance(header, PhotoHeader)
    assert header.width * header.height <= 12_000_000
    assert min(header.width, header.height) >= 32
    assert 1 <= header.orientation <= 8


def test_the_reader_agrees_with_pillow_about_sizes() -> None:
    """Otherwise a small announced size could hide a large picture."""
    for size in ((32, 32), (33, 100), (640, 480), (1000, 47)):
        for photo in (photos.jpeg(size), photos.png(size)):
            header = check_photo(photo)
            assert (header.width, header.height) == Image.open(photos.file(photo)).size == size
