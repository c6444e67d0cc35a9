"""Whatever is wrong behind the gateway, the till gets VERIFY_ID in time, and never ALLOW."""

from __future__ import annotations

import asyncio
import math
import socket
from collections.abc import AsyncIterator
from typing import Any

import grpc
import pytest

from agelane.tfserving.v1 import predict_pb2
from agelane.v1 import assessment_pb2 as v1
from agelane.v1 import checkout_pb2
from agelane_serving.gateway.settings import Settings
from tests.serving.gateway import photos
from tests.serving.gateway.conftest import Lane, assert_document_check, until
from tests.serving.gateway.fake_model_server import (
    FakeModelServer,
    RawAnswer,
    Script,
    bell,
    bools,
    floats,
    ints,
    strings,
)

REQUEST = checkout_pb2.AssessCustomerRequest(photo=photos.jpeg())


def assert_no_age(assessment: v1.Assessment) -> None:
    """Check that an assessment without an answer does not pretend to one."""
    assert_document_check(assessment, v1.DECISION_REASON_MODEL_UNAVAILABLE)
    assert not assessment.HasField("age_years")
    assert not assessment.HasField("age_low_years")
    assert not assessment.HasField("age_group")
    assert not assessment.HasField("probability_under_legal_age")
    assert not assessment.HasField("model")
    assert assessment.frames_used == 0


def _set(name: str, tensor: Any) -> Script:
    async def script(response: predict_pb2.PredictResponse) -> None:
        response.outputs[name].CopyFrom(tensor)

    return script


def _drop(name: str) -> Script:
    async def script(response: predict_pb2.PredictResponse) -> None:
        del response.outputs[name]

    return script


async def _no_version(response: predict_pb2.PredictResponse) -> None:
    response.model_spec.ClearField("version")


async def _version_zero(response: predict_pb2.PredictResponse) -> None:
    response.model_spec.version.value = 0


async def _no_message(response: predict_pb2.PredictResponse) -> None:
    raise RawAnswer(b"\xff" * 40)


async def _empty_message(response: predict_pb2.PredictResponse) -> None:
    raise RawAnswer(b"")


def _probabilities(values: list[float]) -> Script:
    return _set("age_probabilities", floats(values, [1, len(values)]))


NONSENSE = {
    "NaN": _probabilities([math.nan, *bell(60)[1:]]),
    "infinite": _probabilities([math.inf, *bell(60)[1:]]),
    "negative": _probabilities([-0.2, 1.2, *[0.0] * 99]),
    "sums to 0": _probabilities([0.0] * 101),
    "sums to 2": _probabilities([2 * share for share in bell(60)]),
    "sums to 0.99": _probabilities([0.99 * share for share in bell(60)]),
    "100 ages": _probabilities([1.0, *[0.0] * 99]),
    "102 ages": _probabilities([*[0.0] * 101, 1.0]),
    "two rows": _set("age_probabilities", floats(bell(60) * 2, [2, 101])),
    "flat shape": _set("age_probabilities", floats(bell(60), [101])),
    "strings": _set("age_probabilities", strings([b"60"], [1])),
    "age is NaN": _set("age", floats([math.nan], [1])),
    "age is -1": _set("age", floats([-1], [1])),
    "two ages": _set("age", floats([60, 60], [2])),
    "ok is a number": _set("ok", floats([1], [1])),
    "two oks": _set("ok", bools([True, True], [2])),
    "no ok": _drop("ok"),
    "no age": _drop("age"),
    "no probabilities": _drop("age_probabilities"),
    "face_count is a float": _set("face_count", floats([1], [1])),
    "two face_counts": _set("face_count", ints([1, 1], [2])),
    "face_count is negative": _set("face_count", ints([-1], [1])),
    "face_box is flat": _set("face_box", floats([0, 0, 1, 1], [4])),
    "face_box has three edges": _set("face_box", floats([0, 0, 1], [1, 3])),
    "face_box is NaN": _set("face_box", floats([0, 0, math.nan, 1], [1, 4])),
    "face_box is upside down": _set("face_box", floats([1, 0, 0, 1], [1, 4])),
    "face_box is mirrored": _set("face_box", floats([0, 1, 1, 0], [1, 4])),
    "face_box leaves the photo": _set("face_box", floats([0, 0, 1, 1.5], [1, 4])),
    "face_score is NaN": _set("face_score", floats([math.nan], [1])),
    "face_score is 2": _set("face_score", floats([2], [1])),
    "brightness is NaN": _set("brightness", floats([math.nan], [1])),
    "brightness is negative": _set("brightness", floats([-1], [1])),
    "sharpness is NaN": _set("sharpness", floats([math.nan], [1])),
    "sharpness is infinite": _set("sharpness", floats([math.inf], [1])),
    "two sharpnesses": _set("sharpness", floats([1, 1], [2])),
    "no face_count": _drop("face_count"),
    "no face_box": _drop("face_box"),
    "no face_score": _drop("face_score"),
    "no brightness": _drop("brightness"),
    "no sharpness": _drop("sharpness"),
    "no version": _no_version,
    "version 0": _version_zero,
    "no message": _no_message,
    "empty message": _empty_message,
}


@pytest.mark.parametrize("script", NONSENSE.values(), ids=NONSENSE.keys())
async def test_nonsense_from_the_model_is_no_answer(
    lane: Lane, model: FakeModelServer, script: Script
) -> None:
    """One nonsensical answer harms nobody else's."""
    model.script = script
    assert_no_age(await lane.assess())
    model.script = None
    assert (await lane.assess()).alcohol_decision == v1.ALCOHOL_DECISION_ALLOW


