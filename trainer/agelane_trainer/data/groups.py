"""Groups of people by the labels of their photos: they report errors and decide certificates."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from agelane_trainer.data.dataset import Photo

Groups = dict[str, npt.NDArray[np.bool_]]
"""Name of each group to which photos belong to it, [N]."""


def labelled_groups(photos: Sequence[Photo]) -> Groups:
    """Return a group for each sex and each ethnicity that occurs; the unlabelled are in none."""
    labels = {
        "sex": np.array([photo.sex for photo in photos]),
        "ethnicity": np.array([photo.ethnicity for photo in photos]),
    }
    return {
        f"{kind} {value}": column == value
        for kind, column in labels.items()
        for value in sorted(set(column.tolist()) - {""})
    }
