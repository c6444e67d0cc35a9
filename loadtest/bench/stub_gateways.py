"""`python -m loadtest.bench.stub_gateways MEAN_MS MEAN_MS …`: gateways with known service times.

Each answers after a time that is exponential with its mean, however many calls it has: the till's
side alone is measured before them. Their addresses go to stdout, on one line. What they have been
asked for so far, all together, the first one tells.
"""

from __future__ import annotations

import asyncio
import random
import sys

import grpc.aio
from google.protobuf.wrappers_pb2 import Int32Value

from agelane.v1 import assessment_pb2, checkout_pb2

CALLS = "/loadtest.bench.StubGateways/Calls"
_ASSESS = "/agelane.v1.CheckoutService/AssessCustomer"
_ANSWER = checkout_pb2.AssessCustomerResponse(
    assessment=assessment_pb2.Assessment(alcohol_decision=assessment_pb2.ALCOHOL_DECISION_VERIFY_ID)
)


class StubGateways:
    """All of them."""

    def __init__(self) -> None:
        """Nobody has called yet."""
        self._calls = 0

    def at(self, mean_seconds: float, seed: int) -> grpc.aio.Server:
        """Return one with this mean service time."""
        chance = random.Random(seed)

        async def assess(request: bytes, context: object) -> bytes:
            self._calls += 1
            await asyncio.sleep(chance.expovariate(1 / mean_seconds))
            return _ANSWER.SerializeToString()

        async def calls(request: bytes, context: object) -> bytes:
            return Int32Value(value=self._calls).SerializeToString()

        server = grpc.aio.server(options=[("grpc.so_reuseport", 0)])
        for path, method in ((_ASSESS, assess), (CALLS, calls)):
            service, name = path.strip("/").split("/")
            handler: grpc.RpcMethodHandler[bytes, bytes] = grpc.unary_unary_rpc_method_handler(
                method
            )
            generic = grpc.method_handlers_generic_handler(service, {name: handler})
            server.add_generic_rpc_handlers((generic,))
        return server


async def serve(means_ms: list[float]) -> None:
    """Answer until terminated."""
    stubs = StubGateways()
    servers = [stubs.at(mean_ms / 1000, seed) for seed, mean_ms in enumerate(means_ms)]
    addresses = [f"127.0.0.1:{server.add_insecure_port('127.0.0.1:0')}" for server in servers]
    for server in servers:
        await server.start()
    print(*addresses, flush=True)
    await asyncio.gather(*[server.wait_for_termination() for server in servers])


if __name__ == "__main__":
    asyncio.run(serve([float(mean) for mean in sys.argv[1:]]))
