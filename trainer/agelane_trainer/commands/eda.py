"""``eda``: look at photos and labels."""

from __future__ import annotations

import argparse
from pathlib import Path

from agelane_trainer.commands.options import Commands, add_data


def add(commands: Commands) -> None:
    """Describe the command."""
    parser = commands.add_parser("eda", help="look at photos and labels; writes a report")
    add_data(parser, "folder with labels.csv and final_files/, or a label file alone")
    parser.add_argument(
        "--out", type=Path, default=Path("reports/eda"), help="folder (default: reports/eda)"
    )
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> None:
    """Write the report."""
    from agelane_trainer.eda import explore

    print(f"report: {explore(options.data, options.out)}")
