"""The ledger's first tables."""

from __future__ import annotations

from alembic import op

from agelane_serving.ledger.ends import begin_chain
from agelane_serving.ledger.schema import metadata

revision = "0001"
down_revision = None


def upgrade() -> None:
    """Create all tables and begin the chain."""
    # As the schema was then: a later release that changes it must write the old one out here.
    metadata.create_all(op.get_bind())
    begin_chain(op.get_bind())
