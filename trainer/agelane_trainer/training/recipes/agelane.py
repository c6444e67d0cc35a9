"""The shipped model: age distribution, wide augmentation, from age-trained weights.

Command: ``make train DATA=data/faces INIT=age_resnet50.npz``, the weights that commit 23a9603
shipped (five epochs from the age probe, 4.91 years of mean absolute error).
"""

from agelane_trainer.training.recipe import Augmentation, Recipe

RECIPE = Recipe(
    name="agelane",
    epochs=6,
    batch_size=64,
    learning_rate=3e-4,
    weight_decay=0.03,
    under_age_weight=0.3,
    sampling_power=0.4,
    near_legal_age_weight=2.0,
    augmentation=Augmentation(zoom_in=0.7, zoom_out=1.3, grey_share=0.15, print_share=0.2),
)
