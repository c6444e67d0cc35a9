"""What one training run is: every choice that decides its result, in one frozen record."""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Literal, Self

from agelane_trainer.data.dataset import Photo
from agelane_trainer.training import recipes

Head = Literal["distribution", "mse"]
Precision = Literal["float32", "mixed_bfloat16", "mixed_float16"]
BatchNorm = Literal["trained", "synchronized", "folded"]


@dataclass(frozen=True, slots=True)
class Augmentation:
    """How far training photos are varied; ``KINDS`` tells how a kind is switched off."""

    flip: bool = True
    """Mirror half of the photos."""
    rotate_degrees: float = 20.0
    """Largest rotation to either side."""
    shift: float = 0.08
    """Largest shift, as a share of the side."""
    zoom_in: float = 0.65
    """Tightest crop, as a share of the side."""
    zoom_out: float = 1.2
    """Widest view, as a multiple of the side; the border is mirrored."""
    stretch: float = 0.1
    """Largest change of the aspect ratio, as a logarithm."""
    jpeg_share: float = 0.3
    """Share of photos encoded anew at quality 20 to 90."""
    blur_share: float = 0.3
    """Share blurred with a Gaussian of up to 2 pixels."""
    noise_share: float = 0.3
    """Share with sensor noise of up to 14 grey levels."""
    colour: float = 1.0
    """Strength of brightness, contrast, gamma, saturation and tint changes, 0 to 1."""
    grey_share: float = 0.15
    """Share turned grey, as some cameras see."""
    print_share: float = 0.0
    """Share turned into a print of one ink on paper, as in old albums."""
    occlusion_share: float = 0.2
    """Share with one covered rectangle."""

    @classmethod
    def none(cls) -> Self:
        """Return the setting that leaves photos as they are."""
        return cls(**{name: off for kind in KINDS.values() for name, off in kind.items()})

    def without(self, kind: str) -> Self:
        """Return this setting with one of ``KINDS`` switched off."""
        return replace(self, **KINDS[kind])

    def only(self, kind: str) -> Self:
        """Return this setting with all but one of ``KINDS`` switched off."""
        return replace(self.none(), **{name: getattr(self, name) for name in KINDS[kind]})


KINDS: dict[str, dict[str, Any]] = {
    "flip": {"flip": False},
    "rotate": {"rotate_degrees": 0.0},
    "shift": {"shift": 0.0},
    "zoom": {"zoom_in": 1.0, "zoom_out": 1.0},
    "stretch": {"stretch": 0.0},
    "JPEG": {"jpeg_share": 0.0},
    "blur": {"blur_share": 0.0},
    "noise": {"noise_share": 0.0},
    "colour": {"colour": 0.0},
    "grey": {"grey_share": 0.0},
    "print": {"print_share": 0.0},
    "occlusion": {"occlusion_share": 0.0},
}
"""Each kind of variation: the fields of ``Augmentation`` that make it, as they are without it."""


