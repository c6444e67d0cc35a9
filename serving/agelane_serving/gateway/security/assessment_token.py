"""Signed proof of an assessment that a later RecordSale carries back: the gateway keeps no state.

A token is the version (1 byte), the length of the key's id (1 byte), the id, a keyed BLAKE2b
(RFC 7693, 32 bytes) over all the rest, and the proof's fields as a JSON list. Equal proofs under
one key have equal tokens.

The keys come from a file that all gateways of a chain share:

    schema = 1
    signing = "2026-11"
    [keys]
    "2026-10" = "…"   # 32 random bytes in base64: `openssl rand -base64 32`
    "2026-11" = "…"

To change the key, add the new one on all gateways, then name it in `signing`, and take the old one
out once no till has sales left that it signed.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
from collections.abc import Mapping

import orjson
import tomllib

from agelane_serving.gateway.errors import CallError, Fault
from agelane_serving.gateway.security.caller import NAME
from agelane_serving.gateway.security.proof import Proof
from agelane_serving.policy.rules import PolicyError
from agelane_serving.policy.toml_table import Kind, Table, is_whole

LONGEST_TOKEN = 1024
"""Size of the longest token in bytes, as the contract promises. No proof needs more."""
_VERSION = 2
_KEY_SIZE = 32
_MAC_SIZE = 32
_ANYTHING = Kind("", lambda _: True)


class KeyRingError(ValueError):
    """A key file that can't be used; the message quotes no key."""


class KeyRing:
    """The keys of a chain's gateways: one to sign with, all to verify with."""

    def __init__(self, signing: str, keys: Mapping[str, bytes]) -> None:
        """`keys` by their ids, 32 bytes each; `signing` is the id of one of them.

        Raises:
            KeyRingError: an id or a key is not what it must be.
        """
        if signing not in keys:
            raise KeyRingError("signing must be the id of one of [keys]")
        for key_id, key in keys.items():
            if not NAME.fullmatch(key_id):
                raise KeyRingError("[keys]: a key's id is 1 to 64 of A-Z a-z 0-9 . _ -")
            if len(key) != _KEY_SIZE:
                raise KeyRingError(f"keys.{key_id} must be {_KEY_SIZE} bytes in base64")
        self._keys = {key_id.encode(): key for key_id, key in keys.items()}
        self._header = bytes((_VERSION, len(signing))) + signing.encode()
        self._key = keys[signing]

    def __repr__(self) -> str:
        return f"<KeyRing with {len(self._keys)} keys>"

    def sign(self, proof: Proof) -> bytes:
        """Return the token of a proof, at most LONGEST_TOKEN bytes."""
        payload = orjson.dumps(proof.values())
        return self._header + _mac(self._key, self._header, payload) + payload

    def verify(self, token: bytes, now: float, at: float | None = None) -> Proof:
        """Return the proof that a token carries.

        What counts is the moment of the sale, not that of its arrival: a till that was cut off
        delivers its sales later. A till's clock that is ahead expires nothing, since no sale is
        later than now.

        Args:
            token: as a till hands it back; whatever it is, nothing but a CallError comes of it.
            now: the gateway's clock, in Unix seconds.
            at: when the sale was made by the till's clock, in Unix seconds; None: now. A till that
                lies about it can use a token for longer, so take it from nobody but callers with
                credentials.

        Raises:
            CallError: TOKEN_FORGED, no gateway of this chain made it, or it was changed;
                TOKEN_EXPIRED, it is genuine, and had expired at that moment.
        """
        proof = self._genuine(token)
        if not (now if at is None else min(now, at)) <= proof.expires_at:
            raise CallError(Fault.TOKEN_EXPIRED, "the assessment had expired when this was sold")
        return proof

    def _genuine(self, token: bytes) -> Proof:
        if not 2 <= len(token) <= LONGEST_TOKEN or token[0] != _VERSION:
            raise _forged()
        end = 2 + token[1]
        key = self._keys.get(token[2:end])
        if key is None:
            raise _forged()
        mac, payload = token[end : end + _MAC_SIZE], token[end + _MAC_SIZE :]
        # Nothing of the payload is looked at before it is known to be a gateway's own.
        if not hmac.compare_digest(mac, _mac(key, token[:end], payload)):
            raise _forged()
        try:
            return Proof.of_values(orjson.loads(payload))
        except (ValueError, TypeError) as error:
            # A gateway that writes other payloads must give them another version.
            raise _forged() from error


def read_key_ring(text: str) -> KeyRing:
    """Return the keys that a file's text describes.

    Raises:
        KeyRingError: it is not TOML, lacks a key, has one that is not known, or a value is wrong.
    """
    try:
        file = Table(tomllib.loads(text), "")
        file.take("schema", Kind("1", lambda v: is_whole(v) and v == 1))
        signing = file.take("signing", _ANYTHING)
        table = file.table("keys")
        file.finish()
        keys = {key_id: _key(table.take(key_id, _ANYTHING)) for key_id in table.names()}
    except (tomllib.TOMLDecodeError, PolicyError) as error:
        raise KeyRingError(str(error)) from error
    return KeyRing(signing if type(signing) is str else "", keys)


def _key(value: object) -> bytes:
    try:
        return base64.b64decode(value, validate=True) if isinstance(value, str) else b""
    except ValueError:
        return b""


def _mac(key: bytes, header: bytes, payload: bytes) -> bytes:
    return hashlib.blake2b(header + payload, key=key, digest_size=_MAC_SIZE).digest()


def _forged() -> CallError:
    return CallError(Fault.TOKEN_FORGED, "the assessment token is not one of this chain's")
