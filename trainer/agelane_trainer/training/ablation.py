"""Which kinds of augmentation help? Short runs, each without one of them, against one with all."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import keras
import numpy as np
import numpy.typing as npt

from agelane_trainer.data.dataset import Photo
from agelane_trainer.network.resnet import Arrays, build_model, load_weights
from agelane_trainer.training.recipe import KINDS, Augmentation, Recipe
from agelane_trainer.training.train import train

Estimator = Callable[[keras.Model, Sequence[Photo]], npt.NDArray[np.floating]]
"""Returns the years [N] that a network estimates for photos. How it shows them to the network, as
they are or spoilt, is its own affair."""
Errors = dict[str, npt.NDArray[np.float64]]
"""Absolute errors (years) [N] on the tuning part by estimator; the photos are the same in every
run, so that two runs can be compared photo by photo."""

WITH_ALL, WITH_NONE = "all", "none"
_WARMUP_SHARE = 0.1


@dataclass(frozen=True, slots=True)
class Result:
    """Mean absolute error of one run on one set of photos (years)."""

    augmentation: str
    """``all``, ``none``, or ``without`` a kind."""
    photos: str
    """Name of the estimator: how the photos were shown."""
    mae_years: float
    """Mean absolute error."""
    worse_years: float
    """By how much it is worse than with all kinds: above 0 speaks for the kind left out."""
    worse_years_interval: float
    """Half the 95 % interval of that, over photos; what a second run of the same would change
    comes on top, so a difference of this size is not yet a reason."""


def ablate(
    recipe: Recipe,
    train_photos: Sequence[Photo],
    tune_photos: Sequence[Photo],
    start: Arrays | None,
    folder: Path,
    estimators: Mapping[str, Estimator],
) -> list[Result]:
    """Run each variant of a short recipe, and write ``ablation.md`` and ``ablation.json``.

    Each variant is a run of its own in ``folder``: after a kill the same call goes on.

    Args:
        recipe: what to vary; see ``shortened``.
        train_photos: what is learnt from.
        tune_photos: what is measured on.
        start: weights that each run begins with; None begins at random.
        folder: made if missing.
        estimators: what to measure with, each a column of the table.
    """
    errors: dict[str, Errors] = {}
    for name, variant in _variants(recipe):
        files = train(variant, train_photos, tune_photos, start, folder / name.replace(" ", "-"))
        errors[name] = _measure(files.best, variant, variant.some_of(tune_photos), estimators)
    results = [row for name in errors for row in _compare(name, errors[name], errors[WITH_ALL])]
    text = json.dumps([asdict(result) for result in results], indent=2)
    (folder / "ablation.json").write_text(text + "\n")
    (folder / "ablation.md").write_text(_table(results, recipe))
    return results


def shortened(recipe: Recipe, epochs: int, photo_limit: int) -> Recipe:
    """Return the recipe for a few epochs over a few photos, with a warm-up that fits them."""
    steps = epochs * photo_limit // recipe.batch_size
    warmup = min(recipe.warmup_steps, max(1, round(_WARMUP_SHARE * steps)))
    return replace(recipe, epochs=epochs, photo_limit=photo_limit, warmup_steps=warmup)


def _variants(recipe: Recipe) -> Iterator[tuple[str, Recipe]]:
    whole = recipe.augmentation
    yield WITH_ALL, recipe
    for kind in KINDS:
        if whole.without(kind) != whole:
            yield f"without {kind}", replace(recipe, augmentation=whole.without(kind))
    yield WITH_NONE, replace(recipe, augmentation=Augmentation.none())


def _measure(
    weights: Path, recipe: Recipe, photos: Sequence[Photo], estimators: Mapping[str, Estimator]
) -> Errors:
    model = build_model(recipe.input_size, recipe.head, recipe.precision)
    load_weights(model, weights)
    ages = np.array([photo.age for photo in photos], np.float64)
    return {name: np.abs(estimate(model, photos) - ages) for name, estimate in estimators.items()}


def _compare(name: str, errors: Errors, reference: Errors) -> Iterator[Result]:
    for photos, of_this in errors.items():
        worse = of_this - reference[photos]
        spread = 1.96 * float(worse.std()) / len(worse) ** 0.5
        yield Result(name, photos, float(of_this.mean()), float(worse.mean()), spread)


def _table(results: Sequence[Result], recipe: Recipe) -> str:
    lines = [
        f"Recipe `{recipe.name}`, {recipe.epochs} epochs, {recipe.photo_limit or 'all'} photos, "
        f"{recipe.input_size} pixels. Mean absolute error on `tune` (years); in brackets, by how "
        "much it is worse than with all kinds, with the 95 % interval over photos. Runs differ by "
        "chance too.",
        "",
    ]
    sets = list(dict.fromkeys(result.photos for result in results))
    lines += [f"| augmentation | {' | '.join(sets)} |", "|---" * (1 + len(sets)) + "|"]
    for name in dict.fromkeys(result.augmentation for result in results):
        cells = [_cell(result) for result in results if result.augmentation == name]
        lines.append(f"| {name} | {' | '.join(cells)} |")
    return "\n".join(lines) + "\n"


def _cell(result: Result) -> str:
    if result.augmentation == WITH_ALL:
        return f"{result.mae_years:.2f}"
    return f"{result.mae_years:.2f} ({result.worse_years:+.2f} ± {result.worse_years_interval:.2f})"
