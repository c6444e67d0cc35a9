"""A lane's stream: customer after customer, each from several photos."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import grpc
import pytest

from agelane.tfserving.v1 import predict_pb2
from agelane.v1 import assessment_pb2 as v1
from agelane.v1 import checkout_pb2, error_pb2
from agelane_serving.gateway.security.new_token import new_token
from agelane_serving.gateway.server import Gateway
from agelane_serving.gateway.settings import Settings
from tests.serving.gateway import photos
from tests.serving.gateway.conftest import Lane, Refused
from tests.serving.gateway.fake_model_server import AVAILABLE, FakeModelServer, bell, card

ALLOW, VERIFY_ID = v1.ALCOHOL_DECISION_ALLOW, v1.ALCOHOL_DECISION_VERIFY_ID
Answer = checkout_pb2.AssessCustomerStreamResponse


class Stream:
    """The till's end of a stream."""

    def __init__(self, lane: Lane, metadata: tuple[tuple[str, str], ...] = ()) -> None:
        self._call = lane.checkout.AssessCustomerStream(metadata=metadata)

    async def start(self, **fields: str) -> None:
        """Let a customer come."""
        await self._send(customer_start=checkout_pb2.CustomerStart(**fields))

    async def frame(self, photo: bytes | None = None, number: int = 0) -> Answer:
        """Send a photo, a good one if none is given, and return its answer."""
        content = photos.jpeg() if photo is None else photo
        await self._send(frame=checkout_pb2.CustomerFrame(photo=content, frame_number=number))
        return await self.answer()

    async def end(self) -> Answer:
        """Let the customer go, and return the last answer."""
        await self._send(customer_end=checkout_pb2.CustomerEnd())
        return await self.answer()

    async def answer(self) -> Answer:
        """Return what comes next."""
        async with asyncio.timeout(10):
            answer = await self._call.read()
        assert isinstance(answer, Answer)
        return answer

    async def refusal(self, event: checkout_pb2.AssessCustomerStreamRequest) -> Refused:
        """Send what makes no sense, and return how the stream ended."""
        await self._call.write(event)
        return await self.ended()

    async def ended(self) -> Refused:
        """Return how the stream was ended by the gateway."""
        async with asyncio.timeout(10):
            with pytest.raises(grpc.aio.AioRpcError) as caught:
                await self._call.read()
        return Refused(caught.value)

    async def close(self) -> None:
        """Send nothing more, and wait for the end."""
        await self._call.done_writing()
        async with asyncio.timeout(10):
            assert await self._call.read() is grpc.aio.EOF

    def cancel(self) -> None:
        """Vanish."""
        self._call.cancel()

    async def _send(self, **event: object) -> None:
        await self._call.write(checkout_pb2.AssessCustomerStreamRequest(**event))  # type: ignore[arg-type]


@pytest.fixture
async def stream(lane: Lane) -> AsyncIterator[Stream]:
    """An open stream."""
    stream = Stream(lane)
    yield stream
    stream.cancel()


async def test_each_frame_is_answered_and_two_that_agree_settle_it(
    stream: Stream, model: FakeModelServer
) -> None:
    """From then on photos cost nothing; the estimate has grown sharper."""
    await stream.start(store_id="s", lane_id="l", request_id="r")
    first = await stream.frame(number=7)
    assert (first.frame_number, first.frames_received, first.final) == (7, 1, False)
    assert (first.assessment.alcohol_decision, first.assessment.request_id) == (ALLOW, "r")
    second = await stream.frame(number=8)
    assert (second.assessment.frames_used, second.final) == (2, True)
    widths = [a.assessment.age_high_years - a.assessment.age_low_years for a in (first, second)]
    assert widths[1] < widths[0]
    asked = len(model.photos)
    third = await stream.frame(number=9)
    assert (third.final, third.frames_received, len(model.photos)) == (True, 3, asked)
    last = await stream.end()
    assert (last.final, last.HasField("frame_number")) == (True, False)
    await stream.close()


async def test_customers_are_not_mixed(stream: Stream, model: FakeModelServer) -> None:
    """The next one begins with nothing, whether the one before was ended or not."""
    await stream.start()
    await stream.frame()
    model.probabilities = bell(15, 2)
    await stream.start()
    answer = await stream.frame()
    assert (answer.frames_received, answer.assessment.frames_used) == (1, 1)
    assert answer.assessment.age_years == pytest.approx(15, abs=0.1)
    await stream.end()
    refused = await stream.refusal(
        checkout_pb2.AssessCustomerStreamRequest(frame=checkout_pb2.CustomerFrame(photo=b"x"))
    )
    assert refused.info.reason == "NO_CUSTOMER"