@pytest.mark.parametrize(
    "code",
    [
        grpc.StatusCode.UNAVAILABLE,
        grpc.StatusCode.NOT_FOUND,
        grpc.StatusCode.RESOURCE_EXHAUSTED,
        grpc.StatusCode.INVALID_ARGUMENT,
        grpc.StatusCode.INTERNAL,
        grpc.StatusCode.CANCELLED,
        grpc.StatusCode.UNAUTHENTICATED,
    ],
)
async def test_an_error_of_the_model_server_is_no_error_of_the_call(
    lane: Lane, model: FakeModelServer, code: grpc.StatusCode
) -> None:
    """The till gets a decision, not somebody else's error."""
    model.failure = code
    assert_no_age(await lane.assess())


async def _hang(response: predict_pb2.PredictResponse) -> None:
    await asyncio.Event().wait()


@pytest.mark.parametrize("timeout", [0.3, 1.0])
async def test_a_model_that_hangs_is_answered_for_within_the_deadline(
    lane: Lane, model: FakeModelServer, timeout: float
) -> None:
    """The answer is an assessment: had the deadline passed, the call would have failed."""
    model.script = _hang
    assert_no_age(await _answered_in_time(lane, timeout))
    await asyncio.wait_for(model.cancelled.wait(), 30)


async def _answered_in_time(lane: Lane, timeout: float) -> v1.Assessment:
    """Return an answer; a machine may stall for longer than the margin, but not every time."""
    for _ in range(10):
        [answer] = await asyncio.gather(lane.assess(timeout=timeout), return_exceptions=True)
        if isinstance(answer, v1.Assessment):
            return answer
    pytest.fail("no answer within the deadline, ten times")


async def test_without_a_deadline_the_gateway_sets_one(lane: Lane, model: FakeModelServer) -> None:
    """A till that sets none must not hang either."""
    model.script = _hang
    answer = await lane.checkout.AssessCustomer(REQUEST)
    assert_no_age(answer.assessment)
    assert model.timeouts[0] <= 1.0


async def test_no_deadline_is_longer_than_the_cap(lane: Lane, model: FakeModelServer) -> None:
    """The model is asked for at most five seconds, however patient the till is."""
    await lane.assess(timeout=3600)
    assert model.timeouts[0] <= 5.0


async def test_the_model_gets_what_remains_of_the_callers_deadline(
    lane: Lane, model: FakeModelServer
) -> None:
    """Less than the caller gave, so that there is time to answer."""
    await lane.assess(timeout=2)
    assert model.timeouts[0] < 2


async def test_a_caller_who_leaves_ends_the_work_for_them(
    lane: Lane, model: FakeModelServer
) -> None:
    """Cancellation reaches the model server."""
    model.script = _hang
    call = lane.checkout.AssessCustomer(REQUEST)
    await asyncio.wait_for(model.asked.wait(), 30)
    call.cancel()
    await asyncio.wait_for(model.cancelled.wait(), 30)


class TestWithADeadBackend:
    """Nothing listens where the model server should be."""

    @pytest.fixture
    def settings(self) -> Settings:
        """A target that nobody has."""
        with socket.socket() as unused:
            unused.bind(("127.0.0.1", 0))
            port = unused.getsockname()[1]
        return Settings(listen="127.0.0.1:0", model_server=f"127.0.0.1:{port}")

    async def test_the_till_still_gets_a_decision(self, lane: Lane) -> None:
        """A dead backend is VERIFY_ID."""
        assert_no_age(await lane.assess())


class TestWithABackendThatAcceptsAndSaysNothing:
    """The port is open, and whoever has it doesn't speak."""

    @pytest.fixture
    async def silence(self) -> AsyncIterator[int]:
        """A listener that never answers; the value is its port."""
        with socket.socket() as listener:
            listener.bind(("127.0.0.1", 0))
            listener.listen()
            yield listener.getsockname()[1]

    @pytest.fixture
    def settings(self, silence: int) -> Settings:
        """A target that never answers."""
        return Settings(listen="127.0.0.1:0", model_server=f"127.0.0.1:{silence}")

    async def test_the_till_still_gets_a_decision(self, lane: Lane) -> None:
        """A backend that hangs while connecting is VERIFY_ID, too."""
        assert_no_age(await lane.assess(timeout=2))


async def test_a_model_server_that_comes_back_is_found_again(
    lane: Lane, model: FakeModelServer
) -> None:
    """No restart of the gateway is needed."""
    await lane.assess()
    await model.stop()
    assert_no_age(await lane.assess())
    await model.start(model.port)
    await until(lane.waves_through)


async def test_a_fault_of_the_gateway_itself_tells_nothing_of_its_insides(
    lane: Lane, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """INTERNAL with a fixed sentence; the log has the trace."""

    def fail(photo: bytes) -> None:
        raise FileNotFoundError("/secret/path")

    monkeypatch.setattr("agelane_serving.gateway.assessor.check_photo", fail)
    refused = await lane.refused()
    assert refused.code == grpc.StatusCode.INTERNAL
    assert refused.info.reason == "INTERNAL"
    assert "secret" not in refused.message
    assert "secret" in caplog.text


async def test_a_deadline_too_short_to_begin_is_told_so(lane: Lane) -> None:
    """Whether the gateway says so or the caller's own clock comes first."""
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await lane.assess(timeout=0.005)
    assert caught.value.code() == grpc.StatusCode.DEADLINE_EXCEEDED
