"""Does training work at all? A few hundred photos, one epoch, under two minutes on two cores.

Command: ``make train RECIPE=smoke``. The result is a network that knows little.
"""

from agelane_trainer.training.recipe import Recipe

RECIPE = Recipe(
    name="smoke",
    input_size=64,
    epochs=1,
    batch_size=16,
    warmup_steps=5,
    ema_decay=0.9,
    checkpoint_steps=10,
    photo_limit=320,
)
