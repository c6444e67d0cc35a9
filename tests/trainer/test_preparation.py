"""From files to what the network sees: whatever the file, and wherever the face."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeAlias

import keras
import numpy as np
import pytest
import tensorflow as tf
from PIL import Image, ImageDraw, ImageEnhance, ImageFilter, ImageFont

from agelane_trainer.network.preparation import CROP_TO_BOX, Prepared, decode, prepare, resize
from tests.trainer.conftest import PORTRAITS, ROOT, SAMPLES, encoded, made_up_photo, portrait

SIZE = 64
FRAME = (1280, 720)
WALL = (90, 110, 130)
Prepare: TypeAlias = Callable[[list[bytes]], Prepared]


@pytest.fixture(scope="module", name="run")
def run_fixture(finder: keras.Model) -> Prepare:
    """The preparation, compiled as it is in the exported graph; returns arrays."""
    compiled = tf.function(
        lambda data: prepare(data, SIZE, finder),
        input_signature=[tf.TensorSpec([None], tf.string)],
    )

    def run(photos: list[bytes]) -> Prepared:
        return tf.nest.map_structure(np.asarray, compiled(tf.constant(photos)))  # type: ignore[no-any-return]

    return run


def frame(*people: tuple[str, int, int, int]) -> bytes:
    """Return a camera's frame with sample faces: name, left, top, side (pixels)."""
    picture = Image.new("RGB", FRAME, WALL)
    for name, left, top, side in people:
        face = portrait(name).resize((side, side), Image.Resampling.LANCZOS)
        picture.paste(face, (left, top))
    return encoded(picture)


def alike(first: np.ndarray, second: np.ndarray) -> float:
    """Return the correlation of two pictures."""
    return float(np.corrcoef(first.ravel(), second.ravel())[0, 1])


def test_a_photo_that_is_cut_around_its_face_is_shown_nearly_whole(run: Prepare) -> None:
    """What the photos that the network learnt from look like."""
    photos = [(SAMPLES / f"{name}.jpg").read_bytes() for name in PORTRAITS]
    prepared = run(photos)
    sides = prepared.faces.box[:, 2:] - prepared.faces.box[:, :2]
    assert prepared.faces.count.tolist() == [1, 1, 1, 1]
    assert sides.min() * CROP_TO_BOX > 0.8
    whole = np.stack([resize(decode(photo), SIZE) for photo in photos])
    assert min(map(alike, prepared.crops, whole)) > 0.6
    # Here the face fills the photo: nothing at all is cut off.
    assert np.abs(prepared.crops[2] - whole[2]).mean() < 1


@pytest.mark.parametrize("name", PORTRAITS)
@pytest.mark.parametrize(("left", "top", "side"), [(560, 200, 160), (0, 0, 240), (920, 360, 360)])
def test_the_face_in_a_camera_frame_is_found_and_cropped(
    run: Prepare, name: str, left: int, top: int, side: int
) -> None:
    """In its middle and in its corners, from a fifth to half of its height."""
    prepared = run([(SAMPLES / f"{name}.jpg").read_bytes(), frame((name, left, top, side))])
    close, far = prepared.faces.box
    expected = np.array([top, left, top, left]) + close * side
    assert prepared.faces.count.tolist() == [1, 1]
    assert prepared.shapes[1].tolist() == [720, 1280]
    assert far * [720, 1280, 720, 1280] == pytest.approx(expected, abs=0.15 * side)
    assert alike(*prepared.crops) > 0.8


def test_a_photo_without_a_face_is_cropped_to_its_middle(run: Prepare) -> None:
    """Whoever reads the age has to look at the count; the box is a mere guess."""
    for size, middle in (((400, 200), (100, 0, 300, 200)), ((200, 400), (0, 100, 200, 300))):
        picture = Image.new("RGB", size, "red")
        picture.paste((0, 255, 0), middle)
        prepared = run([encoded(picture, "PNG")])
        assert prepared.faces.count.tolist() == [0]
        assert np.abs(prepared.crops[0] - (0, 255, 0)).max() < 1


def test_what_may_be_a_face_is_shown_though_it_does_not_count(run: Prepare) -> None:
    """A small face in the corner, which the finder is not sure enough of."""
    prepared = run([frame(("biden_2010", 0, 0, 120)), (SAMPLES / "biden_2010.jpg").read_bytes()])
    assert prepared.faces.count.tolist() == [0, 1]
    assert 0.4 < prepared.faces.score[0] < 0.75
    assert alike(*prepared.crops) > 0.7


