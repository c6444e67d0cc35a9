"""Ledgers to read reports from."""

from __future__ import annotations

from tests.serving.ledger.conftest import engine, server, store, url

__all__ = ["engine", "server", "store", "url"]