@dataclass(frozen=True, slots=True)
class Recipe:
    """One training run."""

    name: str
    """Its file in ``agelane_trainer/training/recipes``."""
    input_size: int = 112
    """Side of the square network input (pixels)."""
    small_epochs: int = 0
    """So many epochs come first at ``small_size``: progressive resizing (Howard, fast.ai 2018)."""
    small_size: int = 96
    """Side of the network's input in those epochs (pixels)."""
    head: Head = "distribution"
    """``distribution``: softmax over 0 to 100 years; ``mse``: the original's single neuron."""
    precision: Precision = "mixed_bfloat16"
    """Compute type of the backbone; weights, loss and head stay float32."""
    batch_norm: BatchNorm = "trained"
    """``trained``: as usual, by each device on its part of a batch; ``synchronized``: by all of
    them together, so that they learn exactly what one learns, at the price of messages in every
    layer; ``folded``: the statistics that the run starts from are worked into the convolutions,
    which makes steps 1.6 times as fast; it bears only small learning rates. For going on from
    trained weights of the ``distribution`` head."""
    frozen_stages: int = 0
    """So many of ResNet50's five stages, from the photo on, stay as the run starts: with two a step
    takes a fifth less time, and what they see (edges, texture) hardly depends on the task."""
    epochs: int = 6
    """Passes over the training part."""
    batch_size: int = 48
    """Photos a step."""
    learning_rate: float = 5e-4
    """Peak of the cosine schedule."""
    warmup_steps: int = 200
    """Steps of linear rise to the peak."""
    weight_decay: float = 0.02
    """AdamW's decoupled decay."""
    ema_decay: float = 0.998
    """Decay a step of the averaged weights that are evaluated and shipped."""
    ema_every: int = 4
    """Steps between two updates of that average; each costs as much as five photos."""
    label_sigma: float = 2.0
    """Standard deviation of the target age distribution (years)."""
    mean_weight: float = 0.1
    """Weight of the mean absolute error of the expected age."""
    under_age_weight: float = 0.0
    """Weight of the cross-entropy of "younger than 18"."""
    sampling_power: float = 0.35
    """0 draws each photo alike, 1 each age alike; between them rare ages come oftener."""
    near_legal_age_weight: float = 1.0
    """How much oftener still people near the legal ages come, those of 13 to 21 years."""
    checkpoint_steps: int = 100
    """Steps between two points from which a killed run resumes."""
    patience_epochs: int | None = None
    """Stop after so many epochs without a better one; unset trains to the last. The schedule is
    laid out for all epochs, so a run that stops early has not seen its small learning rates."""
    photo_limit: int | None = None
    """Use only so many photos of each part (smoke runs); unset means all."""
    seed: int = 20
    """Decides order and augmentation, and where what starts at random starts."""
    augmentation: Augmentation = field(default_factory=Augmentation)
    """How photos are varied."""

    def __post_init__(self) -> None:
        """Refuse impossible values.

        Raises:
            ValueError: names the field.
        """
        counts = ("input_size", "small_size", "epochs", "batch_size", "ema_every")
        for name in (*counts, "checkpoint_steps"):
            if getattr(self, name) < 1:
                raise ValueError(f"recipe {self.name}: {name} must be at least 1")
        if self.patience_epochs is not None and self.patience_epochs < 1:
            raise ValueError(f"recipe {self.name}: patience_epochs must be at least 1, or unset")
        if not 0 <= self.ema_decay < 1:
            raise ValueError(f"recipe {self.name}: ema_decay must be in [0, 1)")
        if not 0 <= self.frozen_stages <= 5:
            raise ValueError(f"recipe {self.name}: frozen_stages must be 0 to 5")
        if self.batch_norm == "folded" and self.head != "distribution":
            raise ValueError(f"recipe {self.name}: only the distribution head can be folded")

    def size_in(self, epoch: int) -> int:
        """Return the side of the input in an epoch, counted from 0 (pixels)."""
        return self.small_size if epoch < self.small_epochs else self.input_size

    def some_of(self, photos: Sequence[Photo]) -> Sequence[Photo]:
        """Return at most ``photo_limit`` photos, taken evenly from all."""
        return photos if self.photo_limit is None else evenly(photos, self.photo_limit)


def evenly(photos: Sequence[Photo], count: int) -> Sequence[Photo]:
    """Return at most ``count`` photos, taken evenly from all."""
    if len(photos) <= count:
        return photos
    return [photos[i * len(photos) // count] for i in range(count)]


def recipe_names() -> list[str]:
    """Return the names of the recipes that exist."""
    return sorted(module.name for module in pkgutil.iter_modules(recipes.__path__))


def load_recipe(name: str) -> Recipe:
    """Return the recipe of this name.

    Raises:
        ValueError: there is none; the message lists those that exist.
    """
    if name not in recipe_names():
        raise ValueError(f"no recipe {name!r}; there are: {', '.join(recipe_names())}")
    recipe: Recipe = importlib.import_module(f"{recipes.__name__}.{name}").RECIPE
    return recipe
