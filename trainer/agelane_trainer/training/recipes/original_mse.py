"""The original project's network, as the reference that ``agelane`` is compared with.

ResNet50, global average pooling, one neuron, squared error, every layer trained, photos flipped,
rotated and shifted and nothing else, plain Adam, no averaged weights. Its input was 224 pixels,
which takes a CPU four times as long; this is 112, the size that ``agelane`` is trained at.

Command: ``make train RECIPE=original_mse DATA=data/faces``, from Keras' ImageNet weights as the
original began. On two cores an epoch over 18,000 photos takes 12 minutes, so there are two. From
the first four stages of those weights they end at 5.35 years on 2,011 validation photos, 6.23 for
people of 14 to 20 (bias +3.7). The original's authors saw 6.6 to 7.4 years on their photos.
"""

from dataclasses import replace

from agelane_trainer.training.recipe import Augmentation, Recipe

RECIPE = Recipe(
    name="original_mse",
    head="mse",
    epochs=2,
    batch_size=32,
    learning_rate=1e-4,
    weight_decay=0.0,  # AdamW without decay is Adam
    ema_decay=0.0,  # the average is the weights themselves
    ema_every=1,
    sampling_power=0.0,
    augmentation=replace(Augmentation.none(), flip=True, rotate_degrees=20.0, shift=0.1),
)
