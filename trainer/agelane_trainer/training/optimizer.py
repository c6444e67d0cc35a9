"""AdamW, as it is used here on one device or several."""

from __future__ import annotations

import keras
import tensorflow as tf

from agelane_trainer.training.recipe import Recipe

_LARGEST_GRADIENT = 5.0


class SummedAdamW(keras.optimizers.AdamW):
    """AdamW for gradients that are the whole batch's on every replica already."""

    def _all_reduce_sum_gradients(
        self, grads_and_vars: list[tuple[tf.Tensor, tf.Variable]]
    ) -> list[tuple[tf.Tensor, tf.Variable]]:
        # Keras would clip each replica's gradients and only then add them up. They are added up
        # before they come here; doing so again would double what machines send each other.
        return grads_and_vars


def make_optimizer(recipe: Recipe, variables: list[keras.Variable]) -> keras.Optimizer:
    """Return a recipe's optimizer of these variables."""
    optimizer = SummedAdamW(
        learning_rate=recipe.learning_rate,
        weight_decay=recipe.weight_decay,
        global_clipnorm=_LARGEST_GRADIENT,
    )
    optimizer.exclude_from_weight_decay(var_names=["bias", "gamma", "beta"])
    if recipe.precision == "mixed_float16":
        optimizer = keras.optimizers.LossScaleOptimizer(optimizer)
    optimizer.build(variables)
    return optimizer
