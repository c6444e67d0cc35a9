"""The process: its parts, ports and signals, and the order of starting and stopping."""

from __future__ import annotations

import asyncio
import logging
import signal
from importlib.util import find_spec

import grpc
from grpc_health.v1 import health, health_pb2_grpc
from grpc_reflection.v1alpha import reflection
from prometheus_client import start_http_server

from agelane.v1 import (
    admin_pb2,
    admin_pb2_grpc,
    checkout_pb2,
    checkout_pb2_grpc,
    report_pb2,
    report_pb2_grpc,
)
from agelane_serving.gateway.access import Access
from agelane_serving.gateway.admin import AdminService
from agelane_serving.gateway.admission.queue import AdmissionQueue
from agelane_serving.gateway.admission.rate import RateLimit
from agelane_serving.gateway.answers import Answers
from agelane_serving.gateway.assessor import Assessor
from agelane_serving.gateway.configuration import Configuration
from agelane_serving.gateway.doorkeeper import Doorkeeper
from agelane_serving.gateway.lane_streams import LaneStreams
from agelane_serving.gateway.model.age_model import AgeModel
from agelane_serving.gateway.model.rollout import Rollout
from agelane_serving.gateway.model.servers import ModelServers
from agelane_serving.gateway.offers import Offers
from agelane_serving.gateway.operations.gauges import Gauges
from agelane_serving.gateway.operations.health import Health
from agelane_serving.gateway.operations.tracing import TracingError, send_spans_to
from agelane_serving.gateway.photo.upright import Uprighter
from agelane_serving.gateway.report_program import ReportProgram
from agelane_serving.gateway.reports import Reports
from agelane_serving.gateway.sales import Sales
from agelane_serving.gateway.security.tls import TlsError, TlsFiles, server_credentials
from agelane_serving.gateway.servicer import CheckoutService, ReportService
from agelane_serving.gateway.settings import Settings
from agelane_serving.gateway.shared_knowledge import SharedKnowledge
from agelane_serving.gateway.watched_file import ConfigurationError
from agelane_serving.ledger.receipt import LedgerError
from agelane_serving.ledger.recorder import Recorder

_SERVICES = (
    checkout_pb2.DESCRIPTOR.services_by_name["CheckoutService"].full_name,
    report_pb2.DESCRIPTOR.services_by_name["ReportService"].full_name,
    health.SERVICE_NAME,
    reflection.SERVICE_NAME,
)
_ADMIN_SERVICES = (
    admin_pb2.DESCRIPTOR.services_by_name["AdminService"].full_name,
    reflection.SERVICE_NAME,
)
_OPTIONS = (
    # Photos may have 1 MiB. A larger one should be told so by the gateway, with the reason, and
    # not by gRPC, without; so there is headroom.
    ("grpc.max_receive_message_length", 4 * 1024 * 1024),
    ("grpc.max_metadata_size", 8 * 1024),
    ("grpc.max_concurrent_streams", 1_024),
    ("grpc.keepalive_permit_without_calls", 1),
    ("grpc.http2.min_recv_ping_interval_without_data_ms", 10_000),
    ("grpc.max_allowed_incoming_connections", 8_192),
    # Notices tills that have vanished.
    ("grpc.keepalive_time_ms", 60_000),
    ("grpc.keepalive_timeout_ms", 20_000),
    # Callers reconnect now and then, and so find gateways that were added. Calls in progress and
    # streams go on over the old connection as long as they like.
    ("grpc.max_connection_age_ms", 300_000),
)

_LANES_OF_A_TOKEN = 20  # that call as often as they may
# Calls, streams and watches at a time: far more than are ever answered, few enough to bear.
_MOST_RPCS = 8_192
_logger = logging.getLogger(__name__)


class StartupError(Exception):
    """The gateway can't start; the message says what to change."""


