"""A token file is checked to the last key."""

from __future__ import annotations

import pytest

from agelane_serving.gateway.security.credentials import CredentialsError, read_credentials
from tests.serving.gateway.security.tokens import GOOD, SECRET, sha256


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("schema = 1", "schema = 2", "schema must be 1, not 2"),
        ("schema = 1", "schema = true", "schema must be 1"),
        ("schema = 1", "", "schema is missing"),
        ("schema = 1", "schema = 1\nstores = 2", "unknown key stores"),
        ("schema = 1", "schema =", "at line 2"),
        ('role = "operator"', "", "tokens.head-office.role is missing"),
        ('role = "operator"', 'role = "cashier"', "must be one of lane, manager, operator"),
        ('role = "operator"', 'role = ["operator"]', "must be one of lane, manager, operator"),
        ('role = "operator"', 'role = "operator"\nlane_id = "3"', "lane_id is only for"),
        ('role = "operator"', 'role = "operator"\nlane = "3"', "unknown key tokens.head-office."),
        ('role = "operator"', 'role = "lane"', "tokens.head-office.store_id is missing"),
        ('lane_id = "3"', "lane_id = 3", "tokens.till-3.lane_id must be 1 to 64"),
        ('lane_id = "3"', 'lane_id = ""', "tokens.till-3.lane_id must be 1 to 64"),
        ('lane_id = "3"', f'lane_id = "{"3" * 65}"', "tokens.till-3.lane_id must be 1 to 64"),
        ('lane_id = "3"', 'lane_id = "3\\n"', "tokens.till-3.lane_id must be 1 to 64"),
        ("01:00:00+01:00", "01:00:00", "tokens.till-3.not_after must be a date and time with an"),
        ("T01:00:00+01:00", "", "tokens.till-3.not_after must be a date and time with an"),
        (f'"{sha256(SECRET)}"', "1", "tokens.till-3.sha256 must be 64 of 0-9 a-f"),
        (sha256(SECRET), sha256(SECRET).upper(), "tokens.till-3.sha256 must be 64 of 0-9 a-f"),
        (f'sha256 = "{sha256(SECRET)}"', "", "tokens.till-3.sha256 is missing"),
        ("till.3-new", "till 3", "a token's id is 1 to 64"),
        ("till.3-new", "", "a token's id is 1 to 64"),
        ("[tokens.maria]", "[tokens.maria.x]", "tokens.maria.sha256 is missing"),
        ("[tokens.maria]", "[tokens.till-3]", "twice"),
    ],
)
def test_a_wrong_file_is_refused_by_its_key(old: str, new: str, said: str) -> None:
    """A misspelt limit must not pass for a set one."""
    assert old in GOOD
    with pytest.raises(CredentialsError) as caught:
        read_credentials(GOOD.replace(old, new, 1))
    assert said in str(caught.value)


@pytest.mark.parametrize("role", ["manager", "operator"])
def test_all_stores_are_for_those_who_sell_nothing(role: str) -> None:
    """A chain's manager sees each of its stores."""
    text = GOOD.replace('role = "operator"', f'role = "{role}"')
    caller = read_credentials(text).caller_of([("authorization", f"Bearer head-office.{'h' * 43}")])
    assert caller.permitted_store("any", "") == ("any", "")


@pytest.mark.parametrize("tokens", ["", "[tokens]", "tokens = 1", "[tokens]\na = 1"])
def test_a_file_without_tokens_is_refused(tokens: str) -> None:
    """With it nobody could call, and a file that was cut short might be one."""
    with pytest.raises(CredentialsError, match="tokens"):
        read_credentials("schema = 1\n" + tokens)


@pytest.mark.parametrize(
    "line", ['sha256 = "{}"', "sha256 = {}", '{} = "lane"', 'sha256 = ["{}"]', 'sha256 = "{}']
)
def test_a_secret_that_got_into_the_file_is_not_quoted(line: str) -> None:
    """Where a hash belongs, somebody will paste the token itself."""
    secret = "Zm9v" * 11
    with pytest.raises(CredentialsError) as caught:
        read_credentials(f"schema = 1\n[tokens.a]\n{line.format(secret)}")
    assert secret not in repr(caught.value)
    assert secret not in repr(caught.value.__cause__)
