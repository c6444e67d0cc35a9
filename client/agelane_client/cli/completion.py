"""`agelane completion`: scripts that let a shell complete what is typed, made from the parser."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from functools import partial

from agelane_client.cli.arguments import EXIT_CODES, Commands, ExitCode, add_plain_command
from agelane_client.cli.output import say
from agelane_client.cli.shells import SCRIPTS
from agelane_client.cli.tree import tree

_NOTES = """\
install:
  bash  in ~/.bashrc:                source <(agelane completion bash)
  zsh   in ~/.zshrc, below compinit: source <(agelane completion zsh)
  fish  once:  agelane completion fish > ~/.config/fish/completions/agelane.fish

"""
_EXAMPLES = """\
  source <(agelane completion bash)
  agelane completion fish > ~/.config/fish/completions/agelane.fish
"""


def add_completion(commands: Commands, make_parser: Callable[[], argparse.ArgumentParser]) -> None:
    """Add `completion`; `make_parser` makes the parser that the scripts are made from."""
    completion = add_plain_command(
        commands,
        partial(_completion, make_parser),
        "completion",
        "print a script with which bash, zsh or fish completes agelane's arguments",
        notes=_NOTES + EXIT_CODES,
        examples=_EXAMPLES,
    )
    completion.add_argument("shell", choices=list(SCRIPTS), help="the shell")


def _completion(
    make_parser: Callable[[], argparse.ArgumentParser], options: argparse.Namespace
) -> ExitCode:
    """Print the script for a shell."""
    say(SCRIPTS[options.shell](list(tree(make_parser()))))
    return ExitCode.DONE
