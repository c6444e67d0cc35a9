"""``certify``: certify a model on a whole folder of photos that it has never seen."""

from __future__ import annotations

import argparse
import json
from pathlib import Path

from agelane_trainer.commands.options import (
    SHIPPED,
    Commands,
    add_audit,
    add_data,
    add_weights,
    read_findings,
)


def add(commands: Commands) -> None:
    """Describe the command."""
    parser = commands.add_parser(
        "certify", help="certify weights on all photos of a folder that they have never seen"
    )
    add_data(parser)
    add_weights(parser)
    add_audit(parser)
    parser.add_argument(
        "--card", type=Path, default=SHIPPED / "model_card.json", help="model card of the weights"
    )
    parser.add_argument(
        "--manifest", type=Path, help="of the training run; its photos don't count as evidence"
    )
    parser.add_argument("--max-rate", type=float, default=0.01, help="of all minors (default 0.01)")
    parser.add_argument(
        "--near-rate", type=float, default=0.02, help="of those just below age (default 0.02)"
    )
    parser.add_argument("--confidence", type=float, default=0.95, help="(default: 0.95)")
    parser.add_argument("--out", type=Path, help="write the card with these certificates here")
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> None:
    """Certify; prints the verdict.

    Raises:
        ValueError: nothing can be certified.
    """
    from agelane_trainer.certificate.certificate import Terms
    from agelane_trainer.certificate.certify_folder import Exclusions, certify_folder
    from agelane_trainer.certificate.folder_in_words import in_words
    from agelane_trainer.data.dataset import read_photos
    from agelane_trainer.data.manifest import read_manifest
    from agelane_trainer.evaluation.evaluate import Files
    from agelane_trainer.evaluation.figures import certificate_entries
    from agelane_trainer.evaluation.measured_model import measured_model

    card = json.loads(options.card.read_text())
    exclusions = Exclusions(
        read_manifest(options.manifest) if options.manifest else (), read_findings(options)
    )
    terms = Terms(options.max_rate, options.near_rate, confidence=options.confidence)
    model = measured_model(Files(options.weights, options.finder), card)
    result = certify_folder(model, read_photos(options.data), exclusions, terms)
    print(in_words(result))
    judged = result.judged[-1]
    if not any(verdict.certificate for verdict in judged.verdicts.values()):
        raise ValueError("nothing can be certified")
    if options.out:
        card |= certificate_entries(judged.verdicts)
        options.out.write_text(json.dumps(card, indent=2) + "\n")
