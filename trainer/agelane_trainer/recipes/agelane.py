"""The shipped model: age distribution, wide augmentation, from age-trained weights."""

from agelane_trainer.recipe import Recipe

RECIPE = Recipe(name="agelane", epochs=5, learning_rate=3e-4, under_age_weight=0.2)
