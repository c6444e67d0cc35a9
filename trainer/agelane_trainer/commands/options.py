"""Options that several commands share."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias

if TYPE_CHECKING:
    from agelane_trainer.data.audit import Finding
    from agelane_trainer.data.split import Split

Commands: TypeAlias = "argparse._SubParsersAction[argparse.ArgumentParser]"
"""What a command is added to; argparse has no public name for it."""

SHIPPED = Path("trainer/weights")
DEFAULT_RECIPE = "agelane"
MANIFEST = "manifest.csv"
"""Name of the file that says which photo a run used for what."""


def add_data(
    parser: argparse.ArgumentParser, what: str = "folder with labels.csv and final_files/"
) -> None:
    """Add ``--data``."""
    parser.add_argument(
        "--data", type=Path, default=Path("data/faces"), help=f"{what} (default: data/faces)"
    )


def add_split(parser: argparse.ArgumentParser) -> None:
    """Add ``--split``."""
    parser.add_argument(
        "--split",
        choices=("content", "official"),
        default="content",
        help="by the photos' content, or as published for the original set (default: content)",
    )


def add_weights(parser: argparse.ArgumentParser) -> None:
    """Add ``--weights`` and ``--finder``."""
    parser.add_argument(
        "--weights", type=Path, default=SHIPPED / "age_resnet50.npz", help=".npz of the network"
    )
    parser.add_argument(
        "--finder", type=Path, default=SHIPPED / "face_finder.npz", help=".npz of the face finder"
    )


def add_audit(parser: argparse.ArgumentParser) -> None:
    """Add ``--audit``."""
    parser.add_argument(
        "--audit",
        type=Path,
        default=Path("trainer/label_audit.csv"),
        help="findings of a label audit (default: trainer/label_audit.csv)",
    )


def read_split(options: argparse.Namespace) -> Split:
    """Return the parts of the photos that the options name."""
    from agelane_trainer.data.dataset import read_photos
    from agelane_trainer.data.official_split import official_split
    from agelane_trainer.data.split import split

    photos = read_photos(options.data)
    return official_split(photos) if options.split == "official" else split(photos)


def read_findings(options: argparse.Namespace) -> dict[str, Finding]:
    """Return what the label audit found; without its file, nothing."""
    from agelane_trainer.data.audit import read_audit

    return read_audit(options.audit) if options.audit.exists() else {}
