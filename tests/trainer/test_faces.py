"""What the model says about people, handed over to the simulated shops."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from agelane_trainer.evaluation.confusion import confusion_entry
from agelane_trainer.evaluation.faces import write_faces
from agelane_trainer.evaluation.sample import Sample
from loadtest.simulate.faces import read_faces
from tests.trainer.conftest import ROOT

CARD = json.loads((ROOT / "trainer" / "weights" / "model_card.json").read_text())


def people(count: int) -> Sample:
    """Return people, each of whom the model takes for a few years too old or young."""
    random = np.random.default_rng(1)
    ages = random.integers(0, 90, count)
    centres = ages + random.normal(0, 4, count)
    widths = random.uniform(4, 9, (count, 1))
    weights = np.exp(-0.5 * ((np.arange(101) - centres[:, None]) / widths) ** 2)
    weights[:, 100] = 0  # what is impossible stays so
    probabilities = weights / weights.sum(axis=1, keepdims=True)
    return Sample(ages, probabilities, centres, random.random(count) < 0.9, {})


def test_half_of_the_people_come_to_the_shop_as_they_were_seen(tmp_path: Path) -> None:
    """By rising age, to a few per cent of each probability, under the card of the other half."""
    sample = people(1000)
    write_faces(tmp_path / "faces.npz", sample, CARD)
    faces = read_faces(tmp_path / "faces.npz")
    assert len(faces.ages) == 500
    assert (np.diff(faces.ages) >= 0).all()
    apart = np.abs(faces.probabilities[:, None] - sample.probabilities).max(axis=2)
    chosen = np.where(faces.ages[:, None] == sample.ages, apart, np.inf).argmin(axis=1)
    assert faces.probabilities == pytest.approx(sample.probabilities[chosen], rel=0.1, abs=1e-6)
    assert (faces.probabilities[:, 100] == 0).all()
    assert faces.good.mean() == pytest.approx(0.9, abs=0.05)
    card = json.loads(faces.card)
    assert card["certificates"] == CARD["certificates"]
    # Not of all, and so not of those who come.
    assert card["confusion"] != confusion_entry(sample)["confusion"]
    assert sum(card["confusion"]["sizes"]) == pytest.approx(500, rel=0.1)


def test_too_few_people_make_no_shop(tmp_path: Path) -> None:
    """Nothing is written."""
    with pytest.raises(ValueError, match="too few photos"):
        write_faces(tmp_path / "faces.npz", people(50), CARD)
    assert not (tmp_path / "faces.npz").exists()