async def test_a_frame_that_can_not_be_used_does_not_end_the_stream(
    stream: Stream, model: FakeModelServer
) -> None:
    """It says why; the customer goes on with those before and after."""
    await stream.start()
    bad = await stream.frame(b"no photo", number=1)
    assert bad.frame_error == error_pb2.ERROR_REASON_UNSUPPORTED_FORMAT
    assert bad.assessment.alcohol_decision == VERIFY_ID
    assert not bad.assessment.HasField("age_years")
    good = await stream.frame(number=2)
    assert (good.frame_error, good.assessment.alcohol_decision) == (0, ALLOW)
    worse = await stream.frame(b"", number=3)
    assert worse.frame_error == error_pb2.ERROR_REASON_EMPTY_PHOTO
    assert (worse.assessment.frames_used, worse.frames_received) == (1, 3)


async def test_a_till_that_sends_nothing_of_use_is_answered_no_more(stream: Stream) -> None:
    """Each answer costs a signature, and there may be thousands of such frames a second."""
    await stream.start()
    for _ in range(50):
        assert (await stream.frame(b"")).frame_error == error_pb2.ERROR_REASON_EMPTY_PHOTO
    empty = checkout_pb2.AssessCustomerStreamRequest(frame=checkout_pb2.CustomerFrame())
    assert (await stream.refusal(empty)).info.reason == "EMPTY_PHOTO"


async def test_a_dead_model_is_an_answer_here_too(stream: Stream, model: FakeModelServer) -> None:
    """VERIFY_ID without an age."""
    model.failure = grpc.StatusCode.INTERNAL
    await stream.start()
    answer = await stream.frame()
    assert list(answer.assessment.reasons) == [v1.DECISION_REASON_MODEL_UNAVAILABLE]
    assert (answer.assessment.alcohol_decision, answer.assessment.frames_used) == (VERIFY_ID, 0)


async def test_two_people_in_one_visit_are_noticed(stream: Stream, model: FakeModelServer) -> None:
    """A cashier can't have an adult's photo speak for a minor."""
    await stream.start()
    assert (await stream.frame()).assessment.alcohol_decision == ALLOW
    model.probabilities = bell(14, 1.5)
    answer = await stream.frame()
    assert list(answer.assessment.reasons) == [v1.DECISION_REASON_FRAMES_DISAGREE]
    assert (answer.assessment.alcohol_decision, answer.final) == (VERIFY_ID, True)


async def test_answers_of_two_versions_are_not_mixed(
    stream: Stream, model: FakeModelServer
) -> None:
    """Each has a certificate of its own, and the new one may have none."""
    await stream.start()
    assert (await stream.frame()).assessment.alcohol_decision == ALLOW
    model.version, model.states[4] = 4, AVAILABLE
    answer = await stream.frame()
    assert list(answer.assessment.reasons) == [v1.DECISION_REASON_MODEL_NOT_CERTIFIED]
    assert (answer.assessment.model.version, answer.assessment.frames_used) == (4, 1)
    model.version, model.cards[5] = 5, card()
    assert (await stream.frame()).assessment.alcohol_decision == ALLOW


@pytest.mark.parametrize(
    ("event", "reason"),
    [
        (checkout_pb2.AssessCustomerStreamRequest(), "INVALID_FIELD"),
        (
            checkout_pb2.AssessCustomerStreamRequest(customer_end=checkout_pb2.CustomerEnd()),
            "NO_CUSTOMER",
        ),
        (
            checkout_pb2.AssessCustomerStreamRequest(
                customer_start=checkout_pb2.CustomerStart(restricted_category="fireworks")
            ),
            "UNKNOWN_RESTRICTED_CATEGORY",
        ),
        (
            checkout_pb2.AssessCustomerStreamRequest(
                customer_start=checkout_pb2.CustomerStart(lane_id="no lane")
            ),
            "INVALID_FIELD",
        ),
    ],
)
async def test_what_makes_no_sense_ends_the_stream(
    stream: Stream, event: checkout_pb2.AssessCustomerStreamRequest, reason: str
) -> None:
    """With a reason that programs can read."""
    assert (await stream.refusal(event)).info.reason == reason


async def test_a_stream_belongs_to_one_lane(stream: Stream) -> None:
    """Another lane needs another stream."""
    await stream.start(lane_id="1")
    await stream.start(lane_id="1")
    start = checkout_pb2.CustomerStart(lane_id="2")
    refused = await stream.refusal(checkout_pb2.AssessCustomerStreamRequest(customer_start=start))
    assert refused.info.reason == "INVALID_FIELD"


async def test_a_gateway_that_stops_ends_streams_between_two_photos(
    gateway: Gateway, lane: Lane, model: FakeModelServer
) -> None:
    """The photo in progress is answered, and the till is told to go elsewhere."""
    may_answer = asyncio.Event()

    async def wait(response: predict_pb2.PredictResponse) -> None:
        await may_answer.wait()

    idle, busy = Stream(lane), Stream(lane)
    await idle.start()
    await idle.frame()
    model.script = wait
    await busy.start()
    frame = asyncio.create_task(busy.frame())
    model.asked.clear()
    await asyncio.wait_for(model.asked.wait(), 10)
    stopping = asyncio.create_task(gateway.stop())
    refused = await idle.ended()
    assert (refused.code, refused.info.reason) == (grpc.StatusCode.UNAVAILABLE, "SHUTTING_DOWN")
    may_answer.set()
    assert (await frame).assessment.alcohol_decision == ALLOW
    assert (await busy.ended()).info.reason == "SHUTTING_DOWN"
    await asyncio.wait_for(stopping, 10)


