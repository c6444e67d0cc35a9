"""The look at a data set before anything learns from it."""

from __future__ import annotations

import html
import re
import shutil
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from PIL import Image, ImageFilter

from agelane_trainer.__main__ import main
from agelane_trainer.eda import explore
from agelane_trainer.eda.ages import count_years, heaps, spikes, summarise, whipple_index
from agelane_trainer.eda.labels import read_labels
from agelane_trainer.eda.photos import Measured, find_copies, measure_all
from tests.trainer.conftest import made_up_photo

ORIGINAL = Path(__file__).parents[3] / "shared" / "data" / "appa_real_labels.csv"
ROUND = [25, 30, 40, 50, 60, 70, 80, 90]


def write_labels(path: Path, rows: list[tuple[str, object]]) -> Path:
    """Write a label file and return its path."""
    lines = ["file_name,real_age", *(f"{name},{age}" for name, age in rows)]
    path.write_text("\n".join(lines) + "\n")
    return path


def measured(path: Path) -> Measured:
    """Measure one photo that can be used."""
    (result,) = measure_all([path])
    assert isinstance(result, Measured)
    return result


def text_of(report: Path) -> str:
    """Return what a report says, without its pictures and its markup."""
    markup = re.compile(r"<style>.*?</style>|<[^>]*>", re.DOTALL)
    return " ".join(html.unescape(markup.sub(" ", report.read_text("utf-8"))).split())


@pytest.mark.skipif(not ORIGINAL.is_file(), reason="the original's labels are not at hand")
def test_the_originals_labels_show_what_its_authors_saw() -> None:
    """Mean, deviation, quartiles, the long right tail, and the spikes."""
    ages = read_labels(ORIGINAL).table["age"]
    summary = summarise(ages)
    assert round(summary.mean, 2) == 31.20
    assert round(summary.deviation, 2) == 17.15
    assert summary.quartiles == (20, 29, 41)
    assert summary.skewness > 0.5
    assert [spike.age for spike in spikes(count_years(ages))] == ROUND


def test_a_smooth_population_with_rounded_ages_shows_its_spikes() -> None:
    """Twice as many at each full ten years is an excess of 1."""
    counts = np.full(123, 80)
    counts[::10] += 80
    assert [heap.age for heap in spikes(counts)] == list(range(10, 121, 10))
    assert {heap.excess for heap in heaps(counts) if heap.age % 10 == 0} == {1.0}


def test_chance_alone_makes_no_spikes() -> None:
    """A smooth population drawn at random has none, in a hundred draws."""
    expected = 200 * np.exp(-np.arange(123) / 30)
    draws = np.random.default_rng(5).poisson(expected, (100, 123))
    assert sum(len(spikes(draw)) for draw in draws) <= 3


@pytest.mark.parametrize(
    ("ages", "index"),
    [
        (range(123), 100.0),
        (range(0, 123, 5), 500.0),
        ([31, 42], 0.0),
        ([5, 80], None),
    ],
)
def test_the_whipple_index_is_as_defined(ages: list[int], index: float | None) -> None:
    """From 0 over 100 (no heaping) to 500 (multiples of five alone), on ages 23 to 62."""
    assert whipple_index(count_years(pd.Series(ages))) == index


def test_outliers_lie_beyond_the_fences_of_the_box_plot() -> None:
    """1.5 times the distance of the quartiles away from them."""
    summary = summarise(pd.Series([10, 20, 20, 30, 30, 30, 40, 40, 71]))
    assert summary.fences == (-10, 70)
    assert summary.outliers == 1


def test_labels_alone_make_a_report(tmp_path: Path) -> None:
    """One file with all pictures in it; rows that can't be used are counted."""
    rows: list[tuple[str, object]] = [(f"{age}.jpg", age) for age in range(5, 95)]
    labels = write_labels(tmp_path / "labels.csv", [*rows, ("a.jpg", "old"), ("b.jpg", 130)])
    report = explore(labels, tmp_path / "reports" / "eda")
    assert "90 usable labels, 2 unusable ones" in text_of(report)
    assert "No age stands out" in text_of(report)
    sources = re.findall(r'<img src="([^"]{10})', report.read_text("utf-8"))
    assert set(sources) == {"data:image"}
    pictures = {path.name for path in report.parent.glob("*.png")}
    assert pictures == {"ages.png", "age_groups.png", "heaping.png", "young.png"}


