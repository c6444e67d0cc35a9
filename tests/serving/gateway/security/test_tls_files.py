"""Files that TLS can't be spoken with are refused by name."""

from __future__ import annotations

from pathlib import Path

import pytest

from agelane_serving.gateway.security.tls import TlsError, TlsFiles, server_credentials
from tests.serving.gateway.security.certificates import (
    Authority,
    Pair,
    needs_openssl,
    with_password,
)

pytestmark = needs_openssl


def refusal(certificate: Path, key: Path, client_ca: Path | None = None) -> str:
    """Return why files are refused; no secret is in it."""
    with pytest.raises(TlsError) as caught:
        server_credentials(TlsFiles(certificate, key, client_ca))
    if key.is_file():
        for line in key.read_text().splitlines():
            assert not line or line not in str(caught.value)
    return str(caught.value)


def test_a_file_that_is_not_there_is_named(pair: Pair, tmp_path: Path) -> None:
    """Whichever of the three it is, and a folder is no file."""
    nowhere = tmp_path / "nowhere.pem"
    missing = f"{nowhere}: No such file or directory"
    assert refusal(nowhere, pair.key) == missing
    assert refusal(pair.certificate, nowhere) == missing
    assert refusal(pair.certificate, pair.key, nowhere) == missing
    assert refusal(pair.certificate, tmp_path) == f"{tmp_path}: Is a directory"


def test_a_file_that_holds_something_else_is_named(pair: Pair, tmp_path: Path) -> None:
    """Such as the two of them the wrong way round, an empty one, or a text."""
    empty, text = tmp_path / "empty.pem", tmp_path / "text.pem"
    empty.touch()
    text.write_text("-----BEGIN CERTIFICATE-----\nnot a certificate\n-----END CERTIFICATE-----\n")
    certificate, key = pair.certificate, pair.key
    assert refusal(key, certificate) == f"{key}: holds no certificate in PEM"
    assert refusal(certificate, certificate) == f"{certificate}: holds no private key in PEM"
    assert refusal(certificate, empty) == f"{empty}: holds no private key in PEM"
    for file in (empty, text, key):
        assert refusal(file, key) == f"{file}: holds no certificate in PEM"
        assert refusal(certificate, key, file) == f"{file}: holds no certificate in PEM"


def test_a_key_of_another_certificate_is_named(pair: Pair, ours: Authority) -> None:
    """With the certificate that it does not belong to."""
    key = ours.issue("neighbour").key
    assert refusal(pair.certificate, key) == f"{key}: is not the key of {pair.certificate}"


def test_a_key_with_a_password_is_refused_and_not_asked_for(pair: Pair, tmp_path: Path) -> None:
    """A gateway that waited at a prompt would hang."""
    key = with_password(pair.key, tmp_path)
    assert refusal(pair.certificate, key).startswith(f"{key}: has a password")


def test_a_key_that_is_too_weak_is_refused(ours: Authority) -> None:
    """With the words of OpenSSL for it."""
    weak = ours.issue("weak", ("-newkey", "rsa:1024"))
    assert "KEY_TOO_SMALL" in refusal(weak.certificate, weak.key)
