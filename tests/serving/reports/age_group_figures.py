"""How well the age-group report does in a simulated shop: figures to reports/age_groups.json.

python -m tests.serving.reports.age_group_figures
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from agelane_serving.reports.age_groups.correction import correct_lifts, correct_mix
from agelane_serving.reports.estimate import NORMAL_95, Floats
from tests.serving.reports.simulated_shop import (
    CUSTOMERS,
    calibrated,
    shop,
    tastes_by_age,
    tastes_of_everybody,
)

Flags: TypeAlias = NDArray[np.bool_]
REPORT = Path("reports/age_groups.json")
SEEDS = (1, 2, 3)
BASKETS = 60_000
PHOTOS = 2_011
"""As many as the shipped model was measured on."""
_CATEGORIES = 20  # of either kind
_MANY = range(20)


def figures(
    photos: int = PHOTOS, seeds: Sequence[int] = SEEDS, kind: str = "any"
) -> dict[str, float]:
    """Return the worst errors and the means over some shops of a kind."""
    runs = [_run(photos, kind, np.random.default_rng(seed)) for seed in seeds]
    worst = {name: max(run[name] for run in runs) for name in runs[0] if name.endswith("_pp")}
    mean = {name: float(np.mean([run[name] for run in runs])) for name in runs[0]}
    typical = {f"{name}_mean": mean[name] for name in worst}
    return {**mean, **worst, **typical}


def _run(photos: int, kind: str, random: np.random.Generator) -> dict[str, float]:
    confusion = calibrated(photos, random)
    tastes, plain = tastes_by_age(_CATEGORIES, random), tastes_of_everybody(_CATEGORIES, random)
    sold = shop(BASKETS, tastes | plain, random, kind)
    everything = sold.tally.everything
    mix = correct_mix(everything, confusion)
    lifts = {
        name: correct_lifts(bought, everything, mix, confusion)
        for name, bought in sold.tally.categories.items()
    }
    errors = {name: lift.values - sold.lifts[name] for name, lift in lifts.items()}
    naive = {
        name: bought.mean / everything.mean - sold.lifts[name]
        for name, bought in sold.tally.categories.items()
    }
    held = {name: np.abs(errors[name]) < NORMAL_95 * lift.errors for name, lift in lifts.items()}
    return {
        "age_mix_error_pp": 100 * float(np.abs(mix.groups - sold.mix).max()),
        "age_mix_error_naive_pp": 100 * float(np.abs(everything.mean - sold.mix).max()),
        "age_mix_error_rms": 100 * _root_mean_square([mix.groups - sold.mix]),
        "age_mix_error_naive_rms": 100 * _root_mean_square([everything.mean - sold.mix]),
        "age_mix_interval_coverage": _share(
            [np.abs(mix.groups - sold.mix) < NORMAL_95 * mix.group_errors]
        ),
        "lift_error_rms": _root_mean_square([errors[name] for name in tastes]),
        "lift_error_naive_rms": _root_mean_square([naive[name] for name in tastes]),
        "lift_interval_coverage": _share([held[name] for name in tastes]),
        "invented_taste_share": 1 - _share([held[name] for name in plain]),
    }


def _share(flags: list[Flags]) -> float:
    return float(np.mean(flags))


def _root_mean_square(errors: list[Floats]) -> float:
    return float(np.sqrt(np.mean(np.square(errors))))


def main() -> None:
    """Measure, print and write."""
    told = figures()
    for kind in CUSTOMERS:
        told |= _named(f"{kind}_shops", figures(PHOTOS, _MANY, kind))
    for photos in (1_000, 6_000, 19_000):
        told |= _named(f"any_shops_{photos}_photos", figures(photos, _MANY))
    REPORT.parent.mkdir(exist_ok=True)
    REPORT.write_text(json.dumps(told, indent=2) + "\n")
    for name, value in told.items():
        print(f"{name:60} {value:8.3f}")


def _named(what: str, told: dict[str, float]) -> dict[str, float]:
    return {f"{name}_20_{what.replace(' ', '_')}": value for name, value in told.items()}


if __name__ == "__main__":
    main()
