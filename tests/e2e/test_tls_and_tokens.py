"""A till speaks TLS with a real gateway and says who it is, by both clients and the command."""

from __future__ import annotations

import asyncio
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from agelane_client import (
    AlcoholDecision,
    AsyncClient,
    Client,
    ConfigurationError,
    CredentialsError,
    Health,
    PermissionDeniedError,
    UnavailableError,
)
from agelane_client.cli.main import main
from agelane_serving.gateway.security.new_token import new_token
from tests.e2e.conftest import SAMPLES
from tests.ports import free_port
from tests.serving.gateway.security.certificates import Authority, needs_openssl

pytestmark = needs_openssl
PHOTO = SAMPLES / "biden_2010.jpg"


@dataclass(frozen=True)
class Till:
    """What a till has, and where it calls."""

    target: str
    token: str
    trusted: Path


@pytest.fixture(scope="module")
def till(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Till]:
    """A gateway with TLS and tokens, whose model server is away: each photo is VERIFY_ID."""
    folder = tmp_path_factory.mktemp("shop")
    authority = Authority(folder, "chain")
    pair = authority.issue("gateway")
    token, digest = new_token("till-3")
    tokens = folder / "tokens.toml"
    tokens.write_text(
        f'schema = 1\n[tokens.till-3]\nsha256 = "{digest}"\nrole = "lane"\nstore_id = "s1"\n'
    )
    target = f"127.0.0.1:{free_port()}"
    command = [sys.executable, "-m", "agelane_serving.gateway", f"--listen={target}"]
    command += [f"--tls-certificate={pair.certificate}", f"--tls-key={pair.key}"]
    command += [f"--credentials={tokens}", f"--model-server=127.0.0.1:{free_port()}"]
    command += ["--notice-seconds=0"]
    with subprocess.Popen(command, stderr=subprocess.DEVNULL) as gateway:
        with Client(target, tls=authority.own.certificate) as client:
            give_up_at = time.monotonic() + 60
            while True:
                try:
                    client.health(timeout=5)
                    break
                except UnavailableError:
                    assert time.monotonic() < give_up_at
                    time.sleep(0.1)
        yield Till(target, token, authority.own.certificate)
        gateway.terminate()


def test_both_clients_are_let_in(till: Till) -> None:
    """And get an answer about their own store."""
    with Client(till.target, token=till.token, tls=till.trusted, timeout=4) as client:
        assert client.assess(PHOTO).alcohol_decision is AlcoholDecision.VERIFY_ID
        with pytest.raises(PermissionDeniedError):
            client.assess(PHOTO, store_id="s2")

    async def ask() -> AlcoholDecision:
        async with AsyncClient(
            till.target, token=till.token, tls=str(till.trusted), timeout=4
        ) as client:
            return (await client.assess(PHOTO)).alcohol_decision

    assert asyncio.run(ask()) is AlcoholDecision.VERIFY_ID


def test_without_a_token_or_with_a_wrong_one_nothing_is_answered(till: Till) -> None:
    """But health, which is for everybody."""
    for token in ("", "till-3.wrong"):
        with Client(till.target, token=token, tls=till.trusted, timeout=4) as client:
            with pytest.raises(CredentialsError):
                client.assess(PHOTO)
            assert client.health() is Health.NOT_SERVING


def test_a_gateway_that_nobody_trusted_vouches_for_gets_no_photo(till: Till) -> None:
    """Nor does one that speaks TLS to a till that does not."""
    for tls in (True, False):
        with (
            Client(till.target, token=till.token, tls=tls, timeout=1) as client,
            pytest.raises(UnavailableError),
        ):
            client.assess(PHOTO)


def test_the_command_takes_its_token_from_a_file(
    till: Till, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Never from the command line, which all users of a machine may read."""
    file = tmp_path / "till.token"
    file.write_text(till.token + "\n")
    command = ["assess", "--target", till.target, "--timeout", "4", "--tls-ca", str(till.trusted)]
    assert main([*command, "--token-file", str(file), str(PHOTO)]) == 0
    assert "VERIFY_ID" in capsys.readouterr().out
    with pytest.raises(SystemExit) as ended:
        main([*command, "--token-file", str(tmp_path / "none"), str(PHOTO)])
    assert ended.value.code == 2


@pytest.mark.parametrize(
    "options",
    [
        {"target": "10.0.0.1:50051", "token": "t.s"},
        {"target": "dns:///gateway:50051", "token": "t.s"},
        {"target": "127.evil.example:50051", "token": "t.s"},
        {"target": "127.0.0.1.nip.example:50051", "token": "t.s"},
        {"target": "ipv4:127.0.0.1:50051,203.0.113.9:50051", "token": "t.s"},
        {"target": "ipv6:[::1]:1,[2001:db8::1]:2", "token": "t.s"},
        {"target": "127.0.0.1:1", "tls": __file__},
        {"target": "127.0.0.1:1", "token": "two words"},
        {"target": "127.0.0.1:1", "token": "line\n"},
        {"target": "127.0.0.1:1", "tls": "no/such/file.pem"},
    ],
)
@pytest.mark.parametrize("kind", [Client, AsyncClient])
def test_what_would_give_a_token_away_is_refused(
    kind: type[Client] | type[AsyncClient], options: dict[str, Any]
) -> None:
    """Before anything is sent; and nothing that is printed shows it."""
    with pytest.raises(ConfigurationError) as refused:
        kind(**options)
    assert "t.s" not in str(refused.value)
