"""The gateway as a process: how it starts, refuses to start, and stops."""

from __future__ import annotations

import asyncio
import re
import signal
import subprocess
import sys
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import grpc
import pytest

from agelane.tfserving.v1 import predict_pb2
from agelane.v1 import assessment_pb2
from tests.serving.gateway import photos
from tests.serving.gateway.conftest import Lane
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
