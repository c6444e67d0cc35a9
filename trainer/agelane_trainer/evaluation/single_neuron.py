"""Measure a network of the ``mse`` head: an age and no distribution, so no decision either."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

import numpy as np

from agelane_trainer.data.split import Split
from agelane_trainer.evaluation import metrics
from agelane_trainer.evaluation.evaluate import Files
from agelane_trainer.evaluation.predict import predict
from agelane_trainer.network.face_finder import build_face_finder
from agelane_trainer.network.resnet import build_model, load_weights
from agelane_trainer.training.recipe import Recipe


def evaluate_single_neuron(files: Files, recipe: Recipe, split: Split) -> dict[str, Any]:
    """Return the errors of such a network on ``validation``, in the keys of a model card."""
    network = build_model(recipe.input_size, "mse")
    load_weights(network, files.weights)
    photos = recipe.some_of(split.validation)
    finder = build_face_finder(files.finder)
    predicted = predict([p.path.read_bytes for p in photos], network, finder, "validation")
    ages, estimates = np.array([p.age for p in photos]), predicted.logits[:, 0].astype(np.float64)
    bands = {
        name: asdict(metrics.age_errors(ages[inside], estimates[inside]))
        for name, inside in metrics.bands(ages).items()
    }
    return {
        "schema": 1,
        "recipe": recipe.name,
        "metrics": {**asdict(metrics.age_errors(ages, estimates)), "bands": bands},
    }
