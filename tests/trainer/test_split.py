"""No copy of a photo may stand on both sides of the split."""

from __future__ import annotations

from pathlib import Path

import pytest
from PIL import ExifTags, Image

from agelane_trainer.data.dataset import LabelError, Photo, read_photos
from agelane_trainer.data.split import Split, bucket_part, split
from tests.trainer.conftest import made_up_photo, write_data_set


def names(photos: tuple[Photo, ...]) -> set[str]:
    """Return the file names."""
    return {photo.path.name for photo in photos}


def parts(result: Split) -> list[set[str]]:
    """Return the names of tune, validation and train."""
    return [names(result.tune), names(result.validation), names(result.train)]


def test_every_photo_is_in_exactly_one_place(data_set: Path) -> None:
    """Forty photos, no copies."""
    photos = read_photos(data_set)
    result = split(photos)
    assert sum(len(part) for part in parts(result)) == len(photos)
    assert set.union(*parts(result)) == {photo.path.name for photo in photos}
    assert not result.left_out


def test_the_split_does_not_depend_on_the_order_of_the_labels(data_set: Path) -> None:
    """It follows from the contents alone, also which of several copies is kept."""
    photos = read_photos(data_set)
    for photo in photos[:5]:
        copy = photo.path.with_name(f"copy_{photo.path.name}")
        with Image.open(photo.path) as image:
            image.save(copy, quality=70)
        photos.append(Photo(copy, photo.age + 1))
    forwards, backwards = split(photos), split(photos[::-1])
    assert parts(forwards) == parts(backwards)
    assert forwards.data_sha256 == backwards.data_sha256


def test_a_changed_label_changes_the_fingerprint_of_the_data(data_set: Path) -> None:
    """So that a model card can't be shown for other labels."""
    before = split(read_photos(data_set)).data_sha256
    labels = data_set / "labels.csv"
    labels.write_text(labels.read_text().replace("000000.jpg,1\n", "000000.jpg,2\n"))
    assert split(read_photos(data_set)).data_sha256 != before


def test_copies_encoded_anew_go_to_one_side_and_count_once(tmp_path: Path) -> None:
    """Thirty photos, each four times in different qualities and sizes."""
    folder = write_data_set(tmp_path / "faces", [])
    photos = []
    for seed in range(30):
        for copy, (quality, size) in enumerate([(95, 64), (60, 64), (90, 128), (80, 256)]):
            path = folder / "final_files" / f"{seed}_{copy}.jpg"
            made_up_photo(seed, 256).resize((size, size)).save(path, quality=quality)
            photos.append(Photo(path, 20))
    result = split(photos)
    kept = [name.split("_")[0] for part in parts(result) for name in part]
    assert len(kept) == len(set(kept)), "two copies of one photo were kept"
    assert {reason for _, reason in result.left_out} == {"copy of another photo"}


def test_copies_with_conflicting_ages_are_left_out(tmp_path: Path) -> None:
    """Nobody can say which label is right."""
    folder = write_data_set(tmp_path / "faces", [20, 30])
    first = folder / "final_files" / "000000.jpg"
    copy = folder / "final_files" / "copy.jpg"
    copy.write_bytes(first.read_bytes())
    result = split([*read_photos(folder), Photo(copy, 45)])
    assert {photo.path.name for photo, _ in result.left_out} == {"000000.jpg", "copy.jpg"}


def test_the_parts_have_their_shares() -> None:
    """9, 9 and 82 of a hundred buckets."""
    found = [bucket_part(f"{bucket:08x}" + "0" * 56) for bucket in range(100)]
    assert [found.count(part) for part in ("tune", "validation", "train")] == [9, 9, 82]


def test_a_photo_that_lies_on_its_side_is_refused(data_set: Path) -> None:
    """The gateway turns photos upright, so the network has to learn from upright ones."""
    path = data_set / "final_files" / "000007.jpg"
    exif = Image.Exif()
    exif[ExifTags.Base.Orientation] = 6
    made_up_photo(7).save(path, exif=exif)
    with pytest.raises(LabelError, match=r"000007\.jpg: is turned by its EXIF orientation"):
        split(read_photos(data_set))


def test_a_file_that_is_no_picture_is_named(data_set: Path) -> None:
    """Before any training begins."""
    (data_set / "final_files" / "000007.jpg").write_bytes(b"not a picture")
    with pytest.raises(LabelError, match=r"000007\.jpg: not a readable image"):
        split(read_photos(data_set))
