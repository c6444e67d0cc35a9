"""The best we know: age distribution, wide augmentation, near-legal ages oftener, from age weights.

Command: ``make train DATA=data/faces INIT=age_resnet50.npz``, with the weights that commit 23a9603
shipped.
"""

from agelane_trainer.training.recipe import Augmentation, Recipe

RECIPE = Recipe(
    name="agelane",
    epochs=6,
    small_epochs=4,
    batch_size=64,
    batch_norm="folded",
    learning_rate=8e-5,
    warmup_steps=150,
    weight_decay=0.03,
    ema_decay=0.998,
    under_age_weight=0.3,
    sampling_power=0.3,
    near_legal_age_weight=2.5,
    augmentation=Augmentation(
        rotate_degrees=15.0,
        shift=0.06,
        zoom_in=0.78,
        zoom_out=1.25,
        stretch=0.08,
        blur_share=0.25,
        noise_share=0.25,
        print_share=0.2,
    ),
)
