"""`agelane report`: what a manager asks on the command line."""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterable

from agelane_client.age_group_results import AgeGroupReport
from agelane_client.cashier_results import CashierReport
from agelane_client.cli.arguments import Commands, ExitCode, add_command
from agelane_client.cli.output import say
from agelane_client.cli.report_tables import age_group_lines, cashier_lines
from agelane_client.cli.values import moment, word
from agelane_client.client import Client
from agelane_client.options import DEFAULT_REPORT_TIMEOUT

CASHIER_NOTES = """\
columns, of alerts:
  by chance   cases that chance alone would have brought
  p           how easily chance brings as many, adjusted for the number of cashiers; -: a plain fact
  under age   share of these sales that went to people under age, as far as photos tell
of cashiers:
  sales       with age-restricted goods, refused ones included
  checks      of them those that needed a look at a document
  honoured    checks that were done or ended in a refusal
  rate        honoured / checks, within: its exact 95 % interval
  drawn       the rate, drawn towards that of all cashiers where checks are few
  z           standard errors from the target; negative is fewer checks
  p           how easily chance brings so few checks, adjusted for the number of cashiers
  against     sold although the decision was REFUSE
  no photo    sold without an assessment
An alert is a question to the cashier with its evidence, not a verdict.

"""
AGE_GROUP_NOTES = """\
Days are counted whole, and in UTC.

columns:
  baskets     share of all baskets, or baskets of the group with such goods
  within      95 % interval
  raw         share before it is corrected for errors of the age estimate
  lift        how many times as often as everybody the group buys such goods
  uplift      buyers among those who got the offer minus those who did not, in percentage points
The table has the most characteristic goods of each group; --json has all.

"""
_TIMES = """\
times:
  A date is its first moment: all of November is --from 2026-11-01 --to 2026-12-01. Times without
  a zone are this machine's.

"""
_CASHIER_EXAMPLES = """\
  agelane report cashiers                                       the last 28 days
  agelane report cashiers --store store-7 --from 2026-11-01 --to 2026-12-01
  agelane report cashiers --json | jq '.alerts[].cashier_id'
"""
_AGE_GROUP_EXAMPLES = """\
  agelane report age-groups --store store-7
  agelane report age-groups --from 2026-11-01 --json > november.json
"""


def add_reports(commands: Commands) -> None:
    """Add `report` and the reports below it."""
    description = (
        "report on cashiers and age groups; needs a manager's token where tokens are asked"
    )
    report = commands.add_parser(
        "report", help=description, description=f"{description.capitalize()}."
    )
    reports = report.add_subparsers(metavar="REPORT", required=True)
    cashiers = add_command(
        reports,
        _cashiers,
        "cashiers",
        "tell whether cashiers check documents where they must, the most urgent first",
        timeout=DEFAULT_REPORT_TIMEOUT,
        notes=_TIMES + CASHIER_NOTES,
        examples=_CASHIER_EXAMPLES,
    )
    _add_what(cashiers)
    cashiers.add_argument(
        "--cashier", metavar="ID", type=word, help="one cashier only (default: all)"
    )
    cashiers.add_argument(
        "--category", metavar="NAME", type=word, help="the age-restricted goods (default: alcohol)"
    )
    age_groups = add_command(
        reports,
        _age_groups,
        "age-groups",
        "tell what each age group buys, and what offers brought",
        timeout=DEFAULT_REPORT_TIMEOUT,
        notes=_TIMES + AGE_GROUP_NOTES,
        examples=_AGE_GROUP_EXAMPLES,
    )
    _add_what(age_groups)


def _add_what(command: argparse.ArgumentParser) -> None:
    """Add what both reports are asked."""
    command.add_argument(
        "--store", metavar="ID", type=word, help="one store only (default: all you may see)"
    )
    command.add_argument(
        "--from",
        metavar="TIME",
        dest="start",
        type=moment,
        help="first moment (default: 28 days before --to)",
    )
    command.add_argument(
        "--to", metavar="TIME", dest="end", type=moment, help="first moment after it (default: now)"
    )
    command.add_argument("--json", action="store_true", help="print one JSON object with all of it")


def _cashiers(client: Client, options: argparse.Namespace) -> ExitCode:
    """Ask for the cashier report and print it."""
    report = client.cashier_report(
        store_id=options.store,
        cashier_id=options.cashier,
        start=options.start,
        end=options.end,
        restricted_category=options.category,
        timeout=options.timeout,
    )
    return _print(report, cashier_lines(report), as_json=options.json)


def _age_groups(client: Client, options: argparse.Namespace) -> ExitCode:
    """Ask for the age-group report and print it."""
    report = client.age_group_report(
        store_id=options.store, start=options.start, end=options.end, timeout=options.timeout
    )
    return _print(report, age_group_lines(report), as_json=options.json)


def _print(
    report: CashierReport | AgeGroupReport, lines: Iterable[str], *, as_json: bool
) -> ExitCode:
    """Print the report as JSON for programs, or as `lines` for people."""
    text = json.dumps(report.to_dict(), allow_nan=False) if as_json else "\n".join(lines)
    say(text)
    return ExitCode.DONE
