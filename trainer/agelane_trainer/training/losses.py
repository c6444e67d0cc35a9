"""Training losses over the age distribution, and over the single neuron."""

from __future__ import annotations

import tensorflow as tf

from agelane_trainer.data.dataset import MAX_AGE
from agelane_trainer.training.recipe import Recipe

ADULT_AGE = 18
"""Age that the under-age term separates at (years)."""
_AGES = tuple(float(age) for age in range(MAX_AGE + 1))


def expected_age(output: tf.Tensor) -> tf.Tensor:
    """Return years [N] from a network output: [N, 101] logits or [N, 1] years."""
    if output.shape[-1] == 1:
        return output[:, 0]
    return tf.reduce_sum(tf.nn.softmax(output) * _AGES, axis=-1)


def training_loss(output: tf.Tensor, ages: tf.Tensor, recipe: Recipe) -> tf.Tensor:
    """Return the loss [N] of network outputs for true ages [N] (years).

    For the distribution head: Kullback-Leibler divergence from a Gaussian around the label (DLDL,
    arXiv 1611.01731), plus the mean absolute error of the expected age, plus the cross-entropy of
    being under age, each with the recipe's weight. For the single neuron: squared error.
    """
    years = tf.cast(ages, tf.float32)
    if recipe.head == "mse":
        return tf.square(output[:, 0] - years)
    log_probabilities = tf.nn.log_softmax(output)
    target = tf.nn.softmax(-tf.square((_AGES - years[:, None]) / recipe.label_sigma) / 2.0)
    divergence = tf.reduce_sum(target * (tf.math.log(target + 1e-12) - log_probabilities), axis=-1)
    mean_error = tf.abs(expected_age(output) - years)
    return (
        divergence
        + recipe.mean_weight * mean_error
        + recipe.under_age_weight * _under_age_cross_entropy(log_probabilities, years)
    )


def _under_age_cross_entropy(log_probabilities: tf.Tensor, years: tf.Tensor) -> tf.Tensor:
    under = tf.reduce_logsumexp(log_probabilities[:, :ADULT_AGE], axis=-1)
    adult = tf.reduce_logsumexp(log_probabilities[:, ADULT_AGE:], axis=-1)
    return -tf.where(years < ADULT_AGE, under, adult)
