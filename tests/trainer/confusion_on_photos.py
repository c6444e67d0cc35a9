"""How well the correction does with the shipped model's real errors: to reports/confusion.json.

python -m tests.trainer.confusion_on_photos data/faces

Half of the validation photos, drawn at random, measures the confusion; the others are customers of
shops of several kinds. So both stand for a thousand people only: a model card is made of twice as
many photos, and a real shop has more customers.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

import numpy as np

from agelane_serving.reports.age_groups import Moments, confusion_from_card
from agelane_serving.reports.age_groups.correction import correct_mix
from agelane_serving.reports.age_groups.tally import readings_of
from agelane_serving.reports.estimate import NORMAL_95
from agelane_trainer.data.dataset import read_photos
from agelane_trainer.data.split import split
from agelane_trainer.evaluation.confusion import AGE_GROUP_STARTS, confusion_entry
from agelane_trainer.evaluation.evaluate import Files
from agelane_trainer.evaluation.measured_model import measured_model
from agelane_trainer.evaluation.sample import Sample
from tests.serving.reports.simulated_shop import CUSTOMERS, GROUP, customers

WEIGHTS = Path("trainer/weights")
REPORT = Path("reports/confusion.json")
BASKETS = 60_000
SPLITS = 200


def measured(data: Path) -> Sample:
    """Return the validation photos as the shipped model sees them."""
    card = json.loads((WEIGHTS / "model_card.json").read_text())
    files = Files(WEIGHTS / "age_resnet50.npz", WEIGHTS / "face_finder.npz")
    return measured_model(files, card)(split(read_photos(data)).validation)


def figures(sample: Sample) -> dict[str, float]:
    """Return means over many splits, for each kind of shop."""
    shops: dict[str, list[tuple[float, float, float]]] = {
        kind: [] for kind in ("photos", *CUSTOMERS)
    }
    for seed in range(SPLITS):
        calibrates = np.random.default_rng(seed).permutation(len(sample.ages)) % 2 == 0
        entry = confusion_entry(sample.only(calibrates))
        if not entry:
            continue
        confusion, others = confusion_from_card(entry["confusion"]), sample.only(~calibrates)
        for kind, found in shops.items():
            seen, true = _shop(others, None if kind == "photos" else customers(kind))
            mix = correct_mix(seen, confusion)
            held = np.abs(mix.groups - true) < NORMAL_95 * mix.group_errors
            found.append(
                (_worst_pp(mix.groups - true), _worst_pp(seen.mean - true), float(held.mean()))
            )
    told: dict[str, float] = {"splits": len(shops["photos"])}
    for kind, found in shops.items():
        corrected, naive, held_share = np.transpose(found)
        told |= {
            f"{kind}_age_mix_error_pp": float(corrected.mean()),
            f"{kind}_age_mix_error_naive_pp": float(naive.mean()),
            f"{kind}_nearer_to_the_truth_share": float((corrected < naive).mean()),
            f"{kind}_interval_coverage": float(held_share.mean()),
        }
    return told


def _shop(people: Sample, density: np.ndarray | None) -> tuple[Moments, np.ndarray]:
    """Return the baskets of these people, and the true shares of their groups.

    `density` is P(age) of a customer, (101,); people of an age that is not there are taken to be of
    the nearest one. Unset: each photo counts the same.
    """
    counts = np.bincount(people.ages, minlength=101).astype(float)
    if density is not None:
        there = np.flatnonzero(counts)
        nearest = there[np.abs(np.arange(101)[:, None] - there).argmin(axis=1)]
        weight = np.bincount(nearest, density, minlength=101)[people.ages] / counts[people.ages]
    else:
        weight = np.full(len(people.ages), 1 / len(people.ages))
    shares = np.add.reduceat(people.probabilities, AGE_GROUP_STARTS, axis=1)
    readings = readings_of(np.minimum(shares, 1.0), len(AGE_GROUP_STARTS))
    total, products = weight @ readings, (readings.T * weight) @ readings
    seen = Moments(BASKETS, BASKETS * total, BASKETS * products)
    return seen, np.bincount(GROUP[people.ages], weight, minlength=len(AGE_GROUP_STARTS))


def _worst_pp(errors: np.ndarray) -> float:
    return 100 * float(np.abs(errors).max())


def main(data: Path) -> None:
    """Measure, print and write."""
    told = figures(measured(data))
    REPORT.parent.mkdir(exist_ok=True)
    REPORT.write_text(json.dumps(told, indent=2) + "\n")
    for name, value in told.items():
        print(f"{name:60} {value:8.3f}")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
