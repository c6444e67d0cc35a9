"""Photos that come together go in one call, and nobody gets the answer about another's."""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Sequence

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agelane.v1 import assessment_pb2 as v1
from agelane_serving.gateway.deadline import Deadline
from agelane_serving.gateway.errors import ModelSlow, ModelUnavailable, ModelUnreachable
from agelane_serving.gateway.model.gathering import MOST_PHOTOS, Gathering
from agelane_serving.gateway.model.outputs import Outputs
from agelane_serving.gateway.photo.upright import UprightPhoto
from tests.serving.gateway import photos
from tests.serving.gateway.conftest import Lane, until
from tests.serving.gateway.fake_model_server import FakeModelServer, bell


class Server:
    """Says of a photo the version that is written on it, and notes who came together."""

    def __init__(self, seconds: float = 0.01) -> None:
        self.seconds = seconds
        self.failure: Exception | None = None
        self.most_photos = 1_000
        self.calls: list[list[int]] = []
        self.cancelled = 0

    async def send(
        self, photos: Sequence[UprightPhoto], label: str, seconds: float
    ) -> list[Outputs]:
        """Answer after a while, which varies."""
        numbers = [int(photo.content) for photo in photos]
        self.calls.append(numbers)
        try:
            await asyncio.sleep(self.seconds * random.random())
        except asyncio.CancelledError:
            self.cancelled += 1
            raise
        if self.failure is not None:
            raise self.failure
        if len(photos) > self.most_photos or 13 in numbers[:-1]:
            raise ModelUnavailable("INVALID_ARGUMENT")
        return [Outputs(number, None, None) for number in numbers]


def deadline(seconds: float = 30) -> Deadline:
    """Return the moment in so many seconds."""
    return Deadline(time.monotonic() + seconds)


async def ask(gathering: Gathering, number: int, label: str = "", seconds: float = 30) -> int:
    """Return the version that is said of a photo with this number."""
    photo = UprightPhoto(str(number).encode(), (1, 1))
    return (await gathering.ask(photo, label, deadline(seconds))).version


@settings(max_examples=40, deadline=None)
@given(
    st.lists(st.tuples(st.integers(0, 5), st.sampled_from(["", "canary"])), max_size=60),
    st.sampled_from([1, 3, 1_000]),
    st.randoms(use_true_random=False),
)
def test_everybody_gets_the_answer_about_their_own_photo(
    arrivals: list[tuple[int, str]], most_photos: int, chance: random.Random
) -> None:
    """Whoever comes when, with or without some who leave, and whatever the server refuses."""
    server = Server()
    server.most_photos = most_photos

    async def come() -> None:
        gathering = Gathering(server.send)
        calls, leaving = [], []
        for number, (milliseconds, label) in enumerate(arrivals):
            await asyncio.sleep(milliseconds / 1000)
            calls.append(asyncio.create_task(ask(gathering, number, label)))
            if chance.random() < 0.2:
                leaving.append(calls[-1])
                asyncio.get_running_loop().call_later(0.005 * chance.random(), calls[-1].cancel)
        answers = await asyncio.gather(*calls, return_exceptions=True)
        for number, (call, answer) in enumerate(zip(calls, answers, strict=True)):
            left = call in leaving and isinstance(answer, asyncio.CancelledError)
            assert answer == number or left

    asyncio.run(come())
    assert max(map(len, server.calls), default=0) <= MOST_PHOTOS


async def test_a_lone_photo_does_not_wait_for_company() -> None:
    """Nor does whoever comes after it has been answered."""
    server = Server(seconds=0)
    gathering = Gathering(server.send)
    for number in range(3):
        assert await ask(gathering, number) == number
    assert server.calls == [[0], [1], [2]]


async def test_those_who_come_while_others_are_worked_on_go_together() -> None:
    """By the label that they are for, and never more than a call may have."""
    server = Server()
    gathering = Gathering(server.send)
    first = asyncio.create_task(ask(gathering, 0))
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    labels = [""] * 10 + ["canary"] * 3
    others = [ask(gathering, number, label) for number, label in enumerate(labels, start=1)]
    await asyncio.gather(first, *others)
    assert sorted(server.calls) == [[0], [1, 2, 3, 4, 5, 6, 7, 8], [9, 10], [11, 12, 13]]


async def test_what_fails_together_is_asked_about_one_by_one() -> None:
    """One photo that breaks a call costs nobody else the answer; for a minute all go alone then."""
    server = Server()
    gathering = Gathering(server.send)
    assert await asyncio.gather(*[ask(gathering, number) for number in (12, 13, 14)]) == [
        12,
        13,
        14,
    ]
    assert server.calls == [[12, 13, 14], [12], [13], [14]]
    await asyncio.gather(ask(gathering, 15), ask(gathering, 16))
    assert server.calls[4:] == [[15], [16]]


@pytest.mark.parametrize("failure", [ModelSlow("late"), ModelUnreachable("away")])
async def test_a_server_that_is_away_is_not_asked_again_for_each(failure: Exception) -> None:
    """It would be away for them too; each caller is told."""
    server = Server()
    server.failure = failure
    gathering = Gathering(server.send)
    found = await asyncio.gather(
        *[ask(gathering, number) for number in range(3)], return_exceptions=True
    )
    assert found == [failure] * 3
    assert server.calls == [[0, 1, 2]]


async def test_each_waits_as_long_as_they_like_themselves() -> None:
    """However patient those are who came along."""
    server = Server(seconds=0)
    release = asyncio.Event()

    async def send(photos: Sequence[UprightPhoto], label: str, seconds: float) -> list[Outputs]:
        assert 20 < seconds <= 30
        await release.wait()
        return await server.send(photos, label, seconds)

    gathering = Gathering(send)
    patient = asyncio.create_task(ask(gathering, 1))
    with pytest.raises(ModelSlow):
        await ask(gathering, 2, seconds=0.05)
    release.set()
    assert await patient == 1


async def test_once_all_have_left_the_call_ends() -> None:
    """As long as somebody waits it goes on; who left before it began is not in it."""
    server = Server(seconds=60)
    gathering = Gathering(server.send)
    calls = [asyncio.create_task(ask(gathering, number)) for number in range(3)]
    await asyncio.sleep(0)
    calls[0].cancel()
    await asyncio.sleep(0.01)
    assert server.calls == [[1, 2]]
    calls[1].cancel()
    await asyncio.sleep(0.01)
    assert server.cancelled == 0
    calls[2].cancel()
    await asyncio.sleep(0.01)
    assert server.cancelled == 1


async def test_at_the_door_too_each_till_gets_its_own_answer(
    lane: Lane, model: FakeModelServer
) -> None:
    """Forty tills at once, a photo and an age for each; also where the server takes only two."""
    taken = {photos.jpeg((64, 48 + number)): 20 + number for number in range(40)}
    model.of_photo = {photo: bell(age) for photo, age in taken.items()}

    async def all_are_right() -> bool:
        calls = [lane.assess(photo, lane_id=str(age)) for photo, age in taken.items()]
        found: list[v1.Assessment] = await asyncio.gather(*calls)
        assert [round(each.age_years) for each in found] == [*taken.values()]
        return max(model.calls) > 1

    await until(all_are_right)
    model.most_photos = 2
    await all_are_right()
