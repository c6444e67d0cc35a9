"""`agelane record`: what happened after an assessment, or without one."""

from __future__ import annotations

import argparse
import json
import sys

from agelane_client.cli.arguments import Commands, ExitCode, add_command, exit_code
from agelane_client.cli.output import error_document, printable, say
from agelane_client.cli.sale_lines import sale_texts
from agelane_client.cli.sales import sale_of_json
from agelane_client.client import Client
from agelane_client.errors import AgelaneError, ConfigurationError, DeadlineError, UnavailableError
from agelane_client.sales import Sale, SaleReceipt

_NOTES = """\
input:
  FILE, or - for standard input, has sales as JSON objects, one a line. Fields are those of the
  SDK's Sale, with assessment_token (Base64, as `agelane assess --json --full` prints it):
    sale_id, sold_at and outcome (required), assessment_token, store_id, lane_id, cashier_id,
    basket, currency_code, document_check, refusal_reason, voids_sale_id,
    supervisor_on_shift, decided_offline
    of a line of the basket: category (required), restricted_category, quantity, amount_minor
    of document_check: result (required), reading, duration (seconds), document_age_years,
    birth_date_bucket
  Lines are recorded one by one as they come, a wrong one does not stop the others, and each ends
  in a receipt or an error. To record the same file again is safe: sale_id tells what is there
  already.

"""
_EXAMPLES = """\
  agelane record sales.jsonl --json
  echo '{"sale_id": "t3-0815", "outcome": "SOLD", "sold_at": "2026-11-30T12:00:00Z"}' |
      agelane record -
"""


def add_record(commands: Commands) -> None:
    """Add `record`."""
    record = add_command(
        commands,
        _record,
        "record",
        "record what became of sales, so that it is there for reports",
        notes=_NOTES,
        examples=_EXAMPLES,
    )
    record.add_argument("file", metavar="FILE", help="sales as JSON, - for standard input")
    record.add_argument("--json", action="store_true", help="print one JSON object a sale")


def _record(client: Client, options: argparse.Namespace) -> ExitCode:
    """Record the sales of a file."""
    worst = ExitCode.DONE
    for number, text in sale_texts(options.file):
        where = f"{options.file}:{number}: "
        worst = max(worst, _record_one(client, options, where, text))
    return worst


def _record_one(client: Client, options: argparse.Namespace, where: str, text: bytes) -> ExitCode:
    """Record a sale, and tell its receipt or its error."""
    sale = None
    try:
        sale = sale_of_json(text)
        receipt = client.record_sale(sale)
    except ConfigurationError:
        raise
    except AgelaneError as error:
        _tell_error(error, sale, where, options)
        return exit_code(error)
    say(json.dumps(receipt.to_dict()) if options.json else _line(receipt))
    return ExitCode.DONE


def _tell_error(
    error: AgelaneError, sale: Sale | None, where: str, options: argparse.Namespace
) -> None:
    """Print why a sale has no receipt: among those for programs, beside those for people."""
    name = sale.sale_id if sale else None
    if options.json:
        document = {
            "sale_id": name,
            "recorded_at": None,
            "already_recorded": None,
            "error": {**error_document(error), "message": f"{where}{error.message}"},
        }
        say(json.dumps(document))
        return
    hint = ""
    if sale and isinstance(error, (DeadlineError, UnavailableError)):
        hint = "; it may be recorded or not, so record it again"
    print(printable(f"{where}{name or 'no sale'}: {error}{hint}"), file=sys.stderr)


def _line(receipt: SaleReceipt) -> str:
    """Return the receipt for people."""
    known = "was already recorded" if receipt.already_recorded else "recorded"
    return printable(f"{receipt.sale_id}: {known} at {receipt.recorded_at:%Y-%m-%d %H:%M:%S} UTC")
