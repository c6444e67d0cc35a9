"""A till in JavaScript, made of the .proto files and the packages of gRPC's authors."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from google.rpc import status_pb2

from tests.serving.foreign.conftest import Node
from tests.serving.foreign.processes import DEADLINE_SECONDS, ROOT

pytestmark = pytest.mark.asyncio(loop_scope="module")
# googleapis-common-protos brings its .proto files along with its modules.
PROTO_FOLDERS = f"{ROOT / 'proto'}:{Path(status_pb2.__file__).parents[2]}"


async def lane(node: Node, address: str, *photo: Path) -> dict[str, Any]:
    """Return what the till prints about a photo, or about a stream if there is none."""
    deadline = str(1000 * DEADLINE_SECONDS)
    outcome = await node.run("lane.js", address, deadline, PROTO_FOLDERS, *photo)
    assert outcome.code == 0, outcome.errors
    printed: dict[str, Any] = json.loads(outcome.output)
    return printed


async def test_it_gets_a_decision(node: Node, address: str, photo: Path) -> None:
    """With an age, its interval and the model that answered."""
    answer = await lane(node, address, photo)
    assert answer["code"] == "OK", answer
    assessment = answer["assessment"]
    assert assessment["alcohol_decision"] == "ALCOHOL_DECISION_ALLOW"
    assert assessment["age_years"] == pytest.approx(60, abs=0.1)
    assert assessment["age_low_years"] < 60 < assessment["age_high_years"]
    assert assessment["model"] == {"name": "age", "version": "3"}


async def test_it_reads_the_details_of_an_error(node: Node, address: str, no_photo: Path) -> None:
    """The reason for programs and the field that is wrong."""
    answer = await lane(node, address, no_photo)
    assert answer["code"] == "INVALID_ARGUMENT", answer
    details = {detail["@type"].rpartition(".")[2]: detail for detail in answer["details"]}
    assert details["ErrorInfo"]["domain"] == "agelane.v1"
    assert details["ErrorInfo"]["reason"] == "UNSUPPORTED_FORMAT"
    assert details["BadRequest"]["field_violations"][0]["field"] == "photo"


async def test_it_opens_a_stream(node: Node, address: str) -> None:
    """For a customer without photos; a gateway without streams says so."""
    answer = await lane(node, address)
    assert answer["code"] in ("OK", "UNIMPLEMENTED"), answer
