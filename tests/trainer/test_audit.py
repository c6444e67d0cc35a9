"""The label audit strikes out what it names, by content, and nothing else."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest

from agelane_trainer.data.audit import Finding, audit, read_audit
from agelane_trainer.data.dataset import LabelError, read_photos

REPOSITORY = Path(__file__).parents[2]
HEADER = "sha256,rule,reason"


def audit_file(folder: Path, *rows: str, header: str = HEADER) -> Path:
    """Write an audit file."""
    path = folder / "label_audit.csv"
    path.write_text("\n".join([header, *rows]) + "\n")
    return path


def test_struck_out_photos_are_told_from_the_others_in_their_order(data_set: Path) -> None:
    """The mask fits predictions that were made for all of them."""
    photos = read_photos(data_set)
    content = hashlib.sha256(photos[3].path.read_bytes()).hexdigest()
    path = audit_file(data_set, f'{content},R1,"a grown-up, bearded"', f"{'0' * 64},R4,a doll")
    result = audit(photos, read_audit(path))
    finding = Finding(content, "R1", "a grown-up, bearded")
    assert result.struck == ((photos[3], finding),)
    assert result.kept == (*photos[:3], *photos[4:])
    assert result.keep.tolist() == [number != 3 for number in range(40)]


def test_a_renamed_photo_is_still_found(data_set: Path) -> None:
    """Findings go by content, since file names tell ages."""
    photo = read_photos(data_set)[0]
    content = hashlib.sha256(photo.path.read_bytes()).hexdigest()
    (data_set / "labels.csv").write_text("file_name,real_age\nother.jpg,1\n")
    photo.path.rename(photo.path.with_name("other.jpg"))
    findings = {content: Finding(content, "R4", "a doll")}
    assert not audit(read_photos(data_set), findings).kept


def test_without_findings_every_photo_is_kept(data_set: Path) -> None:
    """Raw and audited are then the same."""
    result = audit(read_photos(data_set), {})
    assert len(result.kept) == 40
    assert not result.struck
    assert result.keep.all()


@pytest.mark.parametrize(
    ("row", "complaint"),
    [
        ("abc,R1,too old", "sha256 'abc' is not 64 hex digits"),
        (f"{'A' * 64},R1,too old", "is not 64 hex digits"),
        (f"{'b' * 64},R9,too old", "rule 'R9' is none of R1"),
        (f"{'b' * 64},R1, ", "no reason is given"),
        (f"{'b' * 64},R1", "2 columns instead of 3"),
        (f"{'a' * 64},R1,again", "is listed twice"),
    ],
)
def test_a_bad_row_is_named_with_its_line(tmp_path: Path, row: str, complaint: str) -> None:
    """The first row is good, so the bad one stands on line 3."""
    path = audit_file(tmp_path, f"{'a' * 64},R4,a doll", row)
    with pytest.raises(LabelError, match=r"label_audit\.csv, line 3: ") as caught:
        read_audit(path)
    assert complaint in str(caught.value)


def test_a_file_without_its_columns_or_no_file_is_named(tmp_path: Path) -> None:
    """The usual slip: some other CSV."""
    with pytest.raises(LabelError, match="line 1: expected the columns sha256,rule,reason"):
        read_audit(audit_file(tmp_path, header="file_name,real_age"))
    with pytest.raises(LabelError, match="cannot be read"):
        read_audit(tmp_path / "nowhere.csv")


def test_the_committed_audit_is_sound_and_the_docs_count_it_right() -> None:
    """Its page says how many photos each rule struck out."""
    findings = read_audit(REPOSITORY / "trainer" / "label_audit.csv")
    rules = [finding.rule for finding in findings.values()]
    assert {rule: rules.count(rule) for rule in rules} == {"R1": 2, "R2": 1, "R4": 4}
    page = (REPOSITORY / "docs" / "label-audit.md").read_text()
    assert all(text in page for text in ("4: R1 1, R2 1, R4 2", "2: R4 2", "1: R1 1"))
