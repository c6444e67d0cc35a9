"""Reading the label file: good rows come back, bad ones are named with their line."""

from __future__ import annotations

from pathlib import Path

import pytest

from agelane_trainer.data.dataset import LabelError, read_photos


def write_rows(folder: Path, *rows: str, header: str = "file_name,real_age") -> Path:
    """Write a label file whose photos a.jpg and b.jpg exist."""
    (folder / "final_files").mkdir()
    for name in ("a.jpg", "b.jpg"):
        (folder / "final_files" / name).write_bytes(b"photo")
    (folder / "labels.csv").write_text("\n".join([header, *rows]) + "\n")
    return folder


def test_photos_come_back_in_order_with_their_ages(tmp_path: Path) -> None:
    """The plain case, with the optional columns."""
    header = "file_name,real_age,sex,ethnicity"
    folder = write_rows(tmp_path, "b.jpg,31,female,", "a.jpg,4,,asian", header=header)
    photos = read_photos(folder)
    assert [(p.path.name, p.age, p.sex, p.ethnicity) for p in photos] == [
        ("b.jpg", 31, "female", ""),
        ("a.jpg", 4, "", "asian"),
    ]


def test_people_over_a_hundred_count_as_a_hundred(tmp_path: Path) -> None:
    """The distribution ends at 100."""
    assert read_photos(write_rows(tmp_path, "a.jpg,116"))[0].age == 100


@pytest.mark.parametrize(
    ("row", "complaint"),
    [
        ("b.jpg,abc", "'abc' is not a number"),
        ("b.jpg,nan", "outside 0 to 122"),
        ("b.jpg,-1", "outside 0 to 122"),
        ("b.jpg,150", "outside 0 to 122"),
        ("b.jpg", "None is not a number"),
        ("c.jpg,20", "c.jpg is missing"),
        ("a.jpg,20", "a.jpg is listed twice"),
        ("../labels.csv,20", "not a plain file name"),
        (",20", "not a plain file name"),
    ],
)
def test_a_bad_row_is_named_with_its_line(tmp_path: Path, row: str, complaint: str) -> None:
    """The first row is good, so the bad one stands on line 3."""
    folder = write_rows(tmp_path, "a.jpg,20", row)
    with pytest.raises(LabelError, match=r"labels\.csv, line 3: ") as caught:
        read_photos(folder)
    assert complaint in str(caught.value)


def test_several_bad_rows_are_listed_together(tmp_path: Path) -> None:
    """Nobody wants to mend a label file one run at a time."""
    with pytest.raises(LabelError) as caught:
        read_photos(write_rows(tmp_path, *[f"x{n}.jpg,20" for n in range(12)]))
    assert str(caught.value).count("is missing") == 10
    assert "and 2 more" in str(caught.value)


@pytest.mark.parametrize("header", ["name,age", "", "file_name"])
def test_a_missing_column_is_named(tmp_path: Path, header: str) -> None:
    """Line 1 is the header."""
    with pytest.raises(LabelError, match=r"line 1: missing column .*real_age"):
        read_photos(write_rows(tmp_path, "a.jpg,20", header=header))


def test_a_file_that_is_no_text_is_refused(tmp_path: Path) -> None:
    """For example a spreadsheet that was renamed."""
    write_rows(tmp_path)
    (tmp_path / "labels.csv").write_bytes(b"PK\x03\x04\xff\xfe\x00")
    with pytest.raises(LabelError, match=r"labels\.csv"):
        read_photos(tmp_path)


def test_a_missing_or_empty_label_file_is_named(tmp_path: Path) -> None:
    """The usual slip: the wrong folder."""
    with pytest.raises(LabelError, match=r"labels\.csv: cannot be read"):
        read_photos(tmp_path)
    with pytest.raises(LabelError, match="no rows"):
        read_photos(write_rows(tmp_path))