async def test_a_lane_that_vanishes_leaves_nothing_behind(
    lane: Lane, model: FakeModelServer
) -> None:
    """Also while a photo is being looked at: the model server is told."""

    async def hang(response: predict_pb2.PredictResponse) -> None:
        await asyncio.sleep(60)

    model.script = hang
    stream = Stream(lane)
    await stream.start()
    frame = asyncio.create_task(stream.frame())
    await asyncio.wait_for(model.asked.wait(), 10)
    stream.cancel()
    await asyncio.wait_for(model.cancelled.wait(), 10)
    frame.cancel()


class TestShortValidity:
    """Where a decision is valid for a second."""

    @pytest.fixture
    def policy_text(self, policy_without_audit: Path) -> str:
        """The built-in policy but for that."""
        text = policy_without_audit.read_text()
        return text.replace("valid_seconds = 300", "valid_seconds = 1")

    async def test_an_old_answer_allows_nothing(
        self, stream: Stream, model: FakeModelServer
    ) -> None:
        """Neither as the last word nor with a photo that can't be used."""
        for last in (stream.end, lambda: stream.frame(b"no photo")):
            await stream.start()
            assert (await stream.frame()).assessment.alcohol_decision == ALLOW
            await asyncio.sleep(1.1)
            answer = await last()
            assert answer.assessment.alcohol_decision == VERIFY_ID
            assert answer.assessment.frames_used == 0

    async def test_a_visit_that_lasts_begins_anew_under_the_policy_of_the_moment(
        self, stream: Stream, gateway: Gateway, tmp_path: Path, policy_text: str
    ) -> None:
        """A lane can't keep a legal age by never saying that the customer has gone."""
        await stream.start()
        assert (await stream.frame()).assessment.legal_age_years == 18
        alcohol = "alcohol = {{ legal_age_years = {} }}".format
        stricter = policy_text.replace(alcohol(18), alcohol(21))
        (tmp_path / "policy.toml").write_text(stricter)
        gateway.configuration.reload()
        assert (await stream.frame()).assessment.legal_age_years == 18
        await asyncio.sleep(1.1)
        assert (await stream.frame()).assessment.legal_age_years == 21


class TestAudit:
    """Where a fifth of the customers is audited."""

    @pytest.fixture
    def policy_text(self, policy_without_audit: Path) -> str:
        """The built-in policy but for that."""
        return policy_without_audit.read_text().replace("audit_share = 0", "audit_share = 0.2")

    async def test_a_customer_is_audited_or_not_whatever_photos_follow(
        self, stream: Stream
    ) -> None:
        """One draw for each of them, and the audit says that it was the audit."""
        seen = set()
        for _ in range(60):
            await stream.start()
            answers = [await stream.frame(), await stream.frame(), await stream.end()]
            reasons = {tuple(answer.assessment.reasons) for answer in answers}
            assert len(reasons) == 1
            seen |= reasons
        audited = (v1.DECISION_REASON_RANDOM_AUDIT,)
        assert seen == {(v1.DECISION_REASON_CLEARLY_OVER_LEGAL_AGE,), audited}


async def test_a_token_that_was_taken_back_ends_its_stream(
    model: FakeModelServer, tmp_path: Path, policy_without_audit: Path
) -> None:
    """At the next photo."""
    path = tmp_path / "tokens.toml"
    token, digest = new_token("till")
    other = '\n[tokens.other]\nsha256 = "' + "0" * 64 + '"\nrole = "operator"\n'
    entry = f'\n[tokens.till]\nsha256 = "{digest}"\nrole = "lane"\nstore_id = "s"\n'
    path.write_text("schema = 1\n" + other + entry)
    gateway = Gateway(
        Settings(
            listen="127.0.0.1:0",
            model_server=model.address,
            credentials=path,
            policy=policy_without_audit,
            notice_seconds=0,
        )
    )
    await gateway.start()
    async with grpc.aio.insecure_channel(gateway.address) as channel:
        stream = Stream(Lane(channel), (("authorization", f"Bearer {token}"),))
        await stream.start()
        assert (await stream.frame()).assessment.alcohol_decision == ALLOW
        path.write_text("schema = 1\n" + other)
        gateway.configuration.reload()
        frame = checkout_pb2.AssessCustomerStreamRequest(frame=checkout_pb2.CustomerFrame())
        assert (await stream.refusal(frame)).info.reason == "CREDENTIALS_INVALID"
    await gateway.stop()
