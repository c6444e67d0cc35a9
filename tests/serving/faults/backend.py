"""A model server that misbehaves on demand, and remembers what it said about each photo."""

from __future__ import annotations

import asyncio
import math
import random
from collections.abc import Awaitable, Callable

import grpc

from agelane.tfserving.v1 import predict_pb2
from tests.serving.gateway.fake_model_server import (
    AVAILABLE,
    FakeModelServer,
    RawAnswer,
    Script,
    bell,
    floats,
)

ADULT, MINOR = bell(60), bell(15, 1.5)
CERTIFIED, UNCERTIFIED = 3, 4


class Backend:
    """One model server behind a proxy that may stop passing anything on."""

    def __init__(self, truth: Truth) -> None:
        """`truth` hears of each answer that would justify ALLOW."""
        self._truth, self._model, self._proxy = truth, FakeModelServer(), Proxy()
        self._model.cards[UNCERTIFIED] = {"schema": 1, "certificates": []}
        self._down = False

    @property
    def address(self) -> str:
        """Where the gateway finds it, whether it is there or not."""
        return self._proxy.address

    async def start(self) -> None:
        """Be there, and well."""
        await self._model.start()
        await self._proxy.start(self._model.port)
        await self.recover()

    async def stop(self) -> None:
        """Be gone for good."""
        await self._model.stop()
        await self._proxy.stop()

    async def recover(self) -> None:
        """Be well again."""
        if self._down:
            await self._model.start(self._model.port)
            self._down = False
        self._proxy.thaw()
        self._model.failure = None
        self._model.states = {CERTIFIED: AVAILABLE, UNCERTIFIED: AVAILABLE}
        self._model.script = self._well

    async def misbehave(self, random_: random.Random) -> str:
        """Begin to misbehave in some way, and return its name."""
        name = random_.choice(list(_FAULTS))
        await _FAULTS[name](self)
        return name

    async def die(self) -> None:
        """Vanish; connections are refused."""
        await self._model.stop()
        self._down = True

    async def freeze(self) -> None:
        """Leave connections open and say nothing any more."""
        self._proxy.freeze()

    async def fail(self) -> None:
        """Answer with an error."""
        self._model.failure = grpc.StatusCode.INTERNAL

    async def forget(self) -> None:
        """Have no version any more."""
        self._model.states = {}
        self._model.failure = grpc.StatusCode.NOT_FOUND

    def say(self, script: Script) -> None:
        """Answer by a script from now on."""
        self._model.script = script

    async def _well(self, response: predict_pb2.PredictResponse) -> None:
        """Answer as a good server does: an adult on each photo that shows one."""
        photo = self._model.photos.pop()
        adult = self._truth.shows_adult(photo)
        response.outputs["age_probabilities"].CopyFrom(floats(ADULT if adult else MINOR, [1, 101]))
        response.model_spec.version.value = CERTIFIED
        if adult:
            self._truth.justified.add(photo)


class Truth:
    """What photos show, and for which of them somebody had a reason to say ALLOW."""

    def __init__(self) -> None:
        """No photo has been answered."""
        self.justified: set[bytes] = set()

    @staticmethod
    def shows_adult(photo: bytes) -> bool:
        """Tell what a photo shows, by the mark that it ends with."""
        return photo.endswith(b"adult")


class Proxy:
    """Passes bytes on in both directions, unless it is frozen: a half-open connection."""

    def __init__(self) -> None:
        self.address = ""
        self._flowing = asyncio.Event()

    def freeze(self) -> None:
        """Pass nothing on, and close nothing."""
        self._flowing.clear()

    def thaw(self) -> None:
        """Pass everything on, also what has come meanwhile."""
        self._flowing.set()

    async def start(self, target_port: int) -> None:
        """Listen on loopback."""
        self._target_port = target_port
        self._server = await asyncio.start_server(self._connect, "127.0.0.1", 0)
        port = self._server.sockets[0].getsockname()[1]
        self.address = f"127.0.0.1:{port}"

    async def stop(self) -> None:
        """Accept no more connections."""
        self._server.close()

    async def _connect(self, near: asyncio.StreamReader, near_end: asyncio.StreamWriter) -> None:
        try:
            far, far_end = await asyncio.open_connection("127.0.0.1", self._target_port)
        except OSError:
            near_end.close()
            return
        await asyncio.gather(self._pass_on(near, far_end), self._pass_on(far, near_end))

    async def _pass_on(self, source: asyncio.StreamReader, sink: asyncio.StreamWriter) -> None:
        try:
            while data := await source.read(65536):
                await self._flowing.wait()
                sink.write(data)
                await sink.drain()
        except OSError:
            pass
        finally:
            sink.close()


async def _hang(response: predict_pb2.PredictResponse) -> None:
    await asyncio.sleep(30)


async def _slow(response: predict_pb2.PredictResponse) -> None:
    # An adult, too late for most callers; whoever gets it in time may say ALLOW only if certified.
    response.model_spec.version.value = UNCERTIFIED
    await asyncio.sleep(0.4)


def _probabilities(values: list[float], shape: list[int]) -> Script:
    async def script(response: predict_pb2.PredictResponse) -> None:
        response.outputs["age_probabilities"].CopyFrom(floats(values, shape))

    return script


async def _stale(response: predict_pb2.PredictResponse) -> None:
    response.model_spec.version.value = UNCERTIFIED


async def _unknown(response: predict_pb2.PredictResponse) -> None:
    response.model_spec.version.value = 999


async def _garbage(response: predict_pb2.PredictResponse) -> None:
    raise RawAnswer(random.randbytes(200))


async def _undecodable(response: predict_pb2.PredictResponse) -> None:
    response.outputs["ok"].bool_val[0] = False


def _says(script: Script) -> Callable[[Backend], Awaitable[None]]:
    async def begin(backend: Backend) -> None:
        backend.say(script)

    return begin


_FAULTS: dict[str, Callable[[Backend], Awaitable[None]]] = {
    "killed": Backend.die,
    "half-open": Backend.freeze,
    "failing": Backend.fail,
    "without a version": Backend.forget,
    "hung": _says(_hang),
    "slow": _says(_slow),
    "NaN": _says(_probabilities([math.nan] * 101, [1, 101])),
    "wrong shape": _says(_probabilities([*ADULT, 0.0], [1, 102])),
    "a sum of 2": _says(_probabilities([2 * p for p in ADULT], [1, 101])),
    "stale version": _says(_stale),
    "unknown version": _says(_unknown),
    "garbage": _says(_garbage),
    "can't decode": _says(_undecodable),
}
