"""The measured people that a report is about."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from agelane_trainer.certificate.certificate import under_age_probability
from agelane_trainer.data.groups import Groups
from agelane_trainer.evaluation import metrics

LEGAL_AGE = 18
"""The legal age that the report looks at closely (years)."""

Years = npt.NDArray[np.float64]
Mask = npt.NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class People:
    """Photos that nothing was learnt from, and what the model says about them."""

    ages: npt.NDArray[np.int64]
    """Labelled ages [N], 0 to 100."""
    probabilities: Years
    """Calibrated P(age = a) [N, 101]."""
    estimates: Years
    """Estimated ages [N] (years), as served."""
    groups: Groups
    """Labelled groups, such as ``sex female``."""
    photos: Sequence[Path]
    """Where the photos are, [N]."""

    @property
    def errors(self) -> Years:
        """Estimate minus label [N] (years)."""
        return self.estimates - self.ages

    @property
    def under_age(self) -> Years:
        """P(age < LEGAL_AGE) [N]."""
        return np.asarray(under_age_probability(self.probabilities, LEGAL_AGE))

    @property
    def minors(self) -> Mask:
        """Which of them are labelled under age [N]."""
        return self.ages < LEGAL_AGE

    def bands(self) -> dict[str, Mask]:
        """Return everybody, and each age band that has anybody."""
        bands = {
            name.replace("_", " "): inside for name, inside in metrics.bands(self.ages).items()
        }
        return {"everybody": np.ones(len(self.ages), bool), **bands}

    def hardest_minors(self, number: int) -> list[int]:
        """Return the rows of the minors with the least P(under age), the lowest first."""
        order = np.argsort(np.where(self.minors, self.under_age, np.inf), kind="stable")
        return [int(row) for row in order[: min(number, int(self.minors.sum()))]]
