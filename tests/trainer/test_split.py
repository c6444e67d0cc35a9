"""No copy of a photo may stand on both sides of the split."""

from __future__ import annotations

import csv
import hashlib
from collections import Counter
from dataclasses import replace
from pathlib import Path

import pytest
from PIL import ExifTags, Image

from agelane_trainer.data.dataset import LabelError, Photo, read_photos
from agelane_trainer.data.official_split import official_part, official_split
from agelane_trainer.data.split import Split, bucket_part, split
from tests.trainer.conftest import made_up_photo, write_data_set

ORIGINAL = Path(__file__).parents[3] / "shared" / "data" / "appa_real_labels.csv"


def names(photos: tuple[Photo, ...]) -> set[str]:
    """Return the file names."""
    return {photo.path.name for photo in photos}


def of_person(name: str) -> str:
    """Return the part that a person with this id belongs to."""
    return bucket_part(hashlib.sha256(name.encode()).hexdigest())


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


def test_photos_of_one_person_stay_on_one_side(data_set: Path) -> None:
    """Eight people with five photos each; all are kept, since they are no copies."""
    photos = [
        replace(photo, person=f"person {number % 8}")
        for number, photo in enumerate(read_photos(data_set))
    ]
    result = split(photos)
    sides = [{photo.person for photo in part} for part in (result.tune, result.validation)]
    sides.append({photo.person for photo in result.train})
    assert sum(map(len, sides)) == len(set.union(*sides)) == 8
    assert sum(map(len, parts(result))) == 40
    assert len({entry.group for entry in result.entries}) == 8


def test_people_are_named_by_an_optional_column_of_the_labels(data_set: Path) -> None:
    """Without it, or where it is empty, nobody is named."""
    assert {photo.person for photo in read_photos(data_set)} == {""}
    (data_set / "labels.csv").write_text(
        "file_name,real_age,person\n000000.jpg,1,p7\n000001.jpg,3,\n"
    )
    assert [photo.person for photo in read_photos(data_set)] == ["p7", ""]


def test_a_person_goes_to_the_part_of_the_id_however_many_photos_there_are(data_set: Path) -> None:
    """Otherwise nearly everybody with many photos would be trained on."""
    person = next(name for name in map(str, range(99)) if of_person(name) == "validation")
    photos = [replace(photo, person=person) for photo in read_photos(data_set)]
    assert len(split(photos).validation) == len(split(photos[:3]).validation) + 37


def test_a_copy_ties_two_people_together(data_set: Path) -> None:
    """Whoever is named, the same picture must not stand on both sides."""
    photos = read_photos(data_set)
    copy = data_set / "final_files" / "copy.jpg"
    copy.write_bytes(photos[0].path.read_bytes())
    named = [replace(photos[0], person="a"), replace(photos[1], person="b")]
    entries = split([*named, Photo(copy, photos[0].age, person="b")]).entries
    assert len({entry.group for entry in entries}) == 1


def test_the_parts_have_their_shares() -> None:
    """12, 9 and 79 of a hundred buckets."""
    found = [bucket_part(f"{bucket:08x}" + "0" * 56) for bucket in range(100)]
    assert [found.count(part) for part in ("tune", "validation", "train")] == [12, 9, 79]
    assert [bucket for bucket in range(100) if found[bucket] == "validation"] == list(range(9, 18))


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


def test_the_official_split_goes_by_file_number(data_set: Path) -> None:
    """The first and the last file of each part."""
    numbers = [0, 4112, 4113, 5612, 5613, 7612]
    photos = [
        replace(photo, path=photo.path.rename(photo.path.with_name(f"{number:06}.jpeg")))
        for number, photo in zip(numbers, read_photos(data_set), strict=False)
    ]
    result = official_split(photos)
    assert [result.train, result.tune, result.validation, result.left_out] == [
        tuple(photos[0:2]),
        tuple(photos[2:4]),
        tuple(photos[4:6]),
        (),
    ]
    assert Counter(entry.place for entry in result.entries) == dict.fromkeys(
        ("train", "tune", "validation"), 2
    )


@pytest.mark.parametrize("name", ["007613.jpg", "12.jpg", "anna.jpg", "-00001.jpg"])
def test_a_file_that_is_not_of_the_original_set_has_no_official_part(name: str) -> None:
    """Its number would mean nothing."""
    with pytest.raises(LabelError, match="has only the files 000000 to 007612"):
        official_part(Path(name))


def test_the_published_labels_fall_into_the_published_parts() -> None:
    """4,113 to learn from, 1,500 to choose by, 1,978 to measure on."""
    if not ORIGINAL.exists():
        pytest.skip("the original labels are not at hand")
    with ORIGINAL.open(newline="") as file:
        found = Counter(official_part(Path(row["file_name"])) for row in csv.DictReader(file))
    assert found == {"train": 4113, "tune": 1500, "validation": 1978}
