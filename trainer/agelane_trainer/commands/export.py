"""``export``: publish weights as the next SavedModel version."""

from __future__ import annotations

import argparse
from pathlib import Path

from agelane_trainer.commands.options import SHIPPED, Commands, add_weights


def add(commands: Commands) -> None:
    """Describe the command."""
    parser = commands.add_parser("export", help="publish weights as the next SavedModel version")
    add_weights(parser)
    parser.add_argument("--card", type=Path, default=SHIPPED / "model_card.json")
    parser.add_argument("--models", type=Path, default=Path("models/age"), help="versions' folder")
    parser.add_argument(
        "--precision",
        choices=("auto", "float32", "bfloat16", "float16"),
        default="auto",
        help="auto: bfloat16 where this machine's CPU computes in it, else float32; "
        "float16 is for GPUs (default: auto)",
    )
    parser.add_argument(
        "--golden",
        type=Path,
        default=Path("docs/samples"),
        help="folder of photos whose ages must come out of the version as they are "
        "(default: docs/samples)",
    )
    parser.add_argument("--golden-photos", type=int, default=1000, help="how many (default: 1000)")
    parser.add_argument(
        "--even-if-worse", action="store_true", help="than the version that it follows"
    )
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> None:
    """Export."""
    from agelane_trainer.publishing.export import Sources, export
    from agelane_trainer.publishing.golden import golden_photos
    from agelane_trainer.publishing.machine import best_precision

    precision = best_precision() if options.precision == "auto" else options.precision
    version = export(
        Sources(options.weights, options.finder, options.card),
        options.models,
        precision,
        golden_photos(options.golden, options.golden_photos),
        even_if_worse=options.even_if_worse,
    )
    print(f"version: {version} ({precision})")
