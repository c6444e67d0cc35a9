"""The commands of a parser with what may follow each, for completion."""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from dataclasses import dataclass

_FILES = frozenset({"FILE", "PHOTO"})
"""What the help calls a file."""


@dataclass(frozen=True, kw_only=True)
class Argument:
    """An option with all its spellings, or an argument with none."""

    spellings: tuple[str, ...]
    """For example --json."""
    help: str
    """What it is, in one line."""
    takes_value: bool
    """Whether a value follows."""
    values: tuple[str, ...]
    """The values that there are. Empty: any."""
    is_file: bool
    """Whether the value is a file."""


@dataclass(frozen=True, kw_only=True)
class Command:
    """One command."""

    path: tuple[str, ...]
    """The words by which it is called, without the first."""
    commands: dict[str, str]
    """The commands below it, with their help."""
    options: tuple[Argument, ...]
    """Its options."""
    arguments: tuple[Argument, ...]
    """Its other arguments."""

    @property
    def words(self) -> tuple[str, ...]:
        """What may stand next, files and options aside."""
        values = (value for argument in self.arguments for value in argument.values)
        return (*self.commands, *values)

    @property
    def takes_files(self) -> bool:
        """Whether a file may stand next."""
        return any(argument.is_file for argument in self.arguments)


def tree(parser: argparse.ArgumentParser, path: tuple[str, ...] = ()) -> Iterator[Command]:
    """Yield the commands of `parser`, each before those below it."""
    # argparse has no other way to ask for these two.
    actions = [action for action in parser._actions if action.help != argparse.SUPPRESS]
    below = [action for action in actions if isinstance(action, argparse._SubParsersAction)]
    plain = [_argument(action) for action in actions if action not in below]
    yield Command(
        path=path,
        commands={
            choice.dest: choice.help or "" for it in below for choice in it._get_subactions()
        },
        options=tuple(argument for argument in plain if argument.spellings),
        arguments=tuple(argument for argument in plain if not argument.spellings),
    )
    for action in below:
        for name, command in action.choices.items():
            yield from tree(command, (*path, name))


def _argument(action: argparse.Action) -> Argument:
    text = (action.help or "").replace("%(default)s", str(action.default)).replace("%%", "%")
    return Argument(
        spellings=tuple(action.option_strings),
        help=" ".join(text.split()),
        takes_value=action.nargs != 0,
        values=tuple(map(str, action.choices or ())),
        is_file=action.metavar in _FILES,
    )
