"""The same under gevent: python client/examples/gevent_lanes.py PHOTO [HOST:PORT]."""

from __future__ import annotations

from gevent import monkey

monkey.patch_all()  # before anything else is imported

import grpc.experimental.gevent  # noqa: E402

grpc.experimental.gevent.init_gevent()  # or each call holds up all greenlets

import sys  # noqa: E402
from collections import Counter  # noqa: E402

from gevent.pool import Pool  # noqa: E402

from agelane_client import Client  # noqa: E402

LANES, CUSTOMERS = 50, 4


def main(photo: str, target: str = "127.0.0.1:50051") -> None:
    """Serve all lanes at once through one connection, and count the decisions."""
    decisions: Counter[str] = Counter()
    with Client(target, offline=True) as client:

        def lane(number: int) -> None:
            for _ in range(CUSTOMERS):
                assessment = client.assess(photo, lane_id=f"lane-{number}")
                decisions[str(assessment.alcohol_decision)] += 1

        Pool(LANES).map(lane, range(LANES))
    print(dict(decisions))


if __name__ == "__main__":
    main(*sys.argv[1:])
