"""A token proves an assessment; nothing else does, and it proves nothing but that."""

from __future__ import annotations

import hashlib
from dataclasses import replace

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from agelane_serving.gateway.errors import CallError, Fault
from agelane_serving.gateway.security.assessment_token import (
    LONGEST_TOKEN,
    KeyRing,
    read_key_ring,
)
from agelane_serving.gateway.security.proof import Proof
from tests.serving.gateway.security.proofs import (
    GOOD,
    KEY,
    LARGEST,
    NOW,
    OLD_KEY,
    OLD_TEXT,
    PROOF,
    REASONS,
    RING,
    proofs,
)


def fault_of(
    token: bytes, now: float = NOW, at: float | None = None, ring: KeyRing = RING
) -> Fault:
    """Return why a token is refused."""
    with pytest.raises(CallError) as caught:
        ring.verify(token, now, at)
    return caught.value.fault


@given(proofs())
@example(LARGEST)
def test_what_is_signed_comes_back(proof: Proof) -> None:
    """In at most a kibibyte, and the same for the same proof."""
    token = RING.sign(proof)
    assert RING.verify(token, proof.expires_at) == proof
    assert len(token) <= LONGEST_TOKEN
    assert RING.sign(replace(proof)) == token


def test_the_longest_proof_fits() -> None:
    """Even with the longest id of a key, and all reasons of the contract at once."""
    ring = KeyRing("k" * 64, {"k" * 64: KEY})
    for proof in (LARGEST, replace(LARGEST, reasons=REASONS)):
        token = ring.sign(proof)
        assert len(token) <= LONGEST_TOKEN
        assert ring.verify(token, 0) == proof


def test_equal_proofs_have_equal_tokens() -> None:
    """To the millisecond."""
    one = replace(PROOF, assessed_at=1.0, expires_at=2.0)
    other = replace(PROOF, assessed_at=1.0004, expires_at=1.9995001)
    assert one == other
    assert RING.sign(one) == RING.sign(other)
    assert RING.sign(one) != RING.sign(PROOF)


@given(proofs(), st.data())
def test_no_changed_bit_goes_unnoticed(proof: Proof, data: st.DataObject) -> None:
    """Of the version, the key's id, the MAC or the payload."""
    token = bytearray(RING.sign(proof))
    bit = data.draw(st.integers(0, 8 * len(token) - 1))
    token[bit // 8] ^= 1 << bit % 8
    assert fault_of(bytes(token)) is Fault.TOKEN_FORGED


def test_no_bit_of_a_token_is_idle() -> None:
    """Each one of them, once."""
    token = RING.sign(PROOF)
    for bit in range(8 * len(token)):
        changed = bytearray(token)
        changed[bit // 8] ^= 1 << bit % 8
        assert fault_of(bytes(changed)) is Fault.TOKEN_FORGED


def test_no_shortened_token_counts() -> None:
    """Not even the empty one."""
    token = RING.sign(PROOF)
    for length in range(len(token)):
        assert fault_of(token[:length]) is Fault.TOKEN_FORGED


@given(st.binary(min_size=1))
@example(bytes(LONGEST_TOKEN))
def test_no_lengthened_token_counts(more: bytes) -> None:
    """At either end."""
    token = RING.sign(PROOF)
    assert fault_of(token + more) is Fault.TOKEN_FORGED
    assert fault_of(more + token) is Fault.TOKEN_FORGED


@given(st.binary(max_size=2 * LONGEST_TOKEN))
@example(b"\x02")
@example(b"\x02\x00")
@example(b"\x02\xff")
@example(b"\x02\x072026-11")
@example(b"\x02\x072026-11" + bytes(32))
def test_no_bytes_are_a_token_by_chance(token: bytes) -> None:
    """Nor do any raise something unforeseen, behind a good beginning either."""
    assert fault_of(token) is Fault.TOKEN_FORGED
    assert fault_of(RING.sign(PROOF)[:9] + token) is Fault.TOKEN_FORGED


@pytest.mark.parametrize("payload", [b"", b"{", b"[]", b"{}", b"1", b"[1,2]", b"\xff", b"[[[["])
def test_a_payload_of_another_make_is_not_understood(payload: bytes) -> None:
    """Even under the right key."""
    header = b"\x02\x072026-11"
    mac = hashlib.blake2b(header + payload, key=KEY, digest_size=32).digest()
    token = header + mac + payload
    assert fault_of(token) is Fault.TOKEN_FORGED


def test_a_token_counts_until_it_expires() -> None:
    """To the millisecond, and by the same fault ever after."""
    token = RING.sign(PROOF)
    assert RING.verify(token, PROOF.expires_at) == PROOF
    assert fault_of(token, PROOF.expires_at + 0.001) is Fault.TOKEN_EXPIRED
    assert fault_of(token, float("nan")) is Fault.TOKEN_EXPIRED


def test_a_sale_that_waited_for_the_network_counts_by_its_own_time() -> None:
    """Days later, if the token was valid then."""
    token, days_later = RING.sign(PROOF), PROOF.expires_at + 5 * 86_400
    assert RING.verify(token, days_later, at=PROOF.expires_at) == PROOF
    assert fault_of(token, days_later, at=PROOF.expires_at + 1) is Fault.TOKEN_EXPIRED


def test_a_tills_clock_that_is_ahead_expires_nothing() -> None:
    """No sale is later than now."""
    token = RING.sign(PROOF)
    assert RING.verify(token, NOW, at=PROOF.expires_at + 3600) == PROOF
    assert RING.verify(token, NOW, at=float("nan")) == PROOF


def test_a_changed_token_is_forged_whether_it_has_expired_or_not() -> None:
    """Nobody learns from a refusal what they could not read."""
    token = RING.sign(PROOF)[:-1] + b"}"
    assert fault_of(token, PROOF.expires_at + 1) is Fault.TOKEN_FORGED


def test_keys_can_be_changed_without_refusing_a_token() -> None:
    """First all gateways know the new key, then they sign with it, then the old one goes."""
    before = read_key_ring(GOOD.replace('signing = "2026-11"', 'signing = "2026-10"'))
    after = read_key_ring(GOOD.replace(f'"2026-10" = "{OLD_TEXT}"', ""))
    old_token, token = before.sign(PROOF), RING.sign(PROOF)
    assert old_token != token
    assert RING.verify(old_token, NOW) == before.verify(token, NOW) == PROOF
    assert after.verify(token, NOW) == PROOF
    assert fault_of(old_token, ring=after) is Fault.TOKEN_FORGED


def test_another_chains_token_is_forged() -> None:
    """Though its key has the same id."""
    other = KeyRing("2026-11", {"2026-11": OLD_KEY})
    assert fault_of(other.sign(PROOF)) is Fault.TOKEN_FORGED


def test_no_key_is_shown() -> None:
    """Whoever prints a key ring by chance, or the error of a token, leaks nothing."""
    assert repr(RING) == str(RING) == "<KeyRing with 2 keys>"
    with pytest.raises(CallError) as caught:
        RING.verify(RING.sign(PROOF)[:-1], NOW)
    assert "2026" not in caught.value.message
