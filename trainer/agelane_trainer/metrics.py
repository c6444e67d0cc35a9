"""How good an age estimate is, in numbers."""

from __future__ import annotations

from dataclasses import asdict, dataclass

import numpy as np
import numpy.typing as npt

Ages = npt.NDArray[np.integer]
Years = npt.NDArray[np.floating]

BANDS: dict[str, tuple[int, int]] = {
    "0_to_18": (0, 18),
    "18_to_25": (18, 25),
    "14_to_20": (14, 20),
    "26_to_40": (26, 40),
    "41_to_60": (41, 60),
    "61_and_over": (61, 200),
}
"""Age bands that errors are reported for: name to youngest and oldest age, both included."""


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


def errors_per_band(true_ages: Ages, estimates: Years) -> dict[str, dict[str, float]]:
    """Return ``age_errors`` of each band that has photos."""
    result = {}
    for name, (youngest, oldest) in BANDS.items():
        inside = (true_ages >= youngest) & (true_ages <= oldest)
        if inside.any():
            result[name] = asdict(age_errors(true_ages[inside], estimates[inside]))
    return result


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
