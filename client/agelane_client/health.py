"""The call to grpc.health.v1, without the package that defines its messages.

On the wire HealthCheckRequest is a StringValue and HealthCheckResponse an Int32Value: one field,
number 1, of the same kind. A till is spared a dependency.
"""

from __future__ import annotations

from google.protobuf.wrappers_pb2 import Int32Value, StringValue

from agelane_client.results import Health

METHOD = "/grpc.health.v1.Health/Check"
# Ready, which is more than alive: with no model behind it the gateway runs but can't assess.
REQUEST = StringValue(value="agelane.v1.CheckoutService")

_STATUSES = {1: Health.SERVING, 2: Health.NOT_SERVING}


def to_health(response: Int32Value) -> Health:
    """Return what a response says."""
    return _STATUSES.get(response.value, Health.UNKNOWN)
