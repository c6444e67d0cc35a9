"""Several model servers: one that is away is nobody's problem while another is there."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from pathlib import Path

import grpc
import pytest

from agelane.tfserving.v1 import predict_pb2
from agelane.v1 import assessment_pb2 as v1
from agelane_serving.gateway.model.discovery import Place, resolve
from agelane_serving.gateway.model.retry_budget import RetryBudget
from agelane_serving.gateway.model.servers import ModelServers
from agelane_serving.gateway.server import Gateway
from agelane_serving.gateway.settings import Settings
from tests.serving.gateway.conftest import Lane, until
from tests.serving.gateway.fake_model_server import FakeModelServer, bell


@pytest.fixture
async def models() -> AsyncIterator[list[FakeModelServer]]:
    """Three scripted model servers."""
    servers = [FakeModelServer() for _ in range(3)]
    for server in servers:
        await server.start()
    yield servers
    for server in servers:
        await server.stop()


@pytest.fixture
def settings(models: list[FakeModelServer]) -> Settings:
    """A gateway in front of all of them."""
    targets = ",".join(server.address for server in models)
    return Settings(listen="127.0.0.1:0", model_server=targets, drain_seconds=5)


def shares(models: list[FakeModelServer]) -> list[int]:
    """Return how many photos each has seen."""
    return [len(server.photos) for server in models]


async def ready(lane: Lane) -> None:
    """Wait until the gateway knows of a version."""
    await lane.until_health("agelane.v1.CheckoutService", "SERVING")


async def test_they_take_turns(lane: Lane, models: list[FakeModelServer]) -> None:
    """Each gets the same share."""
    await ready(lane)
    for _ in range(30):
        assert await lane.waves_through()
    assert shares(models) == [10, 10, 10]


async def test_one_that_dies_costs_no_call(lane: Lane, models: list[FakeModelServer]) -> None:
    """Another one takes over within the same call, and it gets no calls while it is away."""
    await ready(lane)
    await models[0].stop()
    answers = Counter([await lane.waves_through() for _ in range(60)])
    assert answers == {True: 60}
    await models[0].start(models[0].port)
    seen = shares(models)[0]

    async def used_again() -> bool:
        await lane.assess()
        return shares(models)[0] > seen

    await until(used_again)


async def test_one_without_a_version_gets_no_calls(
    lane: Lane, models: list[FakeModelServer]
) -> None:
    """It is loading, for example: that is no reason to try it."""
    await ready(lane)
    models[1].states = {}

    async def noticed() -> bool:
        before = shares(models)[1]
        for _ in range(4):
            await lane.assess()
        return shares(models)[1] == before

    await until(noticed)


async def test_an_error_is_not_tried_again_elsewhere(
    lane: Lane, models: list[FakeModelServer]
) -> None:
    """Only a server that could not be reached: what breaks one may break the others too."""
    await ready(lane)
    for server in models:
        server.failure = grpc.StatusCode.INTERNAL
    await lane.assess()
    assert sum(shares(models)) == 1


async def test_while_all_are_broken_answers_come_at_once(
    lane: Lane, models: list[FakeModelServer]
) -> None:
    """The breakers open: VERIFY_ID without waiting, and all is well again soon after."""
    await ready(lane)

    async def hang(response: predict_pb2.PredictResponse) -> None:
        await asyncio.sleep(60)

    for server in models:
        server.script = hang
    for _ in range(8):
        # Some wait in vain for their turn, and are told so.
        calls = [lane.assess(timeout=0.5) for _ in range(20)]
        for answer in await asyncio.gather(*calls, return_exceptions=True):
            if isinstance(answer, v1.Assessment):
                assert answer.alcohol_decision == v1.ALCOHOL_DECISION_VERIFY_ID
    before = shares(models)
    async with asyncio.timeout(0.4):
        for _ in range(5):
            answer = await lane.assess()
            assert list(answer.reasons) == [v1.DECISION_REASON_MODEL_UNAVAILABLE]
    assert shares(models) == before
    for server in models:
        server.script = None
    await until(lane.waves_through)


class TestNames:
    """Servers behind one name, which come and go."""

    async def test_who_comes_is_asked_and_who_goes_is_not(
        self, models: list[FakeModelServer], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """Calls to one that goes may end. While nobody can resolve the name, all stay."""
        monkeypatch.setattr("agelane_serving.gateway.model.servers._RESOLVE_SECONDS", 0.02)
        there = {"dns:///age:1": [Place(models[0].address)]}

        async def resolve(name: str) -> list[Place]:
            if not there:
                raise OSError("no name server")
            return there[name]

        servers = ModelServers(["dns:///age:1"], "age", resolve=resolve)
        following = asyncio.create_task(servers.follow())

        async def are(*addresses: str) -> None:
            async def so() -> bool:
                return [backend.target for backend in servers.backends] == list(addresses)

            await until(so)

        await are(models[0].address)
        leaving = servers.backends[0]
        there["dns:///age:1"] = [Place(models[1].address), Place(models[2].address)]
        await are(models[1].address, models[2].address)
        assert await leaving.available_versions(1) == {3}
        there.clear()
        await asyncio.sleep(0.1)
        await are(models[1].address, models[2].address)
        following.cancel()
        await servers.close()

    async def test_a_name_of_this_machine_is_resolved(self) -> None:
        """Each address is one server, and vouched for by the name."""
        places = await resolve("dns:///localhost:8500")
        assert Place("127.0.0.1:8500", "localhost") in places
        assert len(places) == len(set(places))

    async def test_a_name_that_is_not_known_is_an_error(self) -> None:
        """Which names no address."""
        with pytest.raises(OSError, match=r"\S"):
            await resolve("dns:///no-such-name.invalid:8500")


def test_second_attempts_run_out_where_everything_fails() -> None:
    """Ten, and then one for ten answers."""
    budget = RetryBudget()
    assert [budget.spend() for _ in range(12)].count(True) == 10
    for _ in range(11):
        budget.earn()
    assert [budget.spend(), budget.spend()] == [True, False]


class TestRollout:
    """A version on trial, on a server that knows both by their labels."""

    PLAN = 'schema = 1\nstable = "stable"\ncanary = "canary"\nmin_calls = 20\n'

    @pytest.fixture
    def plan(self, tmp_path: Path) -> Path:
        """The operator's file: no trial yet."""
        path = tmp_path / "rollout.toml"
        path.write_text(self.PLAN)
        return path

    @pytest.fixture
    def settings(self, model: FakeModelServer, plan: Path) -> Settings:
        """A gateway with a rollout file."""
        model.labels = {"stable": 3, "canary": 4}
        model.cards[4] = model.cards[3]
        model.states[4] = model.states[3]
        return Settings(listen="127.0.0.1:0", model_server=model.address, rollout=plan)

    def change(self, plan: Path, gateway: Gateway, line: str) -> None:
        """Change the plan, at once."""
        plan.write_text(self.PLAN + line)
        gateway.configuration.reload()

    async def versions(self, lane: Lane, lanes: int) -> list[int]:
        """Return which version answers each of so many lanes."""
        return [(await lane.assess(lane_id=str(n))).model.version for n in range(lanes)]

    async def test_a_share_of_the_lanes_gets_the_canary_and_keeps_it(
        self, lane: Lane, gateway: Gateway, plan: Path
    ) -> None:
        """Without a trial all get the stable one."""
        assert set(await self.versions(lane, 20)) == {3}
        self.change(plan, gateway, "canary_share = 0.5")
        first = await self.versions(lane, 60)
        assert 15 <= first.count(4) <= 45
        assert await self.versions(lane, 60) == first

    async def test_a_canary_that_fails_harms_nobody_and_is_rolled_back(
        self, lane: Lane, gateway: Gateway, plan: Path, model: FakeModelServer
    ) -> None:
        """The stable version takes over within the call; a new plan begins a new trial."""
        model.labels = {"stable": 3}
        self.change(plan, gateway, "canary_share = 1.0")
        asked = len(model.photos)
        for _ in range(20):
            assert await lane.waves_through()
        assert len(model.photos) - asked == 20 + 1
        model.labels = {"stable": 3, "canary": 4}
        self.change(plan, gateway, "canary_share = 0.99")
        assert set(await self.versions(lane, 3)) == {4}

    async def test_a_shadow_that_decides_otherwise_is_rolled_back_without_effect(
        self, lane: Lane, gateway: Gateway, plan: Path, model: FakeModelServer
    ) -> None:
        """All answers are the stable version's; the canary is asked no more."""
        model.of_version[4] = bell(15, 2)
        self.change(plan, gateway, "shadow_share = 1.0")

        async def rolled_back() -> bool:
            assert await lane.waves_through()
            return gateway.rollout.rolled_back

        await until(rolled_back)
        await asyncio.sleep(0.05)
        asked = len(model.photos)
        assert await lane.waves_through()
        assert len(model.photos) == asked + 1

    async def test_a_shadow_that_decides_alike_goes_on(
        self, lane: Lane, gateway: Gateway, plan: Path, model: FakeModelServer
    ) -> None:
        """And is asked about each photo."""
        self.change(plan, gateway, "shadow_share = 1.0")
        for _ in range(30):
            assert await lane.waves_through()
            await asyncio.sleep(0.005)
        assert not gateway.rollout.rolled_back
        assert len(model.photos) > 45
