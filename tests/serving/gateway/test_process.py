"""The gateway as a process: how it starts, refuses to start, and stops."""

from __future__ import annotations

import asyncio
import contextlib
import os
import re
import signal
import subprocess
import sys
import urllib.request
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import grpc
import pytest

from agelane.tfserving.v1 import predict_pb2
from agelane.v1 import assessment_pb2, report_pb2, report_pb2_grpc
from tests.ports import free_port
from tests.serving.gateway import photos
from tests.serving.gateway.conftest import Lane, until
from tests.serving.gateway.fake_model_server import FakeModelServer

COMMAND = (sys.executable, "-m", "agelane_serving.gateway")
PHOTO_MARK = b"photo-mark"


@asynccontextmanager
async def running(*flags: str) -> AsyncIterator[tuple[Process, str]]:
    """Run a gateway; give its process and its address."""
    process = await asyncio.create_subprocess_exec(*COMMAND, *flags, stderr=PIPE, stdout=PIPE)
    assert process.stderr is not None
    try:
        async with asyncio.timeout(60):
            while line := (await process.stderr.readline()).decode():
                if found := re.search(r"listening on (\S+),", line):
                    yield process, found[1]
                    return
        pytest.fail("the gateway ended before it listened")
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()


def fetch(url: str) -> str:
    """Return the text at an address."""
    with urllib.request.urlopen(url, timeout=10) as response:
        return str(response.read().decode())


def refused(*flags: str) -> tuple[int, str]:
    """Run a gateway that should not start; return its exit code and what it says."""
    result = subprocess.run(
        [*COMMAND, *flags], capture_output=True, text=True, timeout=60, check=False
    )
    assert "Traceback" not in result.stderr
    return result.returncode, result.stderr


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
async def test_a_call_in_progress_is_answered_before_the_gateway_stops(
    model: FakeModelServer, number: signal.Signals
) -> None:
    """New calls are refused meanwhile, and the exit code is 0."""
    begun, may_answer = asyncio.Event(), asyncio.Event()

    async def answer_when_told(response: predict_pb2.PredictResponse) -> None:
        begun.set()
        await may_answer.wait()

    model.script = answer_when_told
    flags = ("--listen=127.0.0.1:0", f"--model-server={model.address}")
    async with running(*flags) as (process, address):
        async with grpc.aio.insecure_channel(address) as channel:
            call = asyncio.create_task(Lane(channel).assess(timeout=5))
            await asyncio.wait_for(begun.wait(), 30)
            process.send_signal(number)
            assert process.stderr is not None
            while b"draining" not in await process.stderr.readline():
                pass
            may_answer.set()
            assert (await call).alcohol_decision != assessment_pb2.ALCOHOL_DECISION_UNSPECIFIED
        assert await asyncio.wait_for(process.wait(), 60) == 0


async def test_no_photo_ends_up_in_the_log(model: FakeModelServer) -> None:
    """At the most talkative level, for a good and for a bad photo."""
    flags = ("--listen=127.0.0.1:0", f"--model-server={model.address}", "--log-level=debug")
    async with running(*flags) as (process, address):
        async with grpc.aio.insecure_channel(address) as channel:
            lane = Lane(channel)
            await lane.assess(photos.jpeg() + PHOTO_MARK, request_id="till-7-call-1")
            await lane.refused(PHOTO_MARK, request_id="till-7-call-2")
        process.send_signal(signal.SIGTERM)
        stdout, stderr = await process.communicate()
    assert PHOTO_MARK not in stdout + stderr
    assert b"till-7-call-1" in stderr
    assert b"till-7-call-2" in stderr


async def test_a_report_is_made_where_grpc_handles_no_forks(tmp_path: Path) -> None:
    """It says so in the log where it does, and now and then crashes the report before it begins."""
    key = tmp_path / "ledger.key"
    key.write_bytes(bytes(32))
    flags = ("--listen=127.0.0.1:0", "--model-server=127.0.0.1:1", f"--ledger-key={key}")
    async with running(*flags, f"--ledger=sqlite:///{tmp_path}/ledger.db") as (process, address):
        async with grpc.aio.insecure_channel(address) as channel:
            stub: report_pb2_grpc.ReportServiceAsyncStub
            stub = report_pb2_grpc.ReportServiceStub(channel)
            await stub.GetCashierReport(report_pb2.GetCashierReportRequest(), timeout=60)
        process.terminate()
        _, said = await process.communicate()
        assert b"fork" not in said


async def test_a_taken_port_is_a_clear_error(model: FakeModelServer) -> None:
    """And not a second server that silently takes every other call."""
    code, message = await asyncio.to_thread(refused, f"--listen={model.address}")
    assert code == 1
    assert f"cannot listen on {model.address}" in message


