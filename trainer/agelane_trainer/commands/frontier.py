"""``frontier``: speed against accuracy, over input sizes and precisions."""

from __future__ import annotations

import argparse
import json
from pathlib import Path

from agelane_trainer.commands.options import (
    SHIPPED,
    Commands,
    add_data,
    add_split,
    add_weights,
    read_split,
)


def add(commands: Commands) -> None:
    """Describe the command."""
    parser = commands.add_parser(
        "frontier", help="speed against accuracy, over input sizes and precisions"
    )
    add_data(parser)
    add_split(parser)
    add_weights(parser)
    parser.add_argument("--card", type=Path, default=SHIPPED / "model_card.json")
    parser.add_argument(
        "--sizes", type=int, nargs="+", help="sides of the input (default: 96 to 224 pixels)"
    )
    parser.add_argument(
        "--precisions",
        nargs="+",
        choices=("float32", "bfloat16", "float16"),
        default=("float32", "bfloat16"),
        help="(default: float32 bfloat16)",
    )
    parser.add_argument("--out", type=Path, default=Path("reports/frontier.json"))
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> None:
    """Measure; writes the figures, a table and a picture."""
    from agelane_trainer.evaluation.evaluate import Files
    from agelane_trainer.evaluation.frontier import SIZES, draw_frontier, measure_frontier

    card = json.loads(options.card.read_text())
    settings = [(size, p) for size in options.sizes or SIZES for p in options.precisions]
    photos = read_split(options).validation
    frontier = measure_frontier(Files(options.weights, options.finder), card, photos, settings)
    options.out.parent.mkdir(parents=True, exist_ok=True)
    options.out.write_text(json.dumps(frontier.flat(), indent=2) + "\n")
    draw_frontier(frontier, options.out.with_suffix(".png"))
    print(frontier.table())
