"""Files and functions stay as short as CONTRIBUTING.md asks."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

from tests.packaging.distributions import ROOT

LONGEST_FILE = 400
LONGEST_FUNCTION = 60
FOLDERS = ("client", "serving", "trainer", "loadtest", "tests")


def sources() -> list[Path]:
    """Return all Python files that people write."""
    return [
        ROOT / "proto" / "generate.py",
        *(path for folder in FOLDERS for path in (ROOT / folder).rglob("*.py")),
    ]


@pytest.mark.parametrize("path", sources(), ids=lambda path: path.relative_to(ROOT).as_posix())
def test_files_and_functions_are_short(path: Path) -> None:
    """At most 400 lines a file and 60 lines a function."""
    text = path.read_text("utf-8")
    assert text.count("\n") <= LONGEST_FILE
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            assert (node.end_lineno or 0) - node.lineno < LONGEST_FUNCTION, node.name
