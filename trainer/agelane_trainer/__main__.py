"""Command line of the trainer: from photos to a published model."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence

from agelane_trainer.commands import (
    ablation,
    augmentation,
    certify,
    documents,
    eda,
    evaluate,
    export,
    faces,
    frontier,
    train,
)

_COMMANDS = (
    *(eda, augmentation, train, ablation),
    *(evaluate, certify, frontier, faces),
    *(export, documents),
)
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")  # before anything imports TensorFlow


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; returns the exit code."""
    options = _parser().parse_args(arguments)
    try:
        options.run(options)
    except (ValueError, OSError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("\nstopped; the same command goes on from the last checkpoint", file=sys.stderr)
        return 130
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="agelane_trainer", description=__doc__)
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    for command in _COMMANDS:
        command.add(commands)
    return parser


if __name__ == "__main__":
    sys.exit(main())
