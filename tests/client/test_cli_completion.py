"""`agelane completion`, in the shells themselves."""

from __future__ import annotations

import argparse
import shutil
import subprocess
from pathlib import Path

import pytest

from agelane_client.cli.arguments import ExitCode
from agelane_client.cli.main import main, make_parser
from agelane_client.cli.shells import SCRIPTS
from agelane_client.cli.tree import tree
from tests.client.conftest import SAMPLES

# What readline does: the words before the cursor, = and : words of their own, then the function.
TRY_BASH = """
source "$1"
shift
COMP_WORDS=("$@")
COMP_CWORD=$(($# - 1))
_agelane
[[ ${#COMPREPLY[@]} == 0 ]] || printf '%s\\n' "${COMPREPLY[@]}"
"""
CASES = [
    ([""], {"assess", "record", "report", "health", "bench", "completion"}),
    (["re"], {"record", "report"}),
    (["report", ""], {"cashiers", "age-groups"}),
    (["report", "cashiers", "--f"], {"--from"}),
    (["report", "cashiers", ""], set()),
    (["completion", "f"], {"fish"}),
    (["completion", ""], {"bash", "zsh", "fish"}),
    (["assess", "--tls", "o"], {"obama_2009.jpg", "obama_2012.jpg"}),
    (["assess", "--jobs", "2", "co"], {"collins.jpg"}),
    (["assess", "--target", "localhost", ":", "1", "--js"], {"--json"}),
    (["assess", "--jobs", ""], set()),
    (["bench", "b"], {"biden_2010.jpg", "broken.jpg"}),
    (["record", "co"], {"collins.jpg"}),
    (["record", "--token-file", "=", "co"], {"collins.jpg"}),
    (["health", "--token-file", "co"], {"collins.jpg"}),
    (["health", ""], set()),
]


@pytest.fixture(name="scripts", scope="module")
def scripts_fixture(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a script for each shell."""
    folder = tmp_path_factory.mktemp("completion")
    for shell, write in SCRIPTS.items():
        (folder / shell).write_text(write(list(tree(make_parser()))) + "\n")
    return folder


@pytest.mark.parametrize("shell", list(SCRIPTS))
def test_a_script_is_printed(shell: str, scripts: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Without a gateway."""
    assert main(["completion", shell]) == ExitCode.DONE
    assert capsys.readouterr().out == (scripts / shell).read_text()


@pytest.mark.parametrize("shell", list(SCRIPTS))
def test_a_shell_can_read_its_script(shell: str, scripts: Path) -> None:
    """If it is installed."""
    program = needed(shell)
    done = subprocess.run([program, "-n", scripts / shell], capture_output=True, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (0, b"", b"")


@pytest.mark.parametrize(("words", "expected"), CASES)
def test_bash_completes(words: list[str], expected: set[str], scripts: Path) -> None:
    """Commands, options, their values and files, each where it may stand."""
    done = subprocess.run(
        [needed("bash"), "-c", TRY_BASH, "bash", scripts / "bash", "agelane", *words],
        cwd=SAMPLES,
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stderr == ""
    assert set(done.stdout.splitlines()) == expected


def test_bash_keeps_a_name_with_spaces_whole(scripts: Path, tmp_path: Path) -> None:
    """And a star is a star."""
    names = {"a photo.jpg", "a*.jpg"}
    for name in names:
        (tmp_path / name).touch()
    done = subprocess.run(
        [needed("bash"), "-c", TRY_BASH, "bash", scripts / "bash", "agelane", "assess", "a"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=True,
    )
    assert set(done.stdout.splitlines()) == names


def test_fish_completes(scripts: Path) -> None:
    """The same; it does not part words at = and :."""
    program = needed("fish")
    for words, expected in CASES:
        if {"=", ":"} & set(words):
            continue
        line = " ".join(["agelane", *words])
        done = subprocess.run(
            [program, "-c", 'source $argv[1]; complete -C "$argv[2]"', scripts / "fish", line],
            cwd=SAMPLES,
            capture_output=True,
            text=True,
            check=True,
        )
        assert {found.partition("\t")[0] for found in done.stdout.splitlines()} == expected


def test_every_command_and_option_is_known() -> None:
    """To the tree that the scripts are made from, those of a new command too."""
    parser = argparse.ArgumentParser(prog="it")
    commands = parser.add_subparsers()
    one = commands.add_parser("one", help="the first")
    one.add_argument("--secret", help=argparse.SUPPRESS)
    one.add_argument("-v", "--verbose", action="store_true", help="100 %% of it")
    one.add_argument("--kind", choices=["a", "b"], default="a", help="kind (default: %(default)s)")
    one.add_argument("photo", metavar="PHOTO")
    root, below = tree(parser)
    assert root.commands == {"one": "the first"}
    assert below.path == ("one",)
    _, verbose, kind = below.options
    assert (verbose.spellings, verbose.takes_value) == (("-v", "--verbose"), False)
    assert (kind.values, kind.help) == (("a", "b"), "kind (default: a)")
    assert verbose.help == "100 % of it"
    assert below.takes_files


def test_a_shell_that_nobody_knows_is_exit_code_2(capsys: pytest.CaptureFixture[str]) -> None:
    """With those that there are."""
    with pytest.raises(SystemExit) as caught:
        main(["completion", "cmd"])
    assert caught.value.code == ExitCode.USAGE
    assert "fish" in capsys.readouterr().err


def needed(shell: str) -> str:
    """Return the program of a shell; skips the test where there is none."""
    program = shutil.which(shell)
    if program is None:
        pytest.skip(f"{shell} is not installed")
    return program
