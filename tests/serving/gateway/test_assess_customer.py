"""What a till is told about a good photo."""

from __future__ import annotations

import asyncio
import math
import re

import grpc
import pytest

from agelane.tfserving.v1 import predict_pb2
from agelane.v1 import assessment_pb2 as v1
from agelane.v1 import report_pb2, report_pb2_grpc, sale_pb2
from tests.serving.gateway import photos
from tests.serving.gateway.conftest import Lane, Refused
from tests.serving.gateway.fake_model_server import (
    FakeModelServer,
    bell,
    card,
    floats,
    packed_floats,
)


async def test_an_adult_is_waved_through_with_everything_the_contract_promises(
    lane: Lane, model: FakeModelServer
) -> None:
    """Each field that is always set is set, and the numbers agree with the model's answer."""
    assessment = await lane.assess(photos.jpeg((80, 60)), request_id="call-1", lane_id="7")
    assert assessment.alcohol_decision == v1.ALCOHOL_DECISION_ALLOW
    assert list(assessment.reasons) == [v1.DECISION_REASON_CLEARLY_OVER_LEGAL_AGE]
    assert re.fullmatch("[0-9a-f]{32}", assessment.id)
    assert re.fullmatch("[0-9a-f]{16}", assessment.policy_version)
    assert assessment.request_id == "call-1"
    assert assessment.age_years == pytest.approx(60, abs=0.01)
    assert assessment.age_low_years == pytest.approx(60 - 1.645 * 3, abs=0.2)
    assert assessment.age_high_years == pytest.approx(60 + 1.645 * 3, abs=0.2)
    assert (assessment.age_group.id, assessment.age_group.label) == ("55_64", "55-64")
    assert (assessment.age_group.from_years, assessment.age_group.to_years) == (55, 64)
    assert assessment.age_group_probability == pytest.approx(sum(bell(60)[55:65]), abs=1e-6)
    assert assessment.probability_under_legal_age == pytest.approx(0, abs=1e-6)
    assert (assessment.legal_age_years, assessment.restricted_category) == (18, "alcohol")
    assert (assessment.model.name, assessment.model.version) == ("age", 3)
    assert assessment.photo_quality.width_pixels == 80
    assert assessment.photo_quality.height_pixels == 60
    assert not assessment.photo_quality.orientation_applied
    assert assessment.frames_used == 1
    assert assessment.expires_at.seconds - assessment.assessed_at.seconds == 300
    assert not assessment.assessment_token


async def test_a_minor_is_not_waved_through(lane: Lane, model: FakeModelServer) -> None:
    """The built-in policy does not refuse, but sends the cashier to the document."""
    model.probabilities = bell(12, 1)
    assessment = await lane.assess()
    assert assessment.alcohol_decision == v1.ALCOHOL_DECISION_VERIFY_ID
    assert list(assessment.reasons) == [v1.DECISION_REASON_CLEARLY_UNDER_LEGAL_AGE]
    assert assessment.probability_under_legal_age > 0.99


async def test_an_answer_in_packed_bytes_is_read_as_well(
    lane: Lane, model: FakeModelServer
) -> None:
    """TensorFlow Serving may send `tensor_content` instead of `float_val`."""

    async def pack(response: object) -> None:
        outputs = response.outputs  # type: ignore[attr-defined]
        outputs["age_probabilities"].CopyFrom(packed_floats(bell(41), [1, 101]))
        outputs["age"].CopyFrom(packed_floats([41], [1]))
        outputs["ok"].ClearField("bool_val")
        outputs["ok"].tensor_content = b"\x01"

    model.script = pack
    assert (await lane.assess()).age_years == pytest.approx(41, abs=0.01)


async def test_the_age_is_the_median_and_not_the_mean(lane: Lane, model: FakeModelServer) -> None:
    """A long tail to one side does not pull it away."""
    model.probabilities = [0.75 * a + 0.25 * b for a, b in zip(bell(30), bell(80), strict=True)]
    assessment = await lane.assess()
    assert assessment.age_years == pytest.approx(31.3, abs=0.2)


async def test_the_oldest_group_is_open_ended(lane: Lane, model: FakeModelServer) -> None:
    """`to_years` is unset where a group has no upper end."""
    model.probabilities = bell(90)
    group = (await lane.assess()).age_group
    assert (group.id, group.label, group.HasField("to_years")) == ("65_plus", "65+", False)


async def test_a_call_without_a_name_gets_one(lane: Lane) -> None:
    """The gateway makes a request_id where the till gives none."""
    assert (await lane.assess()).request_id


async def test_every_assessment_has_an_id_of_its_own(lane: Lane) -> None:
    """Calls may be repeated; each answer is another one."""
    answers = await asyncio.gather(*(lane.assess(request_id="same") for _ in range(5)))
    assert len({answer.id for answer in answers}) == 5


async def test_the_model_gets_the_very_bytes_of_an_upright_photo(
    lane: Lane, model: FakeModelServer
) -> None:
    """Nothing is encoded anew without need."""
    photo = photos.png()
    await lane.assess(photo)
    assert model.photos == [photo]


@pytest.mark.parametrize("format_", ["JPEG", "PNG"])
async def test_a_turned_photo_is_made_upright_before_the_model_sees_it(
    lane: Lane, model: FakeModelServer, format_: str
) -> None:
    """The sizes in the answer are those that a viewer sees, and metadata stay behind."""
    photo = photos.with_orientation(6, format_)
    quality = (await lane.assess(photo)).photo_quality
    assert (quality.width_pixels, quality.height_pixels) == (48, 64)
    assert quality.orientation_applied
    assert b"photographer" in photo
    assert b"photographer" not in model.photos[0]