def test_two_people_at_the_till_are_counted(run: Prepare) -> None:
    """Whose age would it be?"""
    people = frame(("collins", 200, 200, 300), ("biden_2010", 700, 200, 300))
    assert run([people]).faces.count.tolist() == [2]


def test_a_person_far_behind_does_not_count(run: Prepare) -> None:
    """The crop is about the one at the till, whatever the side."""
    people = [
        frame(("collins", 200, 200, 360), ("biden_2010", 900, 100, 144)),
        frame(("biden_2010", 100, 100, 144), ("collins", 700, 300, 360)),
    ]
    prepared = run([*people, (SAMPLES / "collins.jpg").read_bytes()])
    assert prepared.faces.count.tolist() == [1, 1, 1]
    assert alike(prepared.crops[0], prepared.crops[2]) > 0.8
    assert alike(prepared.crops[1], prepared.crops[2]) > 0.8


def test_what_cannot_be_decoded_spoils_only_its_own_row(run: Prepare) -> None:
    """Nothing, words, half a JPEG and half a PNG, each beside a good photo."""
    good = [(SAMPLES / f"{name}.jpg").read_bytes() for name in PORTRAITS]
    png = encoded(portrait("collins"), "PNG")
    bad = [b"", b"not a photo", (SAMPLES / "broken.jpg").read_bytes(), png[: len(png) // 2]]
    mixed, alone = run([p for pair in zip(good, bad, strict=True) for p in pair]), run(good)
    assert mixed.ok.tolist() == [True, False] * 4
    for some, same in zip(tf.nest.flatten(mixed), tf.nest.flatten(alone), strict=True):
        assert some[::2] == pytest.approx(same, abs=1e-3)
    for figures in (mixed.shapes, *mixed.faces, mixed.brightness, mixed.sharpness):
        assert not figures[1::2].any()


def files_of_any_kind() -> dict[str, bytes]:
    """Return small photos without a face in shapes and modes that cameras don't make."""
    noise = made_up_photo(1, 60)
    deep = np.random.default_rng(0).integers(0, 65535, (40, 50), np.uint16)
    return {
        "one pixel": encoded(Image.new("RGB", (1, 1)), "PNG"),
        "a column": encoded(Image.new("RGB", (1, 4000), "red"), "PNG"),
        "a row": encoded(Image.new("RGB", (4000, 1), "red")),
        "grey": encoded(noise.convert("L"), "PNG"),
        "grey JPEG": encoded(noise.convert("L")),
        "transparent": encoded(noise.convert("RGBA"), "PNG"),
        "grey, transparent": encoded(noise.convert("LA"), "PNG"),
        "palette": encoded(noise.convert("P"), "PNG"),
        "black and white": encoded(noise.convert("1"), "PNG"),
        "16 bits": encoded(Image.fromarray(deep), "PNG"),
        "four inks": encoded(noise.convert("CMYK")),
        "GIF": encoded(noise, "GIF"),
        "BMP": encoded(noise, "BMP"),
    }


def test_every_kind_of_file_is_prepared(run: Prepare) -> None:
    """Alone and together, to finite numbers; and none of them is a face."""
    files = files_of_any_kind()
    together = run(list(files.values()))
    assert dict(zip(files, together.ok.tolist(), strict=True)) == dict.fromkeys(files, True)
    assert not together.faces.count.any()
    for column in tf.nest.flatten(together):
        assert np.isfinite(column.astype(float)).all()
    for number, file in enumerate(files.values()):
        assert run([file]).crops[0] == pytest.approx(together.crops[number], abs=1e-3)


def test_a_face_is_found_in_every_kind_of_file(run: Prepare) -> None:
    """Grey, deep, transparent or of few colours."""
    face = portrait("collins")
    deep = np.asarray(face.convert("L")).astype(np.uint16) * 257
    kinds = [face.convert(mode) for mode in ("L", "RGBA", "P")] + [Image.fromarray(deep)]
    assert run([encoded(kind, "PNG") for kind in kinds]).faces.count.tolist() == [1] * 4


def test_boxes_lie_within_the_photo(run: Prepare) -> None:
    """Also those of faces that reach beyond it."""
    face = portrait("collins")
    third = face.width // 6
    cuts = [(third, 0, 197, 197), (0, third, 197, 197), (0, 0, 197 - third, 197)]
    prepared = run([encoded(face.crop(cut)) for cut in cuts] + [frame(("obama_2009", 0, 0, 700))])
    boxes = prepared.faces.box
    assert prepared.faces.count.all()
    assert boxes.min() >= 0
    assert boxes.max() <= 1
    assert (boxes[:, 2:] > boxes[:, :2]).all()


def test_brightness_and_sharpness_follow_the_photo(run: Prepare) -> None:
    """Dark is darker, blurred is less sharp."""
    face = portrait("obama_2012")
    dark = ImageEnhance.Brightness(face).enhance(0.4)
    plain = run([encoded(p) for p in (face, dark, face.filter(ImageFilter.GaussianBlur(3)))])
    assert plain.brightness[1] < 0.6 * plain.brightness[0] < 0.6
    assert plain.sharpness[2] < 0.3 * plain.sharpness[0]


def words(size: tuple[int, int], font_size: int) -> Image.Image:
    """Return a page of text."""
    page = Image.new("RGB", size, "white")
    draw, font = ImageDraw.Draw(page), ImageFont.load_default(font_size)
    for top in range(0, size[1], font_size + 4):
        draw.text((5, top), "Bread and salt, please. O : ) 08 " * 6, "black", font)
    return page


def landscape() -> Image.Image:
    """Return mountains under a sky with a sun."""
    sky = np.linspace((120, 170, 230), (220, 230, 240), 240)
    grass = np.linspace((90, 140, 70), (40, 80, 30), 240)
    rows = np.concatenate([sky, grass])[:, None].repeat(640, axis=1)
    picture = Image.fromarray(rows.astype(np.uint8))
    draw = ImageDraw.Draw(picture)
    draw.ellipse((450, 40, 520, 110), fill=(255, 240, 180))
    draw.polygon([(0, 240), (150, 90), (300, 240)], fill=(110, 110, 120))
    draw.polygon([(200, 240), (380, 130), (560, 240)], fill=(130, 130, 140))
    return picture


def found_things(name: str) -> dict[str, Image.Image]:
    """Return a real photo without a person: whole, cut square, and within a camera's frame."""
    with Image.open(ROOT / "tests" / "photos" / f"{name}.jpg") as file:
        photo = file.convert("RGB")
    left = (photo.width - photo.height) // 2
    square = photo.crop((left, 0, left + photo.height, photo.height))
    within = Image.new("RGB", FRAME, WALL)
    within.paste(photo, (400, 200))
    return {name: photo, f"{name}, square": square.resize((200, 200)), f"{name}, far": within}


def patterns() -> dict[str, Image.Image]:
    """Return noise of every grain, stripes, chequered boards and plain colours."""
    random = np.random.default_rng(0)
    found = {colour: Image.new("RGB", (200, 200), colour) for colour in ("black", "white", "tan")}
    for cells in (2, 3, 5, 8, 13, 21, 34, 128):
        coarse = Image.fromarray(random.integers(0, 255, (cells, cells, 3), np.uint8))
        found |= {f"noise {cells}": coarse.resize((200, 200))}
        found |= {f"noise {cells}, frame": coarse.resize(FRAME)}
    for width in (1, 4, 16, 40):
        rows, columns = np.indices((240, 320)) // width
        for name, pattern in (("stripes", rows), ("chequers", rows + columns)):
            found[f"{name} {width}"] = Image.fromarray((pattern % 2 * 255).astype(np.uint8))
    return found


def test_no_pattern_is_a_face(run: Prepare) -> None:
    """A lens cap, a broken camera, a shirt."""
    assert_no_faces(run, patterns())


def test_no_text_is_a_face(run: Prepare) -> None:
    """A price tag, a newspaper, a screen."""
    sizes = [(page, letters) for page in ((300, 300), FRAME) for letters in (10, 30, 80, 200)]
    assert_no_faces(run, {f"{page}, {letters}": words(page, letters) for page, letters in sizes})


def test_no_landscape_cat_or_thing_is_a_face(run: Prepare) -> None:
    """What the camera sees while nobody stands before it."""
    things = {"landscape": landscape()}
    for name in ("cat", "coffee", "rocket"):
        things |= found_things(name)
    assert_no_faces(run, things)


def assert_no_faces(run: Prepare, pictures: dict[str, Image.Image]) -> None:
    """Assert that on none of them a face counts; names those where one does."""
    faces = run([encoded(picture, "PNG") for picture in pictures.values()]).faces
    scores = dict(zip(pictures, faces.score.round(2).tolist(), strict=True))
    counts = dict(zip(pictures, faces.count.tolist(), strict=True))
    assert not any(counts.values()), {name: scores[name] for name, n in counts.items() if n}
