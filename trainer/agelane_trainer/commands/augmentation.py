"""``augmentation``: show what the augmentation of a recipe does."""

from __future__ import annotations

import argparse
from pathlib import Path

from agelane_trainer.commands.options import DEFAULT_RECIPE, Commands


def add(commands: Commands) -> None:
    """Describe the command."""
    parser = commands.add_parser("augmentation", help="draw what varying the photos does")
    parser.add_argument("photos", type=Path, nargs="+", help="photos to vary")
    parser.add_argument("--recipe", default=DEFAULT_RECIPE, help="a file of training/recipes")
    parser.add_argument("--out", type=Path, required=True, help="the picture (PNG)")
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> None:
    """Draw the picture."""
    from agelane_trainer.training.augmentation_sheet import augmentation_sheet
    from agelane_trainer.training.recipe import load_recipe

    augmentation_sheet(options.photos, options.out, load_recipe(options.recipe).augmentation)
    print(f"picture: {options.out}")
