"""What makes trained weights better without further training."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from agelane_trainer.network.resnet import HEAD_NAMES, Arrays, WeightsError
from agelane_trainer.training.pipeline import age_weights
from agelane_trainer.training.recipe import Recipe

_BIAS = f"{HEAD_NAMES['distribution']}/bias"


def mix(arrays: Arrays, others: Arrays, share: float) -> Arrays:
    """Return the weights moved by ``share`` (0 to 1) towards others that they came from.

    Between a network and the one that its training started from lies one that errs less than
    either (WiSE-FT, arXiv 2109.01903).

    Raises:
        WeightsError: they are not of the same network.
    """
    if arrays.keys() != others.keys():
        raise WeightsError("the two files are not weights of the same network")
    return {
        name: (1 - share) * array.astype(np.float32) + share * others[name].astype(np.float32)
        for name, array in arrays.items()
    }


def undo_sampling(
    arrays: Arrays, ages: npt.NDArray[np.int_], recipe: Recipe, share: float
) -> Arrays:
    """Return weights that expect people as they are, not as they were drawn in training.

    Ages that were drawn oftener seem more probable to the network than they are: the logarithm of
    how much oftener is taken off their logits (logit adjustment, arXiv 2007.07314).

    Args:
        arrays: weights of the ``distribution`` head.
        ages: of the photos that were trained on [N].
        recipe: how they were drawn.
        share: how much of it to undo, 0 to 1.
    """
    surplus = np.log(age_weights(ages, recipe))
    return {**arrays, _BIAS: (arrays[_BIAS] - share * surplus).astype(np.float32)}
