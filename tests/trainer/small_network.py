"""A network of a few thousand weights in place of ResNet50, where only the training is tested."""

from __future__ import annotations

import keras

from agelane_trainer.network.resnet import HEAD_NAMES
from agelane_trainer.training.recipe import Head, Precision, Recipe

TINY = Recipe(
    name="tiny",
    input_size=32,
    precision="float32",
    epochs=2,
    batch_size=4,
    learning_rate=1e-2,
    warmup_steps=2,
    ema_decay=0.5,
    ema_every=2,
    checkpoint_steps=3,
)


def small_network(
    input_size: int | None, head: Head = "distribution", precision: Precision = "float32"
) -> keras.Model:
    """Return it, with the inputs and outputs of ``build_model``."""
    photo = keras.Input((input_size, input_size, 3))
    patches = keras.layers.Conv2D(8, 8, 8, activation="relu", name="conv1_conv")(
        keras.layers.Rescaling(1 / 255)(photo)
    )
    features = keras.layers.GlobalAveragePooling2D()(patches)
    ages = keras.layers.Dense(101 if head == "distribution" else 1, name=HEAD_NAMES[head])
    return keras.Model(photo, ages(features))
