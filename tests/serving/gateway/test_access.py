"""Who may call: a whole gateway with credentials, signing keys and TLS."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import grpc
import pytest

from agelane.v1 import admin_pb2, admin_pb2_grpc, checkout_pb2, report_pb2, report_pb2_grpc
from agelane_serving.gateway.operations.metrics import REFUSED
from agelane_serving.gateway.security.assessment_token import read_key_ring
from agelane_serving.gateway.security.new_token import new_token
from agelane_serving.gateway.server import Gateway
from agelane_serving.gateway.settings import Settings
from tests.serving.gateway import photos
from tests.serving.gateway.conftest import Lane, Refused, until
from tests.serving.gateway.fake_model_server import FakeModelServer
from tests.serving.gateway.security.certificates import Authority, needs_openssl

KEY = "c2l4dGVlbiBieXRlcyBhbmQgc2l4dGVlbiBtb3JlISE="
KEYS = f'schema = 1\nsigning = "k1"\n[keys]\nk1 = "{KEY}"\n'


@dataclass
class Tokens:
    """A token file, and the secrets that it is about."""

    path: Path
    lines: list[str]

    def add(self, token_id: str, role: str, **fields: str) -> str:
        """Add a token to the file and return it as a caller sends it."""
        token, digest = new_token(token_id)
        self.lines += [f'[tokens."{token_id}"]', f'sha256 = "{digest}"', f'role = "{role}"']
        self.lines += [f"{name} = {value}" for name, value in fields.items()]
        self.path.write_text("\n".join(self.lines))
        return token


@pytest.fixture
def tokens(tmp_path: Path) -> Tokens:
    """A file with one lane's token, which no test uses."""
    tokens = Tokens(tmp_path / "tokens.toml", ["schema = 1"])
    tokens.add("unused", "lane", store_id='"nowhere"')
    return tokens


@pytest.fixture
def settings(model: FakeModelServer, tokens: Tokens, tmp_path: Path) -> Settings:
    """A gateway that checks credentials, signs, and has an admin listener."""
    (tmp_path / "keys.toml").write_text(KEYS)
    return Settings(
        listen="127.0.0.1:0",
        admin_listen="127.0.0.1:0",
        model_server=model.address,
        credentials=tokens.path,
        token_keys=tmp_path / "keys.toml",
    )


async def call(lane: Lane, token: str | None, **fields: str) -> Any:
    """Assess a photo with a token; None sends none."""
    request = checkout_pb2.AssessCustomerRequest(photo=photos.jpeg(), **fields)
    metadata = () if token is None else (("authorization", f"Bearer {token}"),)
    answer = await lane.checkout.AssessCustomer(request, timeout=4, metadata=metadata)
    return answer.assessment


async def refusal(lane: Lane, token: str | None, **fields: str) -> tuple[grpc.StatusCode, str]:
    """Return code and reason of a call that is refused, and check that it was counted."""
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await call(lane, token, **fields)
    refused = Refused(caught.value)
    assert REFUSED.labels(refused.info.reason)._value.get() >= 1
    return refused.code, refused.info.reason


async def test_with_a_token_a_lane_is_answered_and_the_answer_signed(
    lane: Lane, gateway: Gateway, tokens: Tokens
) -> None:
    """For its own store and lane, which it need not name."""
    token = tokens.add("till-3", "lane", store_id='"hamburg-1"', lane_id='"3"')
    gateway.configuration.reload()
    assessment = await call(lane, token)
    proof = read_key_ring(KEYS).verify(assessment.assessment_token, time.time())
    assert (proof.assessment_id, proof.store_id, proof.lane_id) == (
        assessment.id, "hamburg-1", "3",
    )  # fmt: skip
    assert (proof.decision, proof.policy_version) == ("ALLOW", assessment.policy_version)
    assert await call(lane, token, store_id="hamburg-1", lane_id="3")


async def test_others_are_refused(lane: Lane, gateway: Gateway, tokens: Tokens) -> None:
    """Without a token, with a wrong or an expired one, another store's, lane's or role's."""
    token = tokens.add("till-3", "lane", store_id='"hamburg-1"', lane_id='"3"')
    old = tokens.add("till-4", "lane", store_id='"hamburg-1"', not_after="2020-01-01T00:00:00Z")
    manager = tokens.add("manager", "manager", store_id='"hamburg-1"')
    gateway.configuration.reload()
    code = grpc.StatusCode
    assert await refusal(lane, None) == (code.UNAUTHENTICATED, "CREDENTIALS_MISSING")
    for wrong in (f"{token}x", "till-3.secret", "nobody.secret", "", old):
        assert await refusal(lane, wrong) == (code.UNAUTHENTICATED, "CREDENTIALS_INVALID")
    not_permitted = (code.PERMISSION_DENIED, "STORE_NOT_PERMITTED")
    assert await refusal(lane, token, store_id="hamburg-2") == not_permitted
    assert await refusal(lane, token, lane_id="4") == not_permitted
    assert await refusal(lane, manager) == (code.PERMISSION_DENIED, "ROLE_NOT_PERMITTED")