async def test_a_broken_photo_that_only_the_model_notices_means_a_document_check(
    lane: Lane, model: FakeModelServer
) -> None:
    """`ok` = false is VERIFY_ID without an age, although the model sent numbers."""
    model.ok = False
    assessment = await lane.assess()
    assert assessment.alcohol_decision == v1.ALCOHOL_DECISION_VERIFY_ID
    assert list(assessment.reasons) == [v1.DECISION_REASON_PHOTO_UNUSABLE]
    assert not assessment.HasField("age_years")
    assert not assessment.HasField("age_group")
    assert assessment.model.version == 3
    assert assessment.frames_used == 0


async def test_what_a_model_says_of_a_photo_that_it_can_not_decode_is_not_looked_at(
    lane: Lane, model: FakeModelServer
) -> None:
    """However odd it is, the model is in order: not to be blamed, and asked again."""

    async def odd(response: predict_pb2.PredictResponse) -> None:
        response.outputs["age"].CopyFrom(floats([math.nan], [1]))
        response.outputs["age_probabilities"].CopyFrom(floats([0.0] * 101, [1, 101]))
        response.outputs["face_box"].CopyFrom(floats([2.0] * 4, [1, 4]))

    model.ok, model.script = False, odd
    assessment = await lane.assess()
    assert list(assessment.reasons) == [v1.DECISION_REASON_PHOTO_UNUSABLE]
    assert assessment.model.version == 3


@pytest.mark.parametrize("field", ["store_id", "lane_id", "request_id"])
@pytest.mark.parametrize("value", ["a b", "x" * 65, "näme", "line\nbreak", "tail\n"])
async def test_an_impossible_id_is_refused_by_name(lane: Lane, field: str, value: str) -> None:
    """Ids end up in logs and records, so that they are checked."""
    refused = await lane.refused(photos.jpeg(), **{field: value})
    assert refused.code == grpc.StatusCode.INVALID_ARGUMENT
    assert (refused.info.reason, refused.fields) == ("INVALID_FIELD", [field])


async def test_an_unknown_category_is_refused(lane: Lane) -> None:
    """A till that asks for goods the policy does not know must not get a guess."""
    refused = await lane.refused(restricted_category="fireworks")
    assert refused.code == grpc.StatusCode.INVALID_ARGUMENT
    assert refused.info.reason == "UNKNOWN_RESTRICTED_CATEGORY"
    assert refused.fields == ["restricted_category"]


async def test_a_category_that_is_too_long_is_an_invalid_field(lane: Lane) -> None:
    """The contract allows 64 characters."""
    refused = await lane.refused(restricted_category="x" * 65)
    assert refused.info.reason == "INVALID_FIELD"
    assert dict(refused.info.metadata) == {"limit": "64", "actual": "65"}


async def test_other_goods_have_rules_of_their_own(lane: Lane) -> None:
    """The category of the request chooses the legal age."""
    assert (await lane.assess(restricted_category="tobacco")).restricted_category == "tobacco"


class TestWithAStrictPolicy:
    """A policy file of the store's own."""

    @pytest.fixture
    def policy_text(self) -> str:
        """Alcohol from 21, refused below, with a threshold of its own."""
        return """
            schema = 2
            valid_seconds = 60
            audit_share = 0
            age_group_starts = [0, 30]
            jurisdiction = "here"
            [jurisdictions.here.alcohol]
            legal_age_years = 21
            allow_refuse = true
            local_threshold = 1e-9
            """

    async def test_the_store_may_be_stricter_than_the_certificate(
        self, lane: Lane, model: FakeModelServer
    ) -> None:
        """A local threshold turns ALLOW into VERIFY_ID, and says so."""
        model.cards = {3: card(legal_age_years=21)}
        model.probabilities = bell(40, 4)
        assessment = await lane.assess()
        assert list(assessment.reasons) == [v1.DECISION_REASON_LOCAL_THRESHOLD]
        assert assessment.age_group.id == "30_plus"
        assert assessment.legal_age_years == 21
        assert assessment.expires_at.seconds - assessment.assessed_at.seconds == 60

    async def test_a_child_is_refused_where_the_store_wants_that(
        self, lane: Lane, model: FakeModelServer
    ) -> None:
        """REFUSE exists only where the policy allows it."""
        model.cards = {3: card(legal_age_years=21)}
        model.probabilities = bell(8, 1)
        assessment = await lane.assess()
        assert assessment.alcohol_decision == v1.ALCOHOL_DECISION_REFUSE

    async def test_a_certificate_for_another_legal_age_certifies_nothing(
        self, lane: Lane, model: FakeModelServer
    ) -> None:
        """A threshold for 18 says nothing about 21."""
        assessment = await lane.assess()
        assert assessment.alcohol_decision == v1.ALCOHOL_DECISION_VERIFY_ID
        assert list(assessment.reasons) == [v1.DECISION_REASON_MODEL_NOT_CERTIFIED]
        assert assessment.age_years == pytest.approx(60, abs=0.01)


async def test_what_is_not_there_yet_says_so(lane: Lane) -> None:
    """UNIMPLEMENTED with a reason that programs can read."""
    reports: report_pb2_grpc.ReportServiceAsyncStub = report_pb2_grpc.ReportServiceStub(
        lane.channel
    )
    for call in (
        lane.checkout.RecordSale(sale_pb2.RecordSaleRequest()),
        reports.GetCashierReport(report_pb2.GetCashierReportRequest()),
        reports.GetAgeGroupReport(report_pb2.GetAgeGroupReportRequest()),
    ):
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await call
        refused = Refused(caught.value)
        assert refused.code == grpc.StatusCode.UNIMPLEMENTED
        assert (refused.info.reason, refused.info.domain) == ("NOT_IMPLEMENTED", "agelane.v1")