@pytest.mark.parametrize(
    ("content", "complaint"),
    [
        ("file_name,age\na.jpg,4\n", "missing column real_age"),
        ("file_name,real_age\na.jpg,\n", "no usable rows"),
        ("", "cannot be read"),
    ],
)
def test_useless_labels_are_refused_in_one_line(
    tmp_path: Path, content: str, complaint: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """With the file's name, and no traceback."""
    labels = tmp_path / "odd.csv"
    labels.write_text(content)
    assert main(["eda", "--data", str(labels), "--out", str(tmp_path / "out")]) == 1
    error = capsys.readouterr().err
    assert error.startswith(f"error: {labels}")
    assert complaint in error
    assert error.count("\n") == 1


def test_photos_are_reported_with_copies_conflicts_and_what_cant_be_read(
    data_set: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A copy under another age, a near copy under the same, a broken and a missing photo."""
    photos = data_set / "final_files"
    shutil.copy(photos / "000003.jpg", photos / "copy.jpg")
    with Image.open(photos / "000004.jpg") as photo:
        photo.save(photos / "near.jpg", quality=60)
    (photos / "broken.jpg").write_bytes(b"no photo")
    with (data_set / "labels.csv").open("a") as labels:
        labels.write("copy.jpg,60\nnear.jpg,9\nbroken.jpg,30\nmissing.jpg,31\n")
    out = data_set.parent / "eda"
    assert main(["eda", "--data", str(data_set), "--out", str(out)]) == 0
    assert capsys.readouterr().out == f"report: {out / 'report.html'}\n"
    text = text_of(out / "report.html")
    assert "42 photos can be used, 2 can't. All are of one size." in text
    assert "1 photos are byte-for-byte copies of another and 1 are near copies; 2 photos" in text
    assert "broken.jpg: not a readable image" in text
    pictures = {path.name for path in out.glob("*.png")}
    assert {"conflicts.png", "copies.png", "photos.png", "sample_from_14.png"} <= pictures


def test_a_folder_of_broken_photos_still_makes_a_report(tmp_path: Path) -> None:
    """The labels can be looked at all the same."""
    write_labels(tmp_path / "labels.csv", [("a.jpg", 3), ("b.jpg", 40)])
    report = explore(tmp_path, tmp_path / "eda")
    assert "No photo can be used." in text_of(report)


def test_copies_are_counted_once_for_each_beyond_the_first(tmp_path: Path) -> None:
    """Three files of one picture, two of them equal: one exact and one near copy."""
    picture = made_up_photo(1)
    for name, quality in (("a", 90), ("b", 90), ("c", 70)):
        picture.save(tmp_path / f"{name}.jpg", quality=quality)
    made_up_photo(2).save(tmp_path / "d.jpg")
    photos = [measured(tmp_path / f"{name}.jpg") for name in "abcd"]
    copies = find_copies(photos, [30, 31, 32, 60])
    assert (copies.exact, copies.near, copies.groups, copies.conflicting) == (
        1,
        1,
        ((0, 1, 2),),
        (),
    )
    assert find_copies(photos, [30, 31, 33, 60]).conflicting == ((0, 1, 2),)


def test_colour_tint_and_grey_are_told_apart(tmp_path: Path) -> None:
    """Sepia is tinted: its colour follows from its brightness."""
    colour = made_up_photo(1)
    grey = colour.convert("L")
    tone = np.stack([np.asarray(grey) * share for share in (1.0, 0.8, 0.6)], axis=-1)
    pictures = {"colour": colour, "grey": grey, "tinted": Image.fromarray(tone.astype(np.uint8))}
    for name, picture in pictures.items():
        path = tmp_path / f"{name}.png"
        picture.save(path)
        assert measured(path).colour == name


def test_sharpness_falls_with_blur_and_brightness_rises_with_light(tmp_path: Path) -> None:
    """Whatever the size of the photo."""
    sharp = Image.fromarray(np.random.default_rng(3).integers(0, 128, (300, 260), np.uint8))
    sharp.save(tmp_path / "sharp.png")
    sharp.filter(ImageFilter.GaussianBlur(3)).save(tmp_path / "blurred.png")
    sharp.point(lambda level: level + 100).save(tmp_path / "light.png")
    first, blurred, light = (
        measured(tmp_path / f"{name}.png") for name in ("sharp", "blurred", "light")
    )
    assert (first.width, first.height) == (260, 300)
    assert blurred.sharpness < first.sharpness / 10
    assert light.brightness == pytest.approx(first.brightness + 100, abs=1)
