"""How good an age estimate is, in numbers."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Ages = npt.NDArray[np.integer]
Years = npt.NDArray[np.floating]

BANDS: dict[str, tuple[int, int]] = {
    "0_to_18": (0, 18),
    "18_to_25": (18, 25),
    "14_to_17": (14, 17),
    "14_to_20": (14, 20),
    "26_to_40": (26, 40),
    "41_to_60": (41, 60),
    "61_and_over": (61, 200),
}
"""Age bands that errors are reported for: name to youngest and oldest age, both included."""
COVERAGE_LEVELS = (0.5, 0.8, 0.9)
"""Central intervals whose coverage is reported."""
RELIABILITY_BINS = 10
"""Bins of equal width that predicted probabilities are sorted into."""


@dataclass(frozen=True, slots=True)
class AgeErrors:
    """Errors of estimated ages over some photos."""

    photos: int
    """How many."""
    mae_years: float
    """Mean absolute error."""
    bias_years: float
    """Mean of estimate minus truth: above 0 guesses too old."""
    within_5_years: float
    """Share of photos that err by at most five years (CS@5)."""


def age_errors(true_ages: Ages, estimates: Years) -> AgeErrors:
    """Compare estimates [N] with true ages [N], both in years; N must not be 0."""
    difference = np.asarray(estimates, np.float64) - true_ages
    absolute = np.abs(difference)
    return AgeErrors(
        photos=len(true_ages),
        mae_years=round(float(absolute.mean()), 3),
        bias_years=round(float(difference.mean()), 3),
        within_5_years=round(float((absolute <= 5).mean()), 4),
    )


def coverages(true_ages: Ages, probabilities: Years) -> dict[str, float]:
    """Return the share of people within each central interval, keyed ``coverage_90``.

    Args:
        true_ages: completed years [N], N > 0.
        probabilities: P(age = a) [N, 101].
    """
    return {
        f"coverage_{level * 100:.0f}": coverage(true_ages, probabilities, level)
        for level in COVERAGE_LEVELS
    }


def bands(true_ages: Ages) -> dict[str, npt.NDArray[np.bool_]]:
    """Return which photos [N] lie in each band that has any."""
    inside = {name: (true_ages >= low) & (true_ages <= high) for name, (low, high) in BANDS.items()}
    return {name: members for name, members in inside.items() if members.any()}


def mean_interval(values: Years, level: float = 0.95) -> tuple[float, float]:
    """Return the percentile bootstrap interval of the mean of values [N]; always the same draws."""
    random = np.random.default_rng(0)
    means = [random.choice(values, len(values)).mean() for _ in range(2000)]
    low, high = np.quantile(means, [(1 - level) / 2, (1 + level) / 2])
    return round(float(low), 3), round(float(high), 3)


def negative_log_likelihood(true_ages: Ages, probabilities: Years) -> float:
    """Return the mean of -ln P(true age) (nats) over P(age = a) [N, 101]."""
    likelihood = probabilities[np.arange(len(true_ages)), true_ages]
    return round(float(-np.log(np.maximum(likelihood, 1e-12)).mean()), 4)


def crps_years(true_ages: Ages, probabilities: Years) -> float:
    """Return the mean continuous ranked probability score: the MAE of a forecast with a spread."""
    reached = np.arange(probabilities.shape[1]) >= true_ages[:, None]
    return round(float(((np.cumsum(probabilities, axis=1) - reached) ** 2).sum(axis=1).mean()), 3)


def reliability(predicted: Years, happened: npt.NDArray[np.bool_]) -> list[dict[str, float]]:
    """Compare probabilities [N] with what happened [N], bin by bin; empty bins are left out."""
    bins = np.minimum((predicted * RELIABILITY_BINS).astype(int), RELIABILITY_BINS - 1)
    return [
        {
            "photos": int((bins == number).sum()),
            "predicted": round(float(predicted[bins == number].mean()), 4),
            "observed": round(float(happened[bins == number].mean()), 4),
        }
        for number in np.unique(bins)
    ]


def calibration_error(table: list[dict[str, float]]) -> float:
    """Return the expected calibration error (ECE) of a ``reliability`` table, 0 to 1."""
    photos = sum(row["photos"] for row in table)
    off = sum(row["photos"] * abs(row["predicted"] - row["observed"]) for row in table)
    return round(off / photos, 4)


def coverage(true_ages: Ages, probabilities: Years, level: float) -> float:
    """Return the share of people whose age lies in the central interval of ``level``.

    Args:
        true_ages: completed years [N].
        probabilities: P(age = a) [N, 101], each spread evenly over a - 0.5 to a + 0.5.
        level: in (0, 1).
    """
    rows = np.arange(len(true_ages))
    below = np.cumsum(probabilities, axis=1)[rows, true_ages] - probabilities[rows, true_ages] / 2
    return round(float((np.abs(below - 0.5) <= level / 2).mean()), 4)


def median_error(true_ages: Ages) -> float:
    """Return the mean absolute error (years) of always guessing the median age."""
    return round(float(np.abs(true_ages - np.median(true_ages)).mean()), 3)
