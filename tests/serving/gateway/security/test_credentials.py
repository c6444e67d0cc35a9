"""A call is somebody's, or refused."""

from __future__ import annotations

import logging

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agelane_serving.gateway.errors import CallError, Fault
from agelane_serving.gateway.security.caller import Caller
from agelane_serving.gateway.security.credentials import (
    Credentials,
    Token,
    read_credentials,
)
from tests.serving.gateway.security.tokens import (
    ANY_LANE,
    END,
    GOOD,
    LANE,
    MANAGER,
    NEW_SECRET,
    OPERATOR,
    SECRET,
    sha256,
)


@pytest.fixture(scope="module")
def credentials() -> Credentials:
    """The tokens of the good file."""
    return read_credentials(GOOD)


def bearer(token: str) -> list[tuple[str, str | bytes]]:
    """Return the metadata of a call with a token."""
    return [("user-agent", "a till"), ("authorization", f"Bearer {token}")]


def fault_of(
    credentials: Credentials, metadata: list[tuple[str, str | bytes]] | None, now: float = END
) -> Fault:
    """Return why a call is refused; its message must give nothing away."""
    with pytest.raises(CallError) as caught:
        credentials.caller_of(metadata, now)
    assert caught.value.message in (
        "the call carries no credentials",
        "the credentials are wrong or no longer valid",
    )
    return caught.value.fault


@pytest.mark.parametrize(
    ("token", "caller"),
    [
        (f"till-3.{SECRET}", LANE),
        (f"till.3-new.{NEW_SECRET}", ANY_LANE),
        (f"maria.{'m' * 43}", MANAGER),
        (f"head-office.{'h' * 43}", OPERATOR),
    ],
)
def test_a_token_tells_whose_call_it_is(
    credentials: Credentials, token: str, caller: Caller
) -> None:
    """Two tokens of one lane are valid at once, so that they can be changed without a gap."""
    assert credentials.caller_of(bearer(token), END) == caller


def test_the_scheme_may_be_written_as_one_likes(credentials: Credentials) -> None:
    """As HTTP has it."""
    metadata = [("authorization", f"bearer till-3.{SECRET}")]
    assert credentials.caller_of(metadata, END) == LANE


@pytest.mark.parametrize("metadata", [None, [], [("user-agent", "a till")]])
def test_a_call_without_a_token_lacks_credentials(
    credentials: Credentials, metadata: list[tuple[str, str | bytes]] | None
) -> None:
    """Which is told apart from wrong ones: there the till was not set up."""
    assert fault_of(credentials, metadata) is Fault.CREDENTIALS_MISSING


@pytest.mark.parametrize(
    "value",
    [
        "",
        "Bearer",
        "Bearer ",
        "Bearer .",
        "Bearer till-3",
        "Bearer till-3.",
        f"Bearer {SECRET}",
        f"Bearer .{SECRET}",
        f"till-3.{SECRET}",
        f"Basic till-3.{SECRET}",
        f"Bearer  till-3.{SECRET}",
        f"Bearer till-3.{SECRET} ",
        f"Bearer till-3.{SECRET[:-1]}",
        f"Bearer till-3.{SECRET}s",
        f"Bearer till-3.{NEW_SECRET}",
        f"Bearer TILL-3.{SECRET}",
        f"Bearer nobody.{SECRET}",
        f"Bearer till-3.{sha256(SECRET)}",
        f"Bearer till-3.{SECRET[:-1]}ß",
        "Bearer till-3.\udcff",
        "Bearer till-3." + "s" * 10_000,
        f"Bearer till-3.{SECRET}".encode(),
    ],
)
def test_a_wrong_token_is_invalid_whatever_is_wrong_with_it(
    credentials: Credentials, value: str | bytes
) -> None:
    """Nobody learns which ids exist."""
    assert fault_of(credentials, [("authorization", value)]) is Fault.CREDENTIALS_INVALID


def test_two_tokens_in_one_call_are_invalid(credentials: Credentials) -> None:
    """Which of them would count?"""
    metadata = bearer(f"till-3.{SECRET}") * 2
    assert fault_of(credentials, metadata) is Fault.CREDENTIALS_INVALID


def test_a_token_is_valid_to_its_last_moment_and_not_after(credentials: Credentials) -> None:
    """One without a last moment stays valid; so a clock that says nothing helps nobody."""
    metadata = bearer(f"till-3.{SECRET}")
    assert credentials.caller_of(metadata, END) == LANE
    assert fault_of(credentials, metadata, END + 0.001) is Fault.CREDENTIALS_INVALID
    assert fault_of(credentials, metadata, float("nan")) is Fault.CREDENTIALS_INVALID
    assert credentials.caller_of(bearer(f"maria.{'m' * 43}"), END + 1e9) == MANAGER


@pytest.mark.parametrize(("year", "valid"), [(2020, False), (9999, True)])
def test_without_another_clock_the_machines_counts(year: int, valid: bool) -> None:
    """As on every call."""
    credentials = read_credentials(GOOD.replace("2027-01-01", f"{year}-01-01"))
    metadata = bearer(f"till-3.{SECRET}")
    if valid:
        assert credentials.caller_of(metadata) == LANE
    else:
        with pytest.raises(CallError):
            credentials.caller_of(metadata)


@given(st.text())
def test_no_text_is_a_token(value: str) -> None:
    """Nor does any raise something unforeseen."""
    fault = fault_of(read_credentials(GOOD), [("authorization", "Bearer " + value)])
    assert fault is Fault.CREDENTIALS_INVALID


def test_neither_tokens_nor_their_hashes_are_shown(
    credentials: Credentials, caplog: pytest.LogCaptureFixture
) -> None:
    """Whoever prints or logs an object by chance leaks nothing; logs name an expired token's id."""
    caplog.set_level(logging.DEBUG)
    metadata = bearer(f"till-3.{SECRET}")
    caller = credentials.caller_of(metadata, END)
    assert fault_of(credentials, metadata, END + 1) is Fault.CREDENTIALS_INVALID
    assert fault_of(credentials, bearer(f"nobody.{SECRET}")) is Fault.CREDENTIALS_INVALID
    assert "token till-3 has expired" in caplog.text
    digest = bytes.fromhex(sha256(SECRET))
    shown = f"{credentials!r} {caller!r} {Token(caller, digest)!r} {caplog.text}"
    for secret in (SECRET, digest.hex(), repr(digest)):
        assert secret not in shown
