"""Command line of the trainer: ``python -m agelane_trainer {eda,train,evaluate,export}``."""

from __future__ import annotations

import argparse
import json
import os
import sys
from collections.abc import Sequence
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")  # before anything imports TensorFlow

DEFAULT_RECIPE = "agelane"
SHIPPED = Path("trainer/weights")


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
    eda = commands.add_parser("eda", help="look at photos and labels; writes a report")
    _add_data(eda, "folder with labels.csv and final_files/, or a label file alone")
    eda.add_argument(
        "--out", type=Path, default=Path("reports/eda"), help="folder (default: reports/eda)"
    )
    eda.set_defaults(run=_eda)
    train = commands.add_parser("train", help="train a recipe; call again to resume")
    train.add_argument(
        "--recipe", default=DEFAULT_RECIPE, help="a file of agelane_trainer/training/recipes"
    )
    _add_data(train)
    train.add_argument("--out", type=Path, help="folder of the run (default: runs/RECIPE)")
    train.add_argument(
        "--init",
        default="imagenet",
        help="what to start from: an .npz of weights, 'imagenet' (Keras' download) or 'random'",
    )
    train.set_defaults(run=_train)
    evaluate = commands.add_parser("evaluate", help="measure, calibrate and certify weights")
    evaluate.add_argument("--recipe", default=DEFAULT_RECIPE)
    _add_data(evaluate)
    evaluate.add_argument("--weights", type=Path, default=SHIPPED / "age_resnet50.npz")
    evaluate.add_argument("--out", type=Path, help="where to write the model card (JSON)")
    evaluate.add_argument(
        "--report",
        type=Path,
        default=Path("reports/evaluation.json"),
        help="where to write the main figures (flat JSON; default: reports/evaluation.json)",
    )
    evaluate.set_defaults(run=_evaluate)
    export = commands.add_parser("export", help="publish weights as the next SavedModel version")
    export.add_argument("--weights", type=Path, default=SHIPPED / "age_resnet50.npz")
    export.add_argument("--card", type=Path, default=SHIPPED / "model_card.json")
    export.add_argument("--models", type=Path, default=Path("models/age"), help="versions' folder")
    export.set_defaults(run=_export)
    return parser


def _add_data(
    parser: argparse.ArgumentParser, what: str = "folder with labels.csv and final_files/"
) -> None:
    parser.add_argument(
        "--data", type=Path, default=Path("data/faces"), help=f"{what} (default: data/faces)"
    )


# The imports wait until a command runs, so that --help needn't load TensorFlow.


def _eda(options: argparse.Namespace) -> None:
    from agelane_trainer.eda import explore

    print(f"report: {explore(options.data, options.out)}")


def _train(options: argparse.Namespace) -> None:
    from agelane_trainer.data.dataset import read_photos
    from agelane_trainer.data.split import split
    from agelane_trainer.network.resnet import starting_arrays
    from agelane_trainer.training.recipe import load_recipe
    from agelane_trainer.training.train import train

    recipe = load_recipe(options.recipe)
    parts = split(read_photos(options.data))
    print(
        f"{len(parts.train)} photos to train on, {len(parts.tune)} to choose the best epoch, "
        f"{len(parts.validation)} kept for validation, {len(parts.left_out)} left out"
    )
    start = starting_arrays(options.init)
    files = train(recipe, parts.train, parts.tune, start, options.out or Path("runs", recipe.name))
    print(f"best weights: {files.best}\nlog: {files.log}")


def _evaluate(options: argparse.Namespace) -> None:
    from agelane_trainer.data.dataset import read_photos
    from agelane_trainer.data.split import split
    from agelane_trainer.evaluation.evaluate import evaluate, main_figures
    from agelane_trainer.training.recipe import load_recipe

    recipe = load_recipe(options.recipe)
    card = evaluate(options.weights, recipe, split(read_photos(options.data)))
    text = json.dumps(card, indent=2) + "\n"
    print(text, end="")
    if options.out:
        options.out.write_text(text)
    options.report.parent.mkdir(parents=True, exist_ok=True)
    options.report.write_text(json.dumps(main_figures(card), indent=2) + "\n")


def _export(options: argparse.Namespace) -> None:
    from agelane_trainer.publishing.export import export

    print(f"version: {export(options.weights, options.card, options.models)}")


if __name__ == "__main__":
    sys.exit(main())
