"""The tables. Compliance and marketing have no key in common; see docs/ledger.md.

`events` is the compliance side: what happened at the tills, one row after the other, each with a
hash over itself and the one before. `baskets` and `basket_lines` are the marketing side: what age
groups buy, with the day instead of the moment, and neither sale, lane, cashier nor customer.
"""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Date,
    Float,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Table,
)

metadata = MetaData()

_ID = String(64)

events = Table(
    "events",
    metadata,
    # 1, 2, 3, … without a gap: the order of the chain.
    Column("number", BigInteger().with_variant(Integer, "sqlite"), primary_key=True),
    Column("kind", String(16), nullable=False),
    Column("recorded_ms", BigInteger, nullable=False),
    Column("sale_id", _ID, nullable=False),
    Column("digest", String(64), nullable=False),
    Column("store_id", _ID, nullable=False),
    Column("lane_id", _ID, nullable=False),
    Column("cashier_id", _ID, nullable=False),
    Column("sold_ms", BigInteger, nullable=False),
    Column("outcome", String(16), nullable=False),
    Column("voids_sale_id", _ID, nullable=False),
    Column("refusal_reason", String(32), nullable=False),
    Column("restricted_category", _ID, nullable=False),
    Column("assessment_id", _ID, nullable=False),
    Column("decision", String(16), nullable=False),
    Column("reasons", String(512), nullable=False),
    Column("legal_age_years", Integer),
    Column("probability_under_legal_age", Float),
    Column("age_low_years", Float),
    Column("age_high_years", Float),
    Column("model_version", BigInteger),
    Column("policy_version", _ID, nullable=False),
    Column("document_result", String(16), nullable=False),
    Column("document_reading", String(16), nullable=False),
    Column("check_ms", Integer),
    Column("document_age_years", Integer),
    Column("birth_date_bucket", Integer),
    Column("supervisor_on_shift", Boolean),
    Column("decided_offline", Boolean, nullable=False),
    Column("fault", String(16), nullable=False),
    Column("hash", LargeBinary(32), nullable=False),
    Index("events_by_time", "sold_ms"),
)
"""Column order is the order in which a row is hashed."""

sales = Table(
    "sales",
    metadata,
    Column("sale_id", _ID, primary_key=True),
    Column("number", BigInteger, nullable=False),
)
"""Which names have been recorded, and where."""

used_assessments = Table(
    "used_assessments",
    metadata,
    Column("assessment_id", _ID, primary_key=True),
    Column("sale_id", _ID, nullable=False),
)
"""Which assessments a sale has been made under."""

head = Table(
    "head",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("number", BigInteger, nullable=False),
    Column("hash", LargeBinary(32), nullable=False),
)
"""One row: the last event. Whoever writes locks it, so that the chain has one end."""

baskets = Table(
    "baskets",
    metadata,
    # Random: the order of baskets would tell which sale each was.
    Column("id", String(32), primary_key=True),
    Column("day", Date, nullable=False, index=True),
    Column("store_id", _ID, nullable=False),
    # P(age group), by commas, to two digits.
    Column("age_group_shares", String(256), nullable=False),
    Column("policy_version", _ID, nullable=False),
)

basket_lines = Table(
    "basket_lines",
    metadata,
    Column("basket_id", String(32), ForeignKey("baskets.id"), primary_key=True),
    Column("position", Integer, primary_key=True),
    Column("category", _ID, nullable=False),
    Column("quantity", Integer, nullable=False),
    Column("amount_minor", BigInteger, nullable=False),
    Column("currency_code", String(3), nullable=False),
)
