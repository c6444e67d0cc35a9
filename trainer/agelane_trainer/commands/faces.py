"""``faces``: write what the model says about people, for ``make simulate``."""

from __future__ import annotations

import argparse
import json
from pathlib import Path

from agelane_trainer.commands.options import (
    SHIPPED,
    Commands,
    add_audit,
    add_data,
    add_split,
    add_weights,
    read_findings,
    read_split,
)


def add(commands: Commands) -> None:
    """Describe the command."""
    parser = commands.add_parser(
        "faces", help="write what the model says about half of the validation photos, without them"
    )
    add_data(parser)
    add_split(parser)
    add_weights(parser)
    add_audit(parser)
    parser.add_argument(
        "--card", type=Path, default=SHIPPED / "model_card.json", help="model card of the weights"
    )
    parser.add_argument("--out", type=Path, required=True, help=".npz to write")
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> None:
    """Measure and write; raises ValueError where the photos are too few for a confusion."""
    from agelane_trainer.data.audit import audit
    from agelane_trainer.evaluation.evaluate import Files
    from agelane_trainer.evaluation.faces import write_faces
    from agelane_trainer.evaluation.measured_model import measured_model

    card = json.loads(options.card.read_text())
    model = measured_model(Files(options.weights, options.finder), card)
    photos = audit(read_split(options).validation, read_findings(options)).kept
    write_faces(options.out, model(photos), card)
    print(f"faces: {options.out}")
