"""What an operator calls, on a listener of its own."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import grpc

from agelane.v1 import admin_pb2, admin_pb2_grpc
from agelane_serving.gateway.access import Access
from agelane_serving.gateway.admission.queue import AdmissionQueue
from agelane_serving.gateway.model.breaker import BreakerState
from agelane_serving.gateway.model.rollout import Rollout
from agelane_serving.gateway.model.servers import ModelServers
from agelane_serving.gateway.security.caller import Role
from agelane_serving.gateway.status import answers_errors
from agelane_serving.gateway.watched_file import ConfigurationError, WatchedFile
from agelane_serving.policy import Policy

_Context = grpc.aio.ServicerContext[Any, Any]
_BREAKER_STATES = {
    state: admin_pb2.BreakerState.Value(f"BREAKER_STATE_{state.name}") for state in BreakerState
}


class AdminService(admin_pb2_grpc.AdminServiceServicer):
    """Tells how the gateway is, and reads its files anew."""

    def __init__(
        self,
        access: Access,
        policy: Callable[[], Policy],
        servers: ModelServers,
        queue: AdmissionQueue,
        rollout: Rollout,
        files: Sequence[WatchedFile[Any]],
    ) -> None:
        """All of them are used as long as the service is."""
        self._access, self._policy, self._servers = access, policy, servers
        self._queue, self._rollout, self._files = queue, rollout, files

    @answers_errors
    async def GetGatewayStatus(
        self, request: admin_pb2.GetGatewayStatusRequest, context: _Context
    ) -> admin_pb2.GetGatewayStatusResponse:
        """Tell what there is to know."""
        self._access.caller(context, Role.OPERATOR)
        return admin_pb2.GetGatewayStatusResponse(
            policy_version=self._policy().version,
            backends=[
                admin_pb2.Backend(
                    target=backend.target,
                    versions=sorted(backend.available),
                    breaker=_BREAKER_STATES[backend.breaker.state],
                )
                for backend in self._servers.backends
            ],
            calls_in_flight=self._queue.in_flight,
            calls_waiting=self._queue.waiting,
            canary=self._rollout.canary,
            rolled_back=self._rollout.rolled_back,
        )

    @answers_errors
    async def ReloadConfiguration(
        self, request: admin_pb2.ReloadConfigurationRequest, context: _Context
    ) -> admin_pb2.ReloadConfigurationResponse:
        """Read all files anew."""
        self._access.caller(context, Role.OPERATOR)
        response = admin_pb2.ReloadConfigurationResponse()
        for file in self._files:
            told = response.files.add(name=file.name)
            try:
                file.reload()
            except ConfigurationError as error:
                told.error = str(error)
        return response
