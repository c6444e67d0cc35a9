"""TLS for the gateway's port, with certificates that can be renewed while it runs."""

from __future__ import annotations

import logging
import ssl
import threading
from dataclasses import dataclass
from pathlib import Path
from typing import NoReturn

import grpc

_logger = logging.getLogger(__name__)


class TlsError(Exception):
    """Files that TLS can't be spoken with; the message names the file and what is wrong with it."""


@dataclass(frozen=True, slots=True)
class TlsFiles:
    """Where the gateway's certificate lies. All files are PEM."""

    certificate: Path
    """The gateway's certificate, followed by those between it and the root."""
    key: Path
    """Its private key, without a password."""
    client_ca: Path | None = None
    """The certificates of those who may vouch for callers. Given: a caller without a certificate
    from one of them is refused. None: callers need none."""


def server_credentials(files: TlsFiles) -> grpc.ServerCredentials:
    """Return what `add_secure_port` of a grpc.aio server needs.

    Before each new connection the files are looked at, and read again if they have changed; calls
    and connections in progress go on as they are. New files that can't be used are logged as an
    error, and the old ones serve on.

    Raises:
        TlsError: the files can't be used.
    """
    renewal = _Renewal(files)
    return grpc.dynamic_ssl_server_credentials(
        renewal.configuration,
        renewal.changed,  # type: ignore[arg-type]  # None means no change; the stubs don't know
        require_client_authentication=files.client_ca is not None,
    )


class _Renewal:
    """Notices that files have changed."""

    def __init__(self, files: TlsFiles) -> None:
        self._files = files
        # gRPC asks from several threads of its own.
        self._lock = threading.Lock()
        self._seen = _stamp(files)
        self.configuration = _configuration(files)

    def changed(self) -> grpc.ServerCertificateConfiguration | None:
        """Return what has changed since the last call; None: nothing that can be used."""
        with self._lock:
            stamp = _stamp(self._files)
            if stamp == self._seen:
                return None
            # Taken before the files are read: what changes meanwhile is noticed the next time.
            self._seen = stamp
            try:
                configuration = _configuration(self._files)
            except TlsError as error:
                _logger.error("the old certificate serves on: %s", error)
                return None
            _logger.info("certificate renewed from %s", self._files.certificate)
            return configuration


def _stamp(files: TlsFiles) -> list[tuple[int, int, int] | None]:
    """Return what differs once a file was written, replaced or, as in Kubernetes, relinked."""
    stamp: list[tuple[int, int, int] | None] = []
    for path in _paths(files):
        try:
            stat = path.stat()
            stamp.append((stat.st_mtime_ns, stat.st_ino, stat.st_size))
        except OSError:
            stamp.append(None)
    return stamp


def _paths(files: TlsFiles) -> list[Path]:
    return [path for path in (files.certificate, files.key, files.client_ca) if path is not None]


def _configuration(files: TlsFiles) -> grpc.ServerCertificateConfiguration:
    content = {path: _read(path) for path in _paths(files)}
    _check_certificates(files.certificate)
    _check_key(files)
    if files.client_ca is not None:
        _check_certificates(files.client_ca)
    return grpc.ssl_server_certificate_configuration(
        [(content[files.key], content[files.certificate])],
        None if files.client_ca is None else content[files.client_ca],
    )


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise TlsError(f"{path}: {error.strerror}") from error


def _check_certificates(path: Path) -> None:
    try:
        ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER).load_verify_locations(path)
    except OSError as error:
        raise TlsError(f"{path}: holds no certificate in PEM") from error


def _check_key(files: TlsFiles) -> None:
    def refuse_password() -> NoReturn:
        raise TlsError(f"{files.key}: has a password; gRPC needs the key without one")

    try:
        ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER).load_cert_chain(
            files.certificate, files.key, refuse_password
        )
    except OSError as error:  # as ssl.SSLError is
        reason = getattr(error, "reason", None) or ""
        if reason.endswith("_MISMATCH"):
            raise TlsError(f"{files.key}: is not the key of {files.certificate}") from error
        if reason:
            raise TlsError(f"{files.certificate} with {files.key}: {reason}") from error
        raise TlsError(f"{files.key}: holds no private key in PEM") from error
