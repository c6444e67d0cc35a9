"""A folder of unseen photos certifies a model, or says what is missing."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
from PIL import Image

from agelane_trainer.certificate.certificate import Terms
from agelane_trainer.certificate.certify_folder import (
    LEARNT,
    SAME_PERSON,
    Exclusions,
    FolderVerdict,
    certify_folder,
)
from agelane_trainer.certificate.folder_in_words import in_words
from agelane_trainer.data.audit import Finding
from agelane_trainer.data.dataset import LabelError, Photo, read_photos
from agelane_trainer.data.groups import labelled_groups
from agelane_trainer.data.split import COPY, split
from agelane_trainer.evaluation.sample import Sample
from tests.trainer.conftest import write_data_set

LENIENT = Terms(max_false_clear_rate=0.2, max_near_age_rate=0.3, confidence=0.9)
"""At 90 % confidence 20 % takes 11 photos without an error, and 30 % takes 7."""
AGES = [*[5] * 12, *[15] * 8, *[40] * 10]


def sees_the_label(photos: Sequence[Photo]) -> Sample:
    """Stand in for a good model: nine tenths on the labelled age, the rest spread evenly."""
    return seeing(photos, [photo.age for photo in photos])


def seeing(photos: Sequence[Photo], seen: Sequence[int], good_face: npt.ArrayLike = True) -> Sample:
    """Return what a model says that sees these ages [N], for certain but for a tenth."""
    ages, estimates = (np.array(column) for column in ([p.age for p in photos], seen))
    probabilities = np.full((len(photos), 101), 0.1 / 101)
    probabilities[np.arange(len(photos)), estimates] += 0.9
    good = np.broadcast_to(np.asarray(good_face, bool), ages.shape)
    return Sample(ages, probabilities, estimates.astype(float), good, labelled_groups(photos))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Thirty photos: 12 children, 8 teenagers, 10 adults."""
    return write_data_set(tmp_path / "faces", AGES)


def reasons(result: FolderVerdict) -> dict[str, str]:
    """Return file names of photos left out, with why."""
    return {photo.path.name: reason for photo, reason in result.left_out}


def test_a_good_model_is_certified_on_the_whole_folder(folder: Path) -> None:
    """Not only on the share that a split would keep for validation."""
    result = certify_folder(sees_the_label, read_photos(folder), terms=LENIENT, legal_ages=[18])
    (raw,) = result.judged
    assert (raw.labels, len(raw.ages), result.left_out) == ("raw", 30, ())
    certificate = raw.verdicts[18].certificate
    assert certificate is not None
    assert (certificate.minors, certificate.false_clears) == (20, 0)
    assert raw.id_check_rates == {18: 0.0}
    text = in_words(result)
    assert " 18  CERTIFIED      0 of 20 " in text
    assert "14 to 17: promise kept" in text
    assert "Why not" not in text
    assert "Photos still to collect" not in text


def test_adults_whose_face_is_not_good_enough_are_counted_as_asked(folder: Path) -> None:
    """The certificate is made on all photos; the gates only ask more people for a document."""

    def sees_half_of_the_faces(photos: Sequence[Photo]) -> Sample:
        return seeing(photos, [p.age for p in photos], np.arange(len(photos)) % 2 == 0)

    photos = read_photos(folder)
    (raw,) = certify_folder(sees_half_of_the_faces, photos, terms=LENIENT, legal_ages=[18]).judged
    certificate = raw.verdicts[18].certificate
    assert certificate is not None
    assert certificate.minors == 20
    assert raw.id_check_rates == {18: 0.5}


def test_each_legal_age_from_16_to_21_gets_its_own_verdict(folder: Path) -> None:
    """The photos needn't be measured again."""
    (raw,) = certify_folder(sees_the_label, read_photos(folder), terms=LENIENT).judged
    assert [age for age, verdict in raw.verdicts.items() if verdict.certificate] == [
        16,
        17,
        18,
        19,
        20,
        21,
    ]


