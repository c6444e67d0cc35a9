"""The process: port, services, signals, and the order of starting and stopping."""

from __future__ import annotations

import asyncio
import logging
import signal
from importlib import resources

import grpc
from grpc_health.v1 import health, health_pb2_grpc
from grpc_reflection.v1alpha import reflection

from agelane.v1 import checkout_pb2, checkout_pb2_grpc, report_pb2, report_pb2_grpc
from agelane_serving.gateway.assessment import Assessor
from agelane_serving.gateway.health import Health
from agelane_serving.gateway.model_client import ModelClient
from agelane_serving.gateway.servicer import CheckoutService, ReportService
from agelane_serving.gateway.settings import Settings
from agelane_serving.gateway.upright import Uprighter
from agelane_serving.policy import Policy, PolicyError, load_policy

_SERVICES = (
    checkout_pb2.DESCRIPTOR.services_by_name["CheckoutService"].full_name,
    report_pb2.DESCRIPTOR.services_by_name["ReportService"].full_name,
    health.SERVICE_NAME,
    reflection.SERVICE_NAME,
)
_OPTIONS = (
    # Two servers sharing a port would silently take each other's calls.
    ("grpc.so_reuseport", 0),
    # Photos may have 1 MiB. A larger one should be told so by the gateway, with the reason, and
    # not by gRPC, without; so there is headroom.
    ("grpc.max_receive_message_length", 4 * 1024 * 1024),
    ("grpc.keepalive_permit_without_calls", 1),
    ("grpc.http2.min_recv_ping_interval_without_data_ms", 10_000),
    # Notices tills that have vanished.
    ("grpc.keepalive_time_ms", 60_000),
    ("grpc.keepalive_timeout_ms", 20_000),
    # Callers reconnect now and then, and so find gateways that were added. Calls in progress and
    # streams go on over the old connection as long as they like.
    ("grpc.max_connection_age_ms", 300_000),
)

_logger = logging.getLogger(__name__)


class StartupError(Exception):
    """The gateway can't start; the message says what to change."""


class Gateway:
    """One gateway in this process, from `start` to `stop`."""

    def __init__(self, settings: Settings) -> None:
        """Read the policy; raises StartupError for what it gets wrong. Needs a running loop."""
        self._settings = settings
        self._policy = _policy(settings)
        self._model = ModelClient(settings.model_server, settings.model_name)
        self._uprighter = Uprighter()
        self._health = Health(self._model)
        self._server = grpc.aio.server(options=_OPTIONS)
        self.address = ""

    async def start(self) -> None:
        """Take calls; raises StartupError if the port can't be had."""
        assessor = Assessor(self._policy, self._model, self._uprighter)
        checkout_pb2_grpc.add_CheckoutServiceServicer_to_server(
            CheckoutService(assessor), self._server
        )
        report_pb2_grpc.add_ReportServiceServicer_to_server(ReportService(), self._server)
        health_pb2_grpc.add_HealthServicer_to_server(self._health.servicer, self._server)
        reflection.enable_server_reflection(_SERVICES, self._server)
        listen = self._settings.listen
        try:
            port = self._server.add_insecure_port(listen)
        except RuntimeError as error:
            raise StartupError(f"cannot listen on {listen}: is the port taken?") from error
        self.address = f"{listen.rpartition(':')[0]}:{port}"
        await self._health.begin()
        await self._server.start()
        _logger.info("listening on %s, policy %s", self.address, self._policy.version)

    async def run(self) -> None:
        """Follow the model server's status, until cancelled."""
        await self._health.follow()

    async def stop(self) -> None:
        """Send new callers elsewhere, let calls in progress end, and disconnect."""
        await self._health.leave()
        await self._server.stop(self._settings.drain_seconds)
        self._uprighter.close()
        await self._model.close()


async def serve(settings: Settings) -> None:
    """Run until SIGTERM or SIGINT; raises StartupError if that can't begin."""
    stop_asked = asyncio.Event()
    for signal_number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(signal_number, stop_asked.set)
    gateway = Gateway(settings)
    await gateway.start()
    running = asyncio.create_task(gateway.run())
    stopping = asyncio.create_task(stop_asked.wait())
    await asyncio.wait({running, stopping}, return_when=asyncio.FIRST_COMPLETED)
    _logger.info("draining")
    running.cancel()
    stopping.cancel()
    await gateway.stop()
    _logger.info("stopped")
    if not running.cancelled():
        running.result()


def _policy(settings: Settings) -> Policy:
    try:
        if settings.policy is not None:
            return load_policy(settings.policy.read_text(encoding="utf-8"))
        default = resources.files("agelane_serving.policy").joinpath("default.toml")
        return load_policy(default.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, PolicyError) as error:
        raise StartupError(f"policy {settings.policy or 'default.toml'}: {error}") from error
