"""Alembic's entry: runs the versions over the connection that `migrate` gives."""

from __future__ import annotations

from alembic import context

from agelane_serving.ledger.schema import metadata

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=metadata,
    version_table="ledger_version",
    render_as_batch=True,  # SQLite changes a table by copying it
)
context.run_migrations()
