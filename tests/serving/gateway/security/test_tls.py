"""TLS on the gateway's port, with real connections and certificates made on the fly."""

from __future__ import annotations

import logging
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import grpc
import pytest
from grpc_health.v1 import health_pb2, health_pb2_grpc

from agelane_serving.gateway.security.credentials import read_credentials
from agelane_serving.gateway.security.new_token import new_token
from agelane_serving.gateway.security.tls import TlsFiles, server_credentials
from tests.serving.gateway.security.certificates import (
    Authority,
    Pair,
    needs_openssl,
)

pytestmark = needs_openssl


class Service(health_pb2_grpc.HealthServicer):
    """Something to call; it keeps the metadata of the last call."""

    metadata: Any = None

    async def Check(self, request: object, context: Any) -> health_pb2.HealthCheckResponse:
        """Answer."""
        self.metadata = context.invocation_metadata()
        return health_pb2.HealthCheckResponse()


@asynccontextmanager
async def serving(files: TlsFiles, service: Service | None = None) -> AsyncIterator[str]:
    """Run a server with these files; give its address."""
    server = grpc.aio.server(options=[("grpc.so_reuseport", 0)])
    health_pb2_grpc.add_HealthServicer_to_server(service or Service(), server)
    port = server.add_secure_port("127.0.0.1:0", server_credentials(files))
    await server.start()
    yield f"127.0.0.1:{port}"
    await server.stop(None)


def trusting(authority: Authority, own: Pair | None = None) -> grpc.ChannelCredentials:
    """Return a caller's side of TLS, with a certificate of its own or without."""
    root = authority.own.certificate.read_bytes()
    if own is None:
        return grpc.ssl_channel_credentials(root)
    return grpc.ssl_channel_credentials(root, own.key.read_bytes(), own.certificate.read_bytes())


async def call(channel: grpc.aio.Channel) -> None:
    """Make one call."""
    await health_pb2_grpc.HealthStub(channel).Check(health_pb2.HealthCheckRequest(), timeout=30)


async def answered(address: str, credentials: grpc.ChannelCredentials | None) -> bool:
    """Tell whether a new connection gets an answer; None: one in plaintext."""
    channel = (
        grpc.aio.insecure_channel(address)
        if credentials is None
        else grpc.aio.secure_channel(address, credentials)
    )
    async with channel:
        try:
            await call(channel)
        except grpc.aio.AioRpcError as error:
            if error.code() is not grpc.StatusCode.UNAVAILABLE:
                raise
            return False
    return True


async def test_who_trusts_the_authority_is_answered(
    pair: Pair, ours: Authority, other: Authority
) -> None:
    """Who trusts another one does not believe the gateway, and plaintext gets nowhere."""
    async with serving(TlsFiles(pair.certificate, pair.key)) as address:
        assert await answered(address, trusting(ours))
        assert not await answered(address, trusting(other))
        assert not await answered(address, None)


async def test_with_a_client_ca_only_those_it_vouches_for_are_answered(
    pair: Pair, ours: Authority, other: Authority
) -> None:
    """Neither a caller without a certificate, nor one with somebody else's."""
    files = TlsFiles(pair.certificate, pair.key, ours.own.certificate)
    async with serving(files) as address:
        assert await answered(address, trusting(ours, ours.issue("till")))
        assert not await answered(address, trusting(ours))
        assert not await answered(address, trusting(ours, other.issue("stranger")))


async def test_a_token_of_call_credentials_arrives_as_the_gateway_reads_it(
    pair: Pair, ours: Authority
) -> None:
    """The way in which every gRPC client sends one."""
    token, digest = new_token("till-3")
    lines = f'schema = 1\n[tokens.till-3]\nsha256 = "{digest}"\nrole = "lane"\nstore_id = "x"'
    with_token = grpc.composite_channel_credentials(
        trusting(ours), grpc.access_token_call_credentials(token)
    )
    service = Service()
    async with serving(TlsFiles(pair.certificate, pair.key), service) as address:
        assert await answered(address, with_token)
    assert read_credentials(lines).caller_of(service.metadata).token_id == "till-3"


async def test_a_renewed_certificate_is_served_to_new_connections(
    pair: Pair, ours: Authority, other: Authority, caplog: pytest.LogCaptureFixture
) -> None:
    """Without a restart; connections in progress go on."""
    caplog.set_level(logging.INFO)
    async with serving(TlsFiles(pair.certificate, pair.key)) as address:
        async with grpc.aio.secure_channel(address, trusting(ours)) as old_connection:
            await call(old_connection)
            other.issue("renewed").copy_to(pair)
            assert await answered(address, trusting(other))
            await call(old_connection)
        assert await answered(address, trusting(other))
        assert not await answered(address, trusting(ours))
    assert caplog.text.count("certificate renewed") == 1


async def test_a_certificate_behind_a_link_is_renewed_by_relinking(
    ours: Authority, other: Authority, tmp_path: Path
) -> None:
    """As Kubernetes renews a mounted secret, and even if the new files are no younger."""
    for folder, authority in (("1", ours), ("2", other)):
        (tmp_path / folder).mkdir()
        pair = Pair(tmp_path / folder / "tls.crt", tmp_path / folder / "tls.key")
        authority.issue(f"linked-{folder}").copy_to(pair)
        for file in (pair.certificate, pair.key):
            os.utime(file, (1_700_000_000, 1_700_000_000))
    current = tmp_path / "current"
    current.symlink_to("1")
    async with serving(TlsFiles(current / "tls.crt", current / "tls.key")) as address:
        assert await answered(address, trusting(ours))
        (tmp_path / "next").symlink_to("2")
        (tmp_path / "next").rename(current)
        assert await answered(address, trusting(other))


async def test_a_client_ca_is_renewed_as_well(
    pair: Pair, ours: Authority, other: Authority, tmp_path: Path
) -> None:
    """Who is no longer vouched for is refused from the next connection on."""
    client_ca, till = tmp_path / "clients.pem", ours.issue("till")
    client_ca.write_bytes(ours.own.certificate.read_bytes())
    async with serving(TlsFiles(pair.certificate, pair.key, client_ca)) as address:
        assert await answered(address, trusting(ours, till))
        client_ca.write_bytes(other.own.certificate.read_bytes())
        assert not await answered(address, trusting(ours, till))
        assert await answered(address, trusting(ours, other.issue("new-till")))


async def test_while_new_files_can_not_be_used_the_old_ones_serve_on(
    pair: Pair, ours: Authority, other: Authority, caplog: pytest.LogCaptureFixture
) -> None:
    """Each state of the files is logged once as an error, and usable ones are then taken."""
    renewed = other.issue("renewed")
    async with serving(TlsFiles(pair.certificate, pair.key)) as address:
        pair.certificate.write_bytes(renewed.certificate.read_bytes())
        assert await answered(address, trusting(ours))
        assert await answered(address, trusting(ours))
        pair.key.unlink()
        assert await answered(address, trusting(ours))
        pair.key.write_bytes(renewed.key.read_bytes())
        assert await answered(address, trusting(other))
    errors = [record for record in caplog.records if record.levelno == logging.ERROR]
    messages = [error.getMessage() for error in errors]
    assert messages == [
        f"the old certificate serves on: {pair.key}: is not the key of {pair.certificate}",
        f"the old certificate serves on: {pair.key}: No such file or directory",
    ]