async def test_plaintext_beyond_loopback_is_refused_before_anything_is_opened() -> None:
    """With exit code 2 and the flag that would allow it."""
    code, message = await asyncio.to_thread(refused, "--listen=0.0.0.0:0")
    assert code == 2
    assert "--insecure-listen" in message


@pytest.mark.parametrize("content", ["schema = 1", None])
def test_a_policy_that_can_not_be_used_is_refused(tmp_path: Path, content: str | None) -> None:
    """With the name of the file and of the key."""
    file = tmp_path / "policy.toml"
    if content is not None:
        file.write_text(content)
    code, message = refused("--listen=127.0.0.1:0", f"--policy={file}")
    assert code == 1
    assert str(file) in message


def test_the_gateway_never_imports_tensorflow_or_numpy() -> None:
    """It would cost half a gigabyte and seconds."""
    script = (
        "import sys, agelane_serving.gateway.__main__\n"
        "print([name for name in ('tensorflow', 'numpy', 'tensorflow_serving', 'keras')"
        " if name in sys.modules])"
    )
    result = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, timeout=60, check=True
    )
    assert result.stdout.strip() == "[]"


async def _listening(process: Process, count: int) -> str:
    """Wait until so many processes listen; return the address."""
    assert process.stderr is not None
    address = ""
    async with asyncio.timeout(60):
        while count:
            if found := re.search(
                r"listening on (\S+),", (await process.stderr.readline()).decode()
            ):
                count, address = count - 1, found[1]
    return address


@asynccontextmanager
async def several(count: int, *flags: str) -> AsyncIterator[tuple[Process, str]]:
    """Run so many gateways on one port; give their parent and their address."""
    process = await asyncio.create_subprocess_exec(
        *COMMAND, f"--processes={count}", *flags, stderr=PIPE, stdout=PIPE
    )
    try:
        yield process, await _listening(process, count)
    finally:
        if process.returncode is None:
            process.terminate()
        await asyncio.wait_for(process.wait(), 30)


def children(parent: int) -> list[int]:
    """Return the processes that a process has started."""
    return list(map(int, Path(f"/proc/{parent}/task/{parent}/children").read_text().split()))


async def answers(address: str, calls: int) -> int:
    """Make calls over new connections; return how many were answered."""
    answered = 0
    for number in range(calls):
        options = [("grpc.use_local_subchannel_pool", 1), ("test.number", number)]
        async with grpc.aio.insecure_channel(address, options=options) as channel:
            with contextlib.suppress(grpc.aio.AioRpcError):
                answered += bool((await Lane(channel).assess()).id)
    return answered


async def test_several_processes_share_a_port_and_one_that_dies_is_replaced(
    model: FakeModelServer, tmp_path: Path
) -> None:
    """Metrics are those of all; the end of the parent is the end of all, with exit code 0."""
    metrics_port = free_port()
    flags = (
        "--listen=127.0.0.1:0",
        f"--model-server={model.address}",
        f"--metrics-listen=127.0.0.1:{metrics_port}",
    )
    async with several(2, *flags) as (parent, address):
        assert parent.pid is not None
        assert await answers(address, 20) == 20
        page = await asyncio.to_thread(fetch, f"http://127.0.0.1:{metrics_port}/metrics")
        counts = re.findall(r'agelane_stage_seconds_count{stage="all"} ([0-9.]+)', page)
        assert counts == ["20.0"]
        victim, survivor = children(parent.pid)
        os.kill(victim, signal.SIGKILL)
        assert await _listening(parent, 1) == address
        assert survivor in children(parent.pid)
        assert await answers(address, 20) == 20
        both = children(parent.pid)
        parent.send_signal(signal.SIGTERM)
        _, stderr = await asyncio.wait_for(parent.communicate(), 30)
        assert parent.returncode == 0
        assert b"is killed" not in stderr
        assert not any(Path(f"/proc/{pid}").exists() for pid in both)


async def test_a_second_gateway_does_not_steal_a_shared_port(model: FakeModelServer) -> None:
    """The kernel would let it."""
    async with several(2, "--listen=127.0.0.1:0", f"--model-server={model.address}") as (
        _,
        address,
    ):
        for flag in ("--processes=2", "--processes=1"):
            code, message = await asyncio.to_thread(refused, f"--listen={address}", flag)
            assert (code, f"cannot listen on {address}" in message) == (1, True)


async def test_a_gateway_ends_with_the_parent_that_was_killed(model: FakeModelServer) -> None:
    """Or what it leaves behind would keep the port."""
    async with several(2, "--listen=127.0.0.1:0", f"--model-server={model.address}") as (parent, _):
        left = children(parent.pid)
        parent.kill()
        await parent.wait()

        async def all_gone() -> bool:
            return not any(Path(f"/proc/{pid}").exists() for pid in left)

        await until(all_gone)
