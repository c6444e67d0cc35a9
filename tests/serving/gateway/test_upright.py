"""Photos that lie on their side are turned before the model sees them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image, ImageOps

from agelane_serving.gateway.deadline import Deadline
from agelane_serving.gateway.errors import CallError, ModelUnavailable, PhotoUnusable
from agelane_serving.gateway.photo.header import PhotoHeader, check_photo
from agelane_serving.gateway.photo.upright import Uprighter, turn_upright
from tests.serving.gateway import photos


@pytest.mark.parametrize("orientation", range(2, 9))
@pytest.mark.parametrize("format_", ["JPEG", "PNG"])
def test_a_photo_is_turned_as_a_viewer_would(format_: str, orientation: int) -> None:
    """Compared with Pillow's own reading of EXIF, at the centre of each quarter."""
    photo = photos.with_orientation(orientation, format_)
    turned = turn_upright(photo, check_photo(photo))
    upright = Image.open(photos.file(turned.content))
    wanted = ImageOps.exif_transpose(Image.open(photos.file(photo)))
    assert turned.size == upright.size == wanted.size
    for x in (0.25, 0.75):
        for y in (0.25, 0.75):
            place = (round(x * wanted.width), round(y * wanted.height))
            assert _is_red(upright, place) == _is_red(wanted, place)


def test_nothing_but_pixels_is_left() -> None:
    """Names, places and comments stay behind."""
    exif = Image.Exif()
    exif[0x0112] = 6
    photo = photos.encoded(
        photos.picture(), "JPEG", exif=exif, comment=b"a comment", icc_profile=b"a profile"
    )
    upright = turn_upright(photo, check_photo(photo))
    assert set(Image.open(photos.file(upright.content)).info) <= {
        "jfif", "jfif_version", "jfif_unit", "jfif_density",
    }  # fmt: skip


def test_a_large_photo_becomes_no_larger_than_models_need() -> None:
    """JPEG decodes at a half or a quarter; both sides stay above 1024 pixels, and are told."""
    exif = Image.Exif()
    exif[0x0112] = 8
    photo = photos.encoded(photos.picture((4000, 2800)), "JPEG", exif=exif)
    upright = turn_upright(photo, check_photo(photo))
    assert upright.size == Image.open(photos.file(upright.content)).size == (1400, 2000)


@pytest.mark.parametrize("mode", ["L", "P", "RGBA", "LA", "1"])
def test_every_usual_kind_of_png_can_be_turned(mode: str) -> None:
    """The result is a colour photo whatever it was made from."""
    exif = Image.Exif()
    exif[0x0112] = 3
    photo = photos.encoded(photos.picture().convert(mode), "PNG", exif=exif)
    upright = turn_upright(photo, check_photo(photo))
    assert Image.open(photos.file(upright.content)).mode == "RGB"


@pytest.mark.parametrize(
    "photo",
    [
        photos.png_of_announced_size(100, 100),
        photos.encoded(Image.new("I;16", (64, 64)), "PNG"),
    ],
)
def test_a_photo_that_can_not_be_decoded_is_unusable(photo: bytes) -> None:
    """It passed the checks of the header, so that only decoding tells."""
    with pytest.raises(PhotoUnusable):
        turn_upright(photo, check_photo(photo))


def test_a_photo_that_decodes_to_another_size_is_unusable() -> None:
    """Whoever makes the reader of the header err gains nothing by it."""
    with pytest.raises(PhotoUnusable):
        turn_upright(photos.jpeg(), PhotoHeader("JPEG", 100, 100, 6))


@given(st.data(), st.sampled_from(["JPEG", "PNG"]))
def test_a_damaged_photo_is_turned_or_unusable_and_nothing_else(
    data: st.DataObject, format_: str
) -> None:
    """No error of the decoder gets through as itself."""
    photo = bytearray(photos.with_orientation(6, format_))
    places = st.integers(8, len(photo) - 1)
    for place, value in data.draw(st.lists(st.tuples(places, st.integers(0, 255)), max_size=8)):
        photo[place] = value
    try:
        header = check_photo(bytes(photo))
        turn_upright(bytes(photo), PhotoHeader(header.format, header.width, header.height, 6))
    except (CallError, PhotoUnusable):
        pass


async def test_without_time_a_photo_is_not_waited_for() -> None:
    """The deadline holds for turning as well."""
    uprighter = Uprighter()
    photo = photos.with_orientation(6)
    with pytest.raises(ModelUnavailable):
        await uprighter.turn(photo, check_photo(photo), Deadline(at=0))
    uprighter.close()


def _is_red(image: Image.Image, place: tuple[int, int]) -> bool:
    pixel = image.convert("RGB").getpixel(place)
    assert isinstance(pixel, tuple)
    return pixel[0] > 150 and pixel[1] < 100
