"""What the model says about some people: customers for a simulated shop (``make simulate``).

Half of the people become customers. How the model confuses age groups is measured on the other
half, as a shop's model would be: so that nobody judges the correction on the photos it was made
from. The file holds ages and predictions, and nothing that leads to a photo.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from agelane_trainer.evaluation.confusion import confusion_entry
from agelane_trainer.evaluation.sample import Sample

STEPS_PER_NAT = 16
"""Probabilities are kept as steps down from 1 on a logarithmic scale, so many a nat."""
NOTHING = 255
"""Steps that stand for a probability of 0."""
_KEPT = ("schema", "name", "certificates", "face_gates", "estimated_age_shares")


def write_faces(path: Path, sample: Sample, card: Mapping[str, Any]) -> None:
    """Write half of a sample, with a model card whose confusion was measured on the other half.

    The arrays are ``ages`` [N], rising; ``steps_down`` [N, 101]; ``good_face`` [N], whether the
    face passes the gates; and ``card``, JSON.

    Raises:
        ValueError: there are too few people in an age group.
    """
    chosen = np.random.default_rng(0).permutation(len(sample.ages)) < len(sample.ages) // 2
    confusion = confusion_entry(sample.only(~chosen))
    if not confusion:
        raise ValueError("too few photos of an age group to measure the confusion on")
    some = sample.only(chosen)
    order = np.argsort(some.ages, kind="stable")
    with np.errstate(divide="ignore"):
        steps = np.round(-STEPS_PER_NAT * np.log(some.probabilities[order]))
    np.savez_compressed(
        path,
        ages=some.ages[order].astype(np.uint8),
        steps_down=np.minimum(steps, NOTHING).astype(np.uint8),
        good_face=some.good_face[order],
        card=np.array(json.dumps({key: card[key] for key in _KEPT} | confusion)),
    )