def test_photos_that_the_model_was_made_from_do_not_count(folder: Path) -> None:
    """Neither as they were nor encoded anew."""
    photos = read_photos(folder)
    made_from = split(photos)
    for photo in photos:
        with Image.open(photo.path) as image:
            image.save(photo.path, quality=60)
    result = certify_folder(
        sees_the_label, photos, Exclusions(made_from.entries), LENIENT, legal_ages=[18]
    )
    learnt = {photo.path.name for photo in (*made_from.train, *made_from.tune)}
    assert reasons(result) == dict.fromkeys(learnt, LEARNT)
    assert len(result.judged[0].ages) == len(made_from.validation) > 0


def test_a_folder_of_nothing_but_training_photos_is_refused(folder: Path) -> None:
    """There is nothing left to show anything."""
    photos = list(split(read_photos(folder)).train)
    with pytest.raises(LabelError, match=f"none of {len(photos)} photos may count.*{LEARNT}"):
        certify_folder(sees_the_label, photos, Exclusions(split(photos).entries))


def test_copies_and_further_photos_of_a_person_count_once(folder: Path) -> None:
    """Each of them would count as evidence that it is not."""
    photos = read_photos(folder)
    photos[0:3] = [Photo(photo.path, photo.age, person="Ann") for photo in photos[0:3]]
    copy = folder / "final_files" / "copy.jpg"
    copy.write_bytes(photos[5].path.read_bytes())
    result = certify_folder(sees_the_label, [*photos, Photo(copy, 5)], terms=LENIENT)
    assert sorted(reasons(result).values()) == [SAME_PERSON, SAME_PERSON, COPY]
    again = certify_folder(sees_the_label, [Photo(copy, 5), *photos[::-1]], terms=LENIENT)
    assert {n for n, why in reasons(again).items() if why == SAME_PERSON} == {
        n for n, why in reasons(result).items() if why == SAME_PERSON
    }


def test_raw_and_audited_verdicts_stand_side_by_side(folder: Path) -> None:
    """Grown-ups labelled as children, whom no model could tell from adults."""
    photos = read_photos(folder)
    spoilt = [hashlib.sha256(photo.path.read_bytes()).hexdigest() for photo in photos[:3]]
    findings = {content: Finding(content, "R1", "a grown-up") for content in spoilt}

    def sees_the_face(photos: Sequence[Photo]) -> Sample:
        seen = [40 if p.path.name <= "000002.jpg" else p.age for p in photos]
        return replace(seeing(photos, seen), probabilities=np.eye(101)[seen])

    result = certify_folder(
        sees_the_face, photos, Exclusions(findings=findings), LENIENT, legal_ages=[18]
    )
    raw, audited = result.judged
    assert raw.verdicts[18].certificate is None
    assert audited.verdicts[18].certificate is not None
    assert (len(raw.ages), len(audited.ages), len(result.struck)) == (30, 27, 3)
    text = in_words(result)
    assert "The label audit strikes out 3 that count: 3 by rule R1." in text
    assert text.index("NOT CERTIFIED") < text.index("With audited labels, 27 photos")


def test_too_few_photos_say_how_many_more_of_which_ages_are_needed(folder: Path) -> None:
    """At the usual terms 299 under age are needed, and 149 just below it."""
    result = certify_folder(sees_the_label, read_photos(folder), legal_ages=[18])
    text = in_words(result)
    assert " 18  NOT CERTIFIED  nobody                100% " in text
    assert "legal age 18: 279 more under 18, among them 141 more of 14 to 17" in text
    assert "legal age 18: 20 photos of people under 18 can't certify" in text
    assert max(map(len, text.split("Why not:")[0].splitlines())) <= 100


def test_a_certificate_without_teenagers_says_that_nothing_is_shown_for_them(
    tmp_path: Path,
) -> None:
    """An operator must not take it for more than it is."""
    photos = read_photos(write_data_set(tmp_path / "faces", [*[5] * 12, *[40] * 5]))
    text = in_words(certify_folder(sees_the_label, photos, terms=LENIENT, legal_ages=[18]))
    assert " 18  CERTIFIED      0 of 12 " in text
    assert "14 to 17: nothing promised" in text
    assert "legal age 18: 7 more of 14 to 17" in text


def test_an_empty_folder_is_refused() -> None:
    """Rather than certified by default."""
    with pytest.raises(LabelError, match="none of 0 photos may count"):
        certify_folder(sees_the_label, [])
