"""The command that makes a token."""

from __future__ import annotations

import subprocess
import sys

import pytest

from agelane_serving.gateway.security.credentials import CredentialsError, read_credentials
from agelane_serving.gateway.security.new_token import new_token


def run(*arguments: str) -> subprocess.CompletedProcess[str]:
    """Run the command."""
    command = [sys.executable, "-m", "agelane_serving.gateway.security.new_token", *arguments]
    return subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)


def test_no_two_tokens_are_alike() -> None:
    """Nor does the hash hold any of the secret."""
    (token, digest), (other, other_digest) = new_token("till-3"), new_token("till-3")
    assert token != other
    assert digest != other_digest
    assert token.startswith("till-3.")
    assert len(token) == len("till-3.") + 43


def test_the_command_makes_a_token_and_the_lines_that_let_it_in() -> None:
    """Once the store is filled in: until then, the file is refused by that key."""
    done = run("till-3")
    token, lines = done.stdout.strip(), "schema = 1\n" + done.stderr
    assert token not in lines
    assert token.partition(".")[2] not in lines
    with pytest.raises(CredentialsError, match=r"tokens\.till-3\.store_id"):
        read_credentials(lines)
    credentials = read_credentials(lines.replace('store_id = ""', 'store_id = "hamburg-1"'))
    caller = credentials.caller_of([("authorization", f"Bearer {token}")])
    assert (caller.token_id, caller.store_id) == ("till-3", "hamburg-1")


@pytest.mark.parametrize("token_id", ["", "till 3", "a" * 65, 'a"]', "till\n3"])
def test_an_id_that_the_file_could_not_have_is_refused(token_id: str) -> None:
    """With what it must be."""
    done = run(token_id)
    assert (done.returncode, done.stdout) == (2, "")
    assert "1 to 64 of A-Z a-z 0-9 . _ -" in done.stderr


def test_the_command_explains_itself() -> None:
    """Where the token goes and where the lines go."""
    assert "stdout" in run("--help").stdout
