"""Completion scripts of `agelane` for three shells."""

from __future__ import annotations

import shlex
from collections.abc import Callable, Iterable, Iterator, Sequence

from agelane_client.cli.tree import Argument, Command

_BASH = """\
# bash completion of agelane, made by `agelane completion bash`
_agelane() {{
    local word=${{COMP_WORDS[COMP_CWORD]}} previous=${{COMP_WORDS[COMP_CWORD-1]}} at="" i reply
    local words="" files="" options=""
    if [[ $word == = ]]; then
        word=""
    elif [[ $previous == = ]]; then
        previous=${{COMP_WORDS[COMP_CWORD-2]}}
    fi
    for ((i = 1; i < COMP_CWORD; i++)); do
        case "$at ${{COMP_WORDS[i]}}" in
            {paths}) at="$at ${{COMP_WORDS[i]}}" ;;
        esac
    done
    case "$at" in
{commands}
    esac
    case "$at $previous" in
{values}
        *) if [[ $word == -* ]]; then words=$options files=""; fi ;;
    esac
    COMPREPLY=()
    while IFS= read -r reply; do
        COMPREPLY+=("$reply")
    done < <(compgen -W "$words" -- "$word"; [[ -z $files ]] || compgen -f -- "$word")
    # Quote names of files, and go on after a folder; older than bash 4 can't.
    [[ -z $files ]] || compopt -o filenames 2>/dev/null
}}
complete -F _agelane agelane
"""
_ZSH = """\
#compdef agelane
# zsh completion of agelane, made by `agelane completion zsh`
_agelane() {{
    local at="" depth=0 i
    for ((i = 2; i < CURRENT; i++)); do
        case "$at ${{words[i]}}" in
            ({paths}) at="$at ${{words[i]}}"; depth=$((i - 1)) ;;
        esac
    done
    shift depth words
    ((CURRENT -= depth))
    case "$at" in
{commands}
    esac
}}
if [[ $funcstack[1] == _agelane ]]; then
    _agelane "$@"
else
    compdef _agelane agelane
fi
"""
_FISH = """\
# fish completion of agelane, made by `agelane completion fish`
function __agelane_at
    set -l at
    for word in (commandline -opc)[2..-1]
        switch "$at $word"
            case {paths}
                set at "$at $word"
        end
    end
    test "$at" = "$argv[1]"
end
complete -c agelane -f
{commands}
"""


def bash(commands: Sequence[Command]) -> str:
    """Return the script for bash, also for the old one of macOS."""
    values = [
        f"        {pattern}) words={shlex.quote(' '.join(option.values))}"
        f" files={'yes' if option.is_file else ''} ;;"
        for command in commands
        for option in command.options
        if option.takes_value
        for pattern in ["|".join(shlex.quote(f"{_at(command)} {it}") for it in option.spellings)]
    ]
    return _BASH.format(
        paths="|".join(_paths(commands)),
        commands="\n".join(map(_bash_command, commands)),
        values="\n".join(values),
    ).rstrip("\n")


def _bash_command(command: Command) -> str:
    spellings = [spelling for option in command.options for spelling in option.spellings]
    return (
        f"        {shlex.quote(_at(command))}) words={shlex.quote(' '.join(command.words))}"
        f" files={'yes' if command.takes_files else ''}"
        f" options={shlex.quote(' '.join(spellings))} ;;"
    )


def zsh(commands: Sequence[Command]) -> str:
    """Return the script for zsh, to be sourced or to lie in its fpath."""
    return _ZSH.format(
        paths="|".join(_paths(commands)),
        commands="\n".join(map(_zsh_command, commands)),
    ).rstrip("\n")


def _zsh_command(command: Command) -> str:
    specs = " ".join(_zsh_specs(command))
    return f"        ({shlex.quote(_at(command))}) _arguments -s {specs} ;;"


def _zsh_specs(command: Command) -> Iterator[str]:
    for option in command.options:
        text = _escaped(option.help, "\\[]:")
        value = f":value:{_zsh_value(option)}" if option.takes_value else ""
        for spelling in option.spellings:
            equals = "=" if value and spelling.startswith("--") else ""
            yield shlex.quote(f"{spelling}{equals}[{text}]{value}")
    if command.commands:
        pairs = " ".join(
            f"{name}\\:{shlex.quote(_escaped(text, ':'))}"
            for name, text in command.commands.items()
        )
        yield shlex.quote(f":command:(({pairs}))")
    for argument in command.arguments:
        yield shlex.quote(f"*:value:{_zsh_value(argument)}")


def _zsh_value(argument: Argument) -> str:
    if argument.is_file:
        return "_files"
    return f"({' '.join(argument.values)})" if argument.values else " "


def fish(commands: Sequence[Command]) -> str:
    """Return the script for fish."""
    return _FISH.format(
        paths=" ".join(_paths(commands)),
        commands="\n".join(line for command in commands for line in _fish_lines(command)),
    ).rstrip("\n")


def _fish_lines(command: Command) -> Iterator[str]:
    condition = _fish_quoted(f"__agelane_at {_fish_quoted(_at(command))}")
    begin = f"complete -c agelane -n {condition}"
    for name, text in command.commands.items():
        yield f"{begin} -a {name} -d {_fish_quoted(text)}"
    for argument in command.arguments:
        yield f"{begin} {_fish_value(argument)}"
    for option in command.options:
        names = " ".join(_fish_names(option.spellings))
        value = f" -r {_fish_value(option)}" if option.takes_value else ""
        yield f"{begin} {names}{value} -d {_fish_quoted(option.help)}"


def _fish_names(spellings: Iterable[str]) -> Iterator[str]:
    for spelling in spellings:
        yield f"-l {spelling[2:]}" if spelling.startswith("--") else f"-s {spelling[1:]}"


def _fish_value(argument: Argument) -> str:
    if argument.is_file:
        return "-F"
    return f"-f -a {_fish_quoted(' '.join(argument.values))}" if argument.values else "-f"


def _paths(commands: Iterable[Command]) -> Iterator[str]:
    """Yield the quoted paths of all commands but the first, which is no word's."""
    return (shlex.quote(_at(command)) for command in commands if command.path)


def _at(command: Command) -> str:
    """Return the path as the scripts add it up: a space before each word."""
    return "".join(f" {word}" for word in command.path)


def _escaped(text: str, characters: str) -> str:
    return "".join(f"\\{it}" if it in characters else it for it in text)


def _fish_quoted(text: str) -> str:
    return "'" + text.replace("\\", "\\\\").replace("'", "\\'") + "'"


SCRIPTS: dict[str, Callable[[Sequence[Command]], str]] = {"bash": bash, "zsh": zsh, "fish": fish}