class Gateway:
    """One gateway in this process, from `start` to `stop`."""

    def __init__(self, settings: Settings, *, shares_port: bool = False) -> None:
        """Read all files; raises StartupError for what they get wrong. Needs a running loop.

        `shares_port` lets other processes listen on the same port: only for those that one parent
        has started, since strangers would silently take each other's calls.
        """
        self._settings = settings
        try:
            self.configuration = configuration = Configuration(settings)
        except ConfigurationError as error:
            raise StartupError(str(error)) from error
        rate, burst = settings.lane_rate, settings.lane_burst
        self._access = access = Access(
            configuration.credentials,
            lane_rate=RateLimit(rate, burst),
            token_rate=RateLimit(_LANES_OF_A_TOKEN * rate, _LANES_OF_A_TOKEN * burst),
        )
        answers = Answers(configuration.key_ring)
        servers = ModelServers(settings.model_servers, settings.model_name, _trust(settings))
        queue = AdmissionQueue(settings.limits)
        self._servers = servers
        self.rollout = rollout = Rollout(configuration.rollout)
        self._model = AgeModel(servers, queue, rollout, Uprighter())
        self.offers = offers = Offers(configuration.offers, configuration.policy)
        assessor = Assessor(configuration.policy, self._model, offers.under)
        self._streams = LaneStreams(assessor, access, answers)
        self._health = Health(servers.backends)
        self._gauges = Gauges(servers, queue, rollout, answers.drift)
        self._recorder = _recorder(settings)
        sales = None
        if self._recorder is not None:
            sales = Sales(self._recorder, access, configuration.key_ring, offers)
        self._checkout = CheckoutService(assessor, access, answers, self._streams, sales)
        self._knowledge = _knowledge(settings, servers)
        self._reports = ReportService(access, _reports(settings, configuration))
        self._admin = AdminService(
            access, configuration.policy, servers, queue, rollout, configuration.files
        )
        options = (*_OPTIONS, ("grpc.so_reuseport", int(shares_port)))
        doors = [Doorkeeper(access)]
        self._server = grpc.aio.server(
            interceptors=doors, options=options, maximum_concurrent_rpcs=_MOST_RPCS
        )
        self._admin_server = grpc.aio.server(
            interceptors=doors, options=(*_OPTIONS, ("grpc.so_reuseport", 0))
        )
        self.address = self.admin_address = ""

    async def start(self) -> None:
        """Take calls; raises StartupError if a port can't be had."""
        checkout_pb2_grpc.add_CheckoutServiceServicer_to_server(self._checkout, self._server)
        report_pb2_grpc.add_ReportServiceServicer_to_server(self._reports, self._server)
        health_pb2_grpc.add_HealthServicer_to_server(self._health.servicer, self._server)
        reflection.enable_server_reflection(_SERVICES, self._server)
        self.address = self._listen(self._server, self._settings.listen)
        if self._settings.admin_listen:
            admin_pb2_grpc.add_AdminServiceServicer_to_server(self._admin, self._admin_server)
            reflection.enable_server_reflection(_ADMIN_SERVICES, self._admin_server)
            self.admin_address = self._listen(self._admin_server, self._settings.admin_listen)
            await self._admin_server.start()
        self._health.begin()
        await self._server.start()
        policy = self.configuration.policy().version
        _logger.info("listening on %s, policy %s", self.address, policy)

    async def run(self) -> None:
        """Follow the model servers, the files and what baskets teach, until cancelled."""
        following = [
            self._servers.follow(),
            self._health.follow(),
            self.configuration.follow(),
            self._gauges.follow(),
        ]
        if self._knowledge is not None:
            seconds = self._settings.offers_refresh_seconds
            following.append(self._knowledge.follow())
            following.append(self.offers.follow(self._knowledge.lifts, seconds))
        await asyncio.gather(*following)

    async def stop(self) -> None:
        """Send new callers elsewhere, let calls in progress end, and disconnect."""
        self._health.leave()
        self._streams.leave()
        # Whoever watches the health goes elsewhere meanwhile; the others are still answered. (gRPC
        # cancels calls that have come when the port closes, and not begun.)
        await asyncio.sleep(self._settings.notice_seconds)
        self._access.close()
        await self._server.stop(self._settings.drain_seconds)
        await self._admin_server.stop(None)
        if self._recorder is not None:
            await self._recorder.close()
        if self._knowledge is not None:
            self._knowledge.close()
        await self._model.close()

    def _listen(self, server: grpc.aio.Server, address: str) -> str:
        """Return the address with the port that was had."""
        try:
            # Each port needs credentials of its own: gRPC hands out their first files only once.
            tls = _tls(self._settings)
            if tls is None:
                port = server.add_insecure_port(address)
            else:
                port = server.add_secure_port(address, tls)
        except TlsError as error:
            raise StartupError(str(error)) from error
        except RuntimeError as error:
            raise StartupError(f"cannot listen on {address}: is the port taken?") from error
        return f"{address.rpartition(':')[0]}:{port}"


