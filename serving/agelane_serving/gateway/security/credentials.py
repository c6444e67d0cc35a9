"""Who calls: per-store API tokens, checked on every call.

A call carries `authorization: Bearer <id>.<secret>` in its metadata, over TLS. The gateway has a
file that tells the tokens by their public ids and knows no secret:

    schema = 1
    [tokens.hamburg-1-till-3]
    sha256 = "…"                       # SHA-256 of the secret's text, 64 hexadecimal digits
    role = "lane"                      # lane, manager or operator
    store_id = "hamburg-1"             # left out: all stores, which a lane can't have
    lane_id = "3"                      # left out: any lane of the store; only for lanes
    not_after = 2027-01-01T00:00:00Z   # left out: no end

Several tokens of one store are valid at once, so a till's can be replaced without a gap: add the
new one, give it to the till, take the old one out. `new_token` makes one.
"""

from __future__ import annotations

import hashlib
import hmac
import logging
import math
import os
import re
import time
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime

import tomllib

from agelane_serving.gateway.errors import CallError, Fault
from agelane_serving.gateway.security.caller import NAME, Caller, Role
from agelane_serving.policy.rules import PolicyError
from agelane_serving.policy.toml_table import Kind, Table, is_whole

_SCHEME = "bearer "
_LONGEST_VALUE = len(_SCHEME) + 64 + len(".") + 43  # 43 characters of base64url are 32 bytes
_SHA256 = re.compile(r"[0-9a-f]{64}")

_logger = logging.getLogger(__name__)


class CredentialsError(ValueError):
    """A token file that can't be used; the message names the key and quotes no secret."""


@dataclass(frozen=True, slots=True)
class Token:
    """What the gateway knows of one token."""

    caller: Caller
    """Whom it stands for."""
    digest: bytes = field(repr=False)
    """SHA-256 of its secret, 32 bytes. The secret has 256 random bits and can't be guessed from
    it, so nothing slower is needed, as it would be for a password."""
    not_after: float = math.inf
    """The last moment at which it is valid, in Unix seconds."""


# Unknown ids are compared with this, so that they take as long as wrong secrets of known ones.
_NOBODY = Token(Caller("", Role.LANE, "", ""), os.urandom(32))


class Credentials:
    """The tokens of one token file."""

    def __init__(self, tokens: Iterable[Token]) -> None:
        """Of tokens with one id, the last one counts."""
        self._tokens = {token.caller.token_id: token for token in tokens}

    def __repr__(self) -> str:
        return f"<Credentials with {len(self._tokens)} tokens>"

    def caller_of(
        self, metadata: Iterable[tuple[str, str | bytes]] | None, now: float | None = None
    ) -> Caller:
        """Return who makes a call.

        Args:
            metadata: `invocation_metadata()` of the call's context.
            now: in Unix seconds; None: the clock's.

        Raises:
            CallError: CREDENTIALS_MISSING, there is no `authorization`; CREDENTIALS_INVALID, it is
                no token, one that is not known, or one that has expired.
        """
        token_id, _, secret = _bearer(metadata).rpartition(".")
        token = self._tokens.get(token_id, _NOBODY)
        digest = hashlib.sha256(secret.encode()).digest()
        if not hmac.compare_digest(digest, token.digest) or token is _NOBODY:
            raise _invalid()
        if not (time.time() if now is None else now) <= token.not_after:
            _logger.info("token %s has expired", token_id)
            raise _invalid()
        return token.caller


def read_credentials(text: str) -> Credentials:
    """Return the tokens that a file's text describes.

    Raises:
        CredentialsError: it is not TOML, lacks a key, has one that is not known, or a value is
            wrong.
    """
    try:
        file = Table(tomllib.loads(text), "")
        file.take("schema", Kind("1", lambda v: is_whole(v) and v == 1))
        tokens = file.table("tokens")
        file.finish()
        names = tokens.names()
        if not names:
            raise CredentialsError("[tokens] is empty: nobody could call")
        return Credentials([_token(name, tokens.table(name)) for name in names])
    except (tomllib.TOMLDecodeError, PolicyError) as error:
        raise CredentialsError(str(error)) from error


def _token(token_id: str, table: Table) -> Token:
    if not NAME.fullmatch(token_id):
        raise CredentialsError("[tokens]: a token's id is 1 to 64 of A-Z a-z 0-9 . _ -")
    # It might be the secret itself, pasted there: never quoted.
    digest = table.take("sha256", Kind("", lambda _: True))
    if type(digest) is not str or not _SHA256.fullmatch(digest):
        raise CredentialsError(f"{table.path}sha256 must be 64 of 0-9 a-f")
    role = Role(table.take("role", _ROLE))
    store_id = table.take_or(None, "store_id", _NAME)
    lane_id = table.take_or(None, "lane_id", _NAME)
    not_after = table.take_or(None, "not_after", _MOMENT)
    table.finish()
    if store_id is None and role is Role.LANE:
        raise CredentialsError(f"{table.path}store_id is missing: a lane is in one store")
    if lane_id is not None and role is not Role.LANE:
        raise CredentialsError(f"{table.path}lane_id is only for the role lane")
    last = math.inf if not_after is None else not_after.timestamp()
    return Token(Caller(token_id, role, store_id, lane_id), bytes.fromhex(digest), last)


def _bearer(metadata: Iterable[tuple[str, str | bytes]] | None) -> str:
    values = [value for key, value in metadata or () if key == "authorization"]
    if not values:
        raise CallError(Fault.CREDENTIALS_MISSING, "the call carries no credentials")
    value = values[0]
    if len(values) > 1 or not isinstance(value, str) or len(value) > _LONGEST_VALUE:
        raise _invalid()
    if not value.isascii() or value[: len(_SCHEME)].lower() != _SCHEME:
        raise _invalid()
    return value[len(_SCHEME) :]


def _invalid() -> CallError:
    return CallError(Fault.CREDENTIALS_INVALID, "the credentials are wrong or no longer valid")


_ROLES = [role.value for role in Role]
_ROLE = Kind(f"one of {', '.join(_ROLES)}", lambda v: v in _ROLES)
_NAME = Kind(
    "1 to 64 of A-Z a-z 0-9 . _ - in quotes", lambda v: type(v) is str and bool(NAME.fullmatch(v))
)
_MOMENT = Kind(
    "a date and time with an offset, as 2027-01-01T00:00:00Z",
    lambda v: type(v) is datetime and v.tzinfo is not None,
)