async def test_a_stream_needs_a_token_and_keeps_to_its_lane(
    lane: Lane, gateway: Gateway, tokens: Tokens
) -> None:
    """Refused before the first photo."""
    token = tokens.add("till-3", "lane", store_id='"hamburg-1"', lane_id='"3"')
    gateway.configuration.reload()
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await lane.checkout.AssessCustomerStream().read()
    assert Refused(caught.value).info.reason == "CREDENTIALS_MISSING"
    stream = lane.checkout.AssessCustomerStream(metadata=(("authorization", f"Bearer {token}"),))
    start = checkout_pb2.CustomerStart(store_id="hamburg-2")
    await stream.write(checkout_pb2.AssessCustomerStreamRequest(customer_start=start))
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await stream.read()
    assert Refused(caught.value).info.reason == "STORE_NOT_PERMITTED"


async def test_tokens_are_changed_without_a_restart(
    lane: Lane, gateway: Gateway, tokens: Tokens
) -> None:
    """A new one counts within seconds, and one that was taken out does not."""
    first = tokens.add("first", "lane", store_id='"s"')

    async def works() -> bool:
        try:
            return bool(await call(lane, first))
        except grpc.aio.AioRpcError:
            return False

    async def works_no_more() -> bool:
        return not await works()

    await until(works)
    del tokens.lines[-4:]
    tokens.add("second", "lane", store_id='"s"')
    await until(works_no_more)


async def test_reports_are_for_managers(lane: Lane, gateway: Gateway, tokens: Tokens) -> None:
    """A till can't read them."""
    till = tokens.add("till", "lane", store_id='"s"')
    manager = tokens.add("manager", "manager", store_id='"s"')
    gateway.configuration.reload()
    stub: report_pb2_grpc.ReportServiceAsyncStub = report_pb2_grpc.ReportServiceStub(lane.channel)
    for token, reason in ((till, "ROLE_NOT_PERMITTED"), (manager, "NOT_IMPLEMENTED")):
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await stub.GetCashierReport(
                report_pb2.GetCashierReportRequest(),
                metadata=(("authorization", f"Bearer {token}"),),
            )
        assert Refused(caught.value).info.reason == reason


async def test_health_needs_no_token(lane: Lane) -> None:
    """Orchestrators and balancers have none."""
    assert await lane.health_of("") == "SERVING"


async def test_a_stranger_is_turned_away_before_the_message_comes(lane: Lane) -> None:
    """A call that sends nothing would hold a place for as long as it likes."""
    never = asyncio.Event()

    async def silence() -> AsyncIterator[bytes]:
        await never.wait()
        yield b""

    slow: Any = lane.channel.stream_unary("/agelane.v1.CheckoutService/AssessCustomer")
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await slow(silence(), timeout=4)
    assert Refused(caught.value).info.reason == "CREDENTIALS_MISSING"


async def test_health_that_is_not_asked_at_once_is_not_told(lane: Lane) -> None:
    """A stranger's silent call holds a place for two seconds; reflection is for who has a token."""
    never = asyncio.Event()

    async def silence() -> AsyncIterator[bytes]:
        await never.wait()
        yield b""

    for path, code in (
        ("/grpc.health.v1.Health/Check", grpc.StatusCode.DEADLINE_EXCEEDED),
        (
            "/grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo",
            grpc.StatusCode.UNAUTHENTICATED,
        ),
    ):
        call: Any = lane.channel.stream_unary(path)
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await call(silence(), timeout=20)
        assert caught.value.code() is code
    assert await lane.health_of("") == "SERVING"


