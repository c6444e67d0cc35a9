"""`python -m loadtest.calibrate.server SERVICE MEAN_SECONDS`: a gateway of known queues.

Each lane is a queue of its own. The address goes to stdout.
"""

from __future__ import annotations

import asyncio
import sys
import time
from collections import defaultdict
from collections.abc import Iterator

import grpc.aio
import uvloop

from agelane.v1 import assessment_pb2, checkout_pb2
from loadtest.calibrate.queues import Service

_SERVICE = "agelane.v1.CheckoutService"
_ANSWER = checkout_pb2.AssessCustomerResponse(
    assessment=assessment_pb2.Assessment(age_years=30)
).SerializeToString()


async def serve(service: Service, mean_seconds: float) -> None:
    """Answer until terminated."""
    free_at: dict[str, float] = defaultdict(float)
    times: dict[str, Iterator[float]] = {}

    async def assess(request: checkout_pb2.AssessCustomerRequest, _: object) -> bytes:
        lane = request.lane_id
        if lane not in times:
            number = int(lane.removeprefix("lane-"))
            times[lane] = service.times(mean_seconds, number)
        # From moments, not from one timer after another, whose errors would add up.
        free_at[lane] = max(free_at[lane], time.monotonic()) + next(times[lane])
        await asyncio.sleep(free_at[lane] - time.monotonic())
        return _ANSWER

    server = grpc.aio.server(options=[("grpc.so_reuseport", 0)])
    handler: grpc.RpcMethodHandler[checkout_pb2.AssessCustomerRequest, bytes] = (
        grpc.unary_unary_rpc_method_handler(assess, checkout_pb2.AssessCustomerRequest.FromString)
    )
    server.add_generic_rpc_handlers(
        (grpc.method_handlers_generic_handler(_SERVICE, {"AssessCustomer": handler}),)
    )
    port = server.add_insecure_port("127.0.0.1:0")
    await server.start()
    print(f"127.0.0.1:{port}", flush=True)
    await server.wait_for_termination()


if __name__ == "__main__":
    uvloop.run(serve(Service(sys.argv[1]), float(sys.argv[2])))
