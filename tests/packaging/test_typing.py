"""A till's programmer is told by mypy what is right and what is wrong."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

from tests.packaging.distributions import ROOT

MISTAKES = """
from pathlib import Path
from agelane_client import Assessment, AsyncClient, Client, Sale, SaleOutcome

def mistaken(client: Client, asynchronous: AsyncClient, assessment: Assessment) -> None:
    client.assess(7)  # arg-type
    client.assess("a.jpg", timeout="1")  # arg-type
    client.assess("a.jpg", "lane-1")  # call-arg
    client.assess_frames(b"one photo")  # arg-type
    client.record_sale("sale-1")  # arg-type
    client.estimate("a.jpg")  # attr-defined
    client.sale_spool("s").record(assessment)  # arg-type
    Client("a:1", hedging="yes")  # arg-type
    Sale(outcome="SOLD")  # arg-type
    Sale(SaleOutcome.SOLD)  # call-arg
    assessment.age_years + 1  # operator
    assessment.age_years = 31.0  # misc
    asynchronous.assess("a.jpg").alcohol_decision  # attr-defined
    if assessment.alcohol_decision == 3:  # comparison-overlap
        return
"""


def mypy(folder: Path, *files: Path) -> str:
    """Check files as a stranger would who has installed the SDK; return what mypy says."""
    command = [sys.executable, "-m", "mypy", "--strict", "--config-file=", *map(str, files)]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False).stdout


def test_a_users_program_passes(tmp_path: Path) -> None:
    """The examples, under mypy's strict rules and no others."""
    examples = sorted((ROOT / "client" / "examples").glob("*.py"))
    assert len(examples) == 4
    assert re.match("Success", mypy(tmp_path, *examples))


def test_a_users_mistakes_are_found(tmp_path: Path) -> None:
    """Each on its line, and nothing else."""
    program = tmp_path / "till.py"
    program.write_text(MISTAKES, encoding="utf-8")
    wanted = {
        (number, found[1])
        for number, line in enumerate(MISTAKES.splitlines(), 1)
        if (found := re.search(r"  # (\S+)$", line))
    }
    said = mypy(tmp_path, program)
    told = {(int(line), code) for line, code in re.findall(r":(\d+): error: .*\[(\S+)\]", said)}
    assert told == wanted, said
