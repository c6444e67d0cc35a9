"""Photos that were measured, and what the model says about them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from agelane_trainer.data.groups import Groups

Mask = npt.NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Sample:
    """N measured photos."""

    ages: npt.NDArray[np.int64]
    """True ages [N]."""
    probabilities: npt.NDArray[np.float64]
    """Calibrated P(age = a) [N, 101]."""
    estimates: npt.NDArray[np.float64]
    """Estimated ages [N] (years), as served: the medians."""
    good_face: Mask
    """Whether the face passes the gates [N]; without that nobody is waved through."""
    groups: Groups
    """Labelled groups."""

    def only(self, keep: Mask) -> Sample:
        """Return the photos that are marked in ``keep`` [N]."""
        return Sample(
            self.ages[keep],
            self.probabilities[keep],
            self.estimates[keep],
            self.good_face[keep],
            {name: members[keep] for name, members in self.groups.items()},
        )
