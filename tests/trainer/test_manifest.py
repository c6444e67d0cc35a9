"""A manifest says which content went where, and finds photos that a model has seen."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from PIL import Image

from agelane_trainer.data.dataset import LabelError, read_photos
from agelane_trainer.data.manifest import (
    differences,
    learnt_from,
    read_manifest,
    write_manifest,
)
from agelane_trainer.data.split import Split, fingerprint_all, split
from tests.trainer.conftest import made_up_photo, write_data_set


def written(result: Split, path: Path) -> Path:
    """Write the manifest of a split; returns the file."""
    write_manifest(result.entries, path)
    return path


def test_a_manifest_read_back_agrees_with_a_new_split_of_the_folder(data_set: Path) -> None:
    """Also if the labels come in another order, and then the file is the same byte for byte."""
    photos = read_photos(data_set)
    first = written(split(photos), data_set / "first.csv")
    again = split(photos[::-1])
    assert differences(read_manifest(first), again.entries) == []
    assert written(again, data_set / "again.csv").read_bytes() == first.read_bytes()


def test_a_manifest_tells_no_file_names_and_no_ages(data_set: Path) -> None:
    """It may be published where the photos may not."""
    text = written(split(read_photos(data_set)), data_set / "manifest.csv").read_text()
    assert text.startswith("sha256,perceptual,place,group\n")
    assert text.count("\n") == 41
    assert "jpg" not in text


def test_missing_added_and_moved_photos_are_told_apart(data_set: Path) -> None:
    """One of each, and the others agree."""
    entries = split(read_photos(data_set)).entries
    moved = replace(entries[2], place="elsewhere")
    missing, added, changed = differences(entries[1:], [entries[0], moved, *entries[3:]])
    assert missing == f"1 photos of the manifest are missing, for example {entries[1].sha256}"
    assert added == f"1 photos are not in the manifest, for example {entries[0].sha256}"
    assert changed.startswith("1 photos stand in another part")
    assert changed.endswith(moved.sha256)


def test_a_lost_duplicate_is_noticed(tmp_path: Path) -> None:
    """The same file twice has one SHA-256 but two entries."""
    folder = write_data_set(tmp_path / "faces", [20, 30])
    photos = read_photos(folder)
    twice = split([*photos, photos[0]]).entries
    assert "stand in another" in differences(twice, split(photos).entries)[0]


def test_photos_learnt_from_are_found_also_when_encoded_anew(data_set: Path) -> None:
    """Those of validation, and new ones, were not learnt from."""
    photos = read_photos(data_set)
    result = split(photos)
    learnt = {photo.path.name for photo in (*result.train, *result.tune)}
    fresh = data_set / "fresh"
    fresh.mkdir()
    for photo in photos:
        with Image.open(photo.path) as image:
            image.resize((100, 100)).save(fresh / photo.path.name, quality=60)
    made_up_photo(1000).save(fresh / "new.jpg")
    paths = sorted(fresh.iterdir())
    seen = learnt_from(result.entries, fingerprint_all(paths))
    assert {path.name for path, known in zip(paths, seen, strict=True) if known} == learnt
    assert not learnt_from([], fingerprint_all(paths)).any()


@pytest.mark.parametrize(
    ("row", "complaint"),
    [
        ("abc,{p},train,abc", "sha256 is not 64 hex digits"),
        ("{p},xyz,train,abc", "perceptual is not 64 hex digits"),
        ("{p},{p},,abc", "place and group must not be empty"),
        ("{p},{p},train", "3 columns instead of 4"),
    ],
)
def test_a_bad_row_is_named_with_its_line(tmp_path: Path, row: str, complaint: str) -> None:
    """The first row is good, so the bad one stands on line 3."""
    path = tmp_path / "manifest.csv"
    good = "{p},{p},train,abc"
    path.write_text(f"sha256,perceptual,place,group\n{good}\n{row}\n".replace("{p}", "a" * 64))
    with pytest.raises(LabelError, match=r"manifest\.csv, line 3: ") as caught:
        read_manifest(path)
    assert complaint in str(caught.value)


def test_a_file_that_is_no_manifest_is_named(data_set: Path) -> None:
    """For example the labels."""
    with pytest.raises(LabelError, match="line 1: expected the columns sha256,perceptual"):
        read_manifest(data_set / "labels.csv")
    with pytest.raises(LabelError, match="cannot be read"):
        read_manifest(data_set / "nowhere.csv")
