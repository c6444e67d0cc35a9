"""A key file is checked to the last key, and none of its keys is ever quoted."""

from __future__ import annotations

import pytest

from agelane_serving.gateway.security.assessment_token import KeyRingError, read_key_ring
from tests.serving.gateway.security.proofs import GOOD, OLD_KEY, OLD_TEXT, TEXT


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("schema = 1", "schema = 2", "schema must be 1"),
        ("schema = 1", "schema = 1\nverify = 1", "unknown key verify"),
        ("schema = 1", "schema =", "at line 2"),
        ('signing = "2026-11"', "", "signing is missing"),
        ('signing = "2026-11"', 'signing = "2026-12"', "signing must be the id of one of [keys]"),
        ('signing = "2026-11"', "signing = 1", "signing must be the id of one of [keys]"),
        ('signing = "2026-11"', 'signing = ["2026-11"]', "signing must be the id of one of [keys]"),
        ('"2026-10"', '""', "a key's id is 1 to 64"),
        ('"2026-10"', '"October 2026"', "a key's id is 1 to 64"),
        ('"2026-10"', f'"{"a" * 65}"', "a key's id is 1 to 64"),
        (f'"{OLD_TEXT}"', "1", "keys.2026-10 must be 32 bytes in base64"),
        (OLD_TEXT, "", "keys.2026-10 must be 32 bytes in base64"),
        (OLD_TEXT, OLD_TEXT[4:], "keys.2026-10 must be 32 bytes in base64"),
        (OLD_TEXT, OLD_TEXT + "\\n", "keys.2026-10 must be 32 bytes in base64"),
        (OLD_TEXT, "ä" + OLD_TEXT, "keys.2026-10 must be 32 bytes in base64"),
        (OLD_TEXT, OLD_KEY.hex(), "keys.2026-10 must be 32 bytes in base64"),
        ("[keys]", "[keys.x]", "signing must be the id of one of [keys]"),
    ],
)
def test_a_wrong_file_is_refused_by_its_key(old: str, new: str, said: str) -> None:
    """And no key is quoted."""
    assert old in GOOD
    with pytest.raises(KeyRingError) as caught:
        read_key_ring(GOOD.replace(old, new, 1))
    assert said in str(caught.value)
    for secret in (TEXT, OLD_TEXT, OLD_TEXT[4:], OLD_KEY.hex()):
        assert secret not in repr(caught.value)
        assert secret not in repr(caught.value.__cause__)


def test_a_file_with_ids_and_keys_the_wrong_way_round_quotes_none() -> None:
    """It happens, and the message ends up in a log."""
    with pytest.raises(KeyRingError) as caught:
        read_key_ring(f'schema = 1\nsigning = "{TEXT}"\n[keys]\n"{TEXT}" = "2026-11"')
    assert TEXT not in str(caught.value)
