"""``evaluate``: measure, calibrate and certify weights."""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

from agelane_trainer.commands.options import (
    DEFAULT_RECIPE,
    Commands,
    add_audit,
    add_data,
    add_split,
    add_weights,
    read_findings,
    read_split,
)

if TYPE_CHECKING:
    from agelane_trainer.evaluation.evaluate import Evaluation


def add(commands: Commands) -> None:
    """Describe the command."""
    parser = commands.add_parser("evaluate", help="measure, calibrate and certify weights")
    parser.add_argument("--recipe", default=DEFAULT_RECIPE, help="what they were trained with")
    add_data(parser)
    add_split(parser)
    add_weights(parser)
    add_audit(parser)
    parser.add_argument("--out", type=Path, help="where to write the model card (JSON)")
    parser.add_argument("--source", help="where the photos come from, for the card")
    parser.add_argument("--licence", help="what the photos may be used for, for the card")
    parser.add_argument("--log", type=Path, help="training_log.csv, for the learning curves")
    parser.add_argument(
        "--original", type=Path, help="main figures of the recipe original_mse, to compare with"
    )
    parser.add_argument(
        "--report",
        type=Path,
        default=Path("reports/evaluation.json"),
        help="main figures (flat JSON); a report with pictures goes into the folder beside it "
        "(default: reports/evaluation.json)",
    )
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> None:
    """Evaluate; writes card, main figures and report."""
    from agelane_trainer.evaluation.evaluate import Files, evaluate
    from agelane_trainer.evaluation.figures import main_figures
    from agelane_trainer.evaluation.single_neuron import evaluate_single_neuron
    from agelane_trainer.training.recipe import load_recipe

    recipe, split = load_recipe(options.recipe), read_split(options)
    files = Files(options.weights, options.finder)
    options.report.parent.mkdir(parents=True, exist_ok=True)
    if recipe.head == "mse":
        card = evaluate_single_neuron(files, recipe, split)
    else:
        result = evaluate(files, recipe, split, read_findings(options))
        card = result.card
        about = {"source": options.source, "licence": options.licence}
        card["data"] |= {key: text for key, text in about.items() if text}
        if options.out:
            options.out.write_text(json.dumps(card, indent=2) + "\n")
        print(f"report: {_report(result, options)}")
    figures = main_figures(card)
    options.report.write_text(json.dumps(figures, indent=2) + "\n")
    print(json.dumps(figures, indent=2))


def _report(result: Evaluation, options: argparse.Namespace) -> Path:
    from agelane_trainer.evaluation.report import People, evaluation_report

    sample = result.sample
    people = People(
        sample.ages,
        sample.probabilities,
        sample.estimates,
        sample.groups,
        [photo.path for photo in result.photos],
    )
    original: dict[str, Any] | None = (
        json.loads(options.original.read_text()) if options.original else None
    )
    folder = options.report.with_suffix("")
    return evaluation_report(people, result.card, folder, options.log, original)