async def serve(settings: Settings, *, shares_port: bool = False) -> None:
    """Run until SIGTERM or SIGINT; raises StartupError if that can't begin."""
    stop_asked = asyncio.Event()
    loop = asyncio.get_running_loop()
    for signal_number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(signal_number, stop_asked.set)
    gateway = Gateway(settings, shares_port=shares_port)
    loop.add_signal_handler(signal.SIGHUP, gateway.configuration.reload)
    if settings.metrics_listen:
        serve_metrics(settings.metrics_listen)
    if settings.otlp_endpoint:
        try:
            send_spans_to(settings.otlp_endpoint)
        except TracingError as error:
            raise StartupError(str(error)) from error
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


def serve_metrics(address: str) -> None:
    """Answer Prometheus at HOST:PORT; raises StartupError if the port can't be had."""
    host, _, port = address.rpartition(":")
    try:
        start_http_server(int(port), host.strip("[]"))
    except OSError as error:
        raise StartupError(f"cannot listen on {address}: {error.strerror}") from error


def _recorder(settings: Settings) -> Recorder | None:
    """Return what records sales, its database brought up to date; None: nothing is recorded."""
    if settings.ledger_key is None:
        return None
    # A gateway without a ledger starts twice as fast without SQLAlchemy and Alembic.
    from agelane_serving.ledger.chain import read_key
    from agelane_serving.ledger.migrate import migrate
    from agelane_serving.ledger.store import Store

    try:
        key = read_key(settings.ledger_key)
        migrate(settings.ledger)
        return Recorder(Store(settings.ledger, key))
    except (LedgerError, OSError, ValueError) as error:
        raise StartupError(f"--ledger: {error}") from error


def _knowledge(settings: Settings, servers: ModelServers) -> SharedKnowledge | None:
    """Return what is shared through the ledger; None: there is none."""
    if not settings.ledger:
        return None
    from agelane_serving.ledger.store import engine_for

    return SharedKnowledge(engine_for(settings.ledger), servers.confusions)


def _reports(settings: Settings, configuration: Configuration) -> Reports | None:
    """Return what makes reports; None: without a ledger, or what they need, there are none."""
    # Only looked for: their program imports it, and never this process.
    if not settings.ledger or find_spec("scipy") is None:
        return None
    return Reports(ReportProgram(settings.ledger), configuration.policy)


def _trust(settings: Settings) -> grpc.ChannelCredentials | None:
    """Return what is needed to speak TLS to the model servers; None: plaintext is asked for."""
    if settings.model_server_ca is None:
        return None
    try:
        return grpc.ssl_channel_credentials(settings.model_server_ca.read_bytes())
    except OSError as error:
        raise StartupError(f"{settings.model_server_ca}: {error.strerror}") from error


def _tls(settings: Settings) -> grpc.ServerCredentials | None:
    if settings.tls_certificate is None or settings.tls_key is None:
        return None
    files = TlsFiles(settings.tls_certificate, settings.tls_key, settings.tls_client_ca)
    return server_credentials(files)