class TestAdmin:
    """What an operator calls."""

    @pytest.fixture
    async def admin(self, gateway: Gateway) -> AsyncIterator[Any]:
        """A connection to the admin listener."""
        async with grpc.aio.insecure_channel(gateway.admin_address) as channel:
            yield admin_pb2_grpc.AdminServiceStub(channel)

    async def test_an_operator_sees_the_state_and_reloads_files(
        self, admin: Any, lane: Lane, gateway: Gateway, tokens: Tokens, model: FakeModelServer
    ) -> None:
        """A wrong file is named, with what is wrong, and changes nothing."""
        operator = tokens.add("operator", "operator")
        gateway.configuration.reload()
        await lane.until_health("agelane.v1.CheckoutService", "SERVING")
        metadata = (("authorization", f"Bearer {operator}"),)
        status = await admin.GetGatewayStatus(
            admin_pb2.GetGatewayStatusRequest(), metadata=metadata
        )
        [backend] = status.backends
        assert (backend.target, list(backend.versions)) == (model.address, [3])
        assert backend.breaker == admin_pb2.BREAKER_STATE_CLOSED
        assert status.policy_version == gateway.configuration.policy().version
        tokens.path.write_text("nonsense")
        answer = await admin.ReloadConfiguration(
            admin_pb2.ReloadConfigurationRequest(), metadata=metadata
        )
        told = {file.name: file.error for file in answer.files}
        assert told.keys() == {"policy", "credentials", "token keys"}
        assert "not TOML" in told["credentials"] or "Expected" in told["credentials"]
        assert (told["policy"], told["token keys"]) == ("", "")
        assert await admin.GetGatewayStatus(admin_pb2.GetGatewayStatusRequest(), metadata=metadata)

    async def test_nobody_else_does(
        self, admin: Any, lane: Lane, gateway: Gateway, tokens: Tokens
    ) -> None:
        """Nor is it there on the tills' port."""
        till = tokens.add("till", "lane", store_id='"s"')
        gateway.configuration.reload()
        request = admin_pb2.GetGatewayStatusRequest()
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await admin.GetGatewayStatus(request, metadata=(("authorization", f"Bearer {till}"),))
        assert Refused(caught.value).info.reason == "ROLE_NOT_PERMITTED"
        there = admin_pb2_grpc.AdminServiceStub(lane.channel)
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await there.GetGatewayStatus(request, metadata=(("authorization", f"Bearer {till}"),))
        assert caught.value.code() is grpc.StatusCode.UNIMPLEMENTED


@needs_openssl
async def test_with_tls_nobody_is_answered_in_plaintext(
    model: FakeModelServer, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """And who trusts the authority is."""
    authority = Authority(tmp_path_factory.mktemp("authority"), "ours")
    pair = authority.issue("gateway")
    settings = Settings(
        listen="127.0.0.1:0",
        model_server=model.address,
        tls_certificate=pair.certificate,
        tls_key=pair.key,
    )
    gateway = Gateway(settings)
    await gateway.start()
    trust = grpc.ssl_channel_credentials(authority.own.certificate.read_bytes())
    async with (
        grpc.aio.insecure_channel(gateway.address) as plain,
        grpc.aio.secure_channel(gateway.address, trust) as secure,
    ):
        assert (await Lane(secure).assess()).id
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await Lane(plain).assess()
        assert caught.value.code() is grpc.StatusCode.UNAVAILABLE
    await gateway.stop()


@needs_openssl
async def test_photos_reach_a_model_server_over_tls_and_no_other(
    tmp_path_factory: pytest.TempPathFactory, policy_without_audit: Path
) -> None:
    """One that somebody else vouches for gets none; the till is told to look at a document."""
    folder = tmp_path_factory.mktemp("authority")
    ours, other = Authority(folder, "ours"), Authority(folder, "other")
    pair = ours.issue("model-server")
    key, chain = pair.key.read_bytes(), pair.certificate.read_bytes()
    model = FakeModelServer()
    await model.start(tls=grpc.ssl_server_credentials([(key, chain)]))
    for authority, trusted in ((ours, True), (other, False)):
        settings = Settings(
            listen="127.0.0.1:0",
            model_server=model.address,
            model_server_ca=authority.own.certificate,
            policy=policy_without_audit,
        )
        gateway = Gateway(replace(settings, notice_seconds=0))
        await gateway.start()
        async with grpc.aio.insecure_channel(gateway.address) as channel:
            assert await Lane(channel).waves_through() is trusted
        await gateway.stop()
    assert len(model.photos) == 1
    await model.stop()


async def test_a_lane_that_calls_too_often_is_slowed_down(
    settings: Settings, tokens: Tokens, policy_without_audit: Path
) -> None:
    """Alone: another lane goes on. The refusal says when to come again."""
    first = tokens.add("first", "lane", store_id='"s"', lane_id='"1"')
    second = tokens.add("second", "lane", store_id='"s"', lane_id='"2"')
    gateway = Gateway(replace(settings, lane_rate=0.5, lane_burst=3, policy=policy_without_audit))
    await gateway.start()
    async with grpc.aio.insecure_channel(gateway.address) as channel:
        lane = Lane(channel)
        for _ in range(3):
            await call(lane, first)
        assert await refusal(lane, first) == (
            grpc.StatusCode.RESOURCE_EXHAUSTED, "RATE_LIMITED",
        )  # fmt: skip
        await call(lane, second)
    await gateway.stop()
