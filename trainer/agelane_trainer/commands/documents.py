"""``documents``: write the model card and the practice statement as Markdown."""

from __future__ import annotations

import argparse
import json
from pathlib import Path

from agelane_trainer.commands.options import SHIPPED, Commands


def add(commands: Commands) -> None:
    """Describe the command."""
    parser = commands.add_parser(
        "documents", help="write model card and practice statement in words"
    )
    parser.add_argument("--card", type=Path, default=SHIPPED / "model_card.json")
    parser.add_argument("--out", type=Path, default=SHIPPED, help=f"folder (default: {SHIPPED})")
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> None:
    """Write them."""
    from agelane_trainer.publishing.documents import write_documents

    for path in write_documents(json.loads(options.card.read_text()), options.out):
        print(path)
