"""The tables. Compliance and marketing have no key in common; see docs/ledger.md.

Compliance is what happened at the tills (`events`, one row after the other, each with a hash over
itself and the one before) and what was asked about it (`alerts`, `alert_answers`). Marketing is
what age groups buy (`baskets` with their lines and offers), with the day instead of the moment, and
neither sale, lane, cashier nor customer.
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
    Text,
    text,
)

metadata = MetaData()

_ID = String(64)
_BASKET = String(32)
_COUNTER = BigInteger().with_variant(Integer, "sqlite")
_REFUSED = text("outcome = 'REFUSED'")


def _of_refusals(name: str, *columns: str) -> Index:
    # `outcome` says nothing in it, but makes SQLite, which counts nothing, choose it.
    return Index(name, "outcome", *columns, sqlite_where=_REFUSED, postgresql_where=_REFUSED)


events = Table(
    "events",
    metadata,
    # 1, 2, 3, … without a gap: the order of the chain.
    Column("number", _COUNTER, primary_key=True),
    Column("kind", String(16), nullable=False),
    Column("recorded_ms", BigInteger, nullable=False),
    Column("sale_id", _ID, nullable=False),
    Column("store_id", _ID, nullable=False),
    Column("lane_id", _ID, nullable=False),
    Column("cashier_id", _ID, nullable=False),
    # The chain knows the cashier by the seal alone, so that the number can be erased; see `seal`.
    Column("cashier_salt", LargeBinary(16), nullable=False),
    Column("cashier_seal", LargeBinary(32), nullable=False),
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
    Index("events_by_store", "store_id", "sold_ms"),
    _of_refusals("refusals_by_time", "sold_ms"),
    _of_refusals("refusals_by_store", "store_id", "sold_ms"),
)
"""Column order is the order in which a row is hashed."""

sales = Table(
    "sales",
    metadata,
    Column("sale_id", _ID, primary_key=True),
    Column("number", BigInteger, nullable=False),
    # Of the whole request; empty where it was erased, since it could be guessed back from it.
    Column("digest", String(64), nullable=False),
    Column("recorded_ms", BigInteger, nullable=False),
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

chain_start = Table(
    "chain_start",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("number", BigInteger, nullable=False),
    Column("hash", LargeBinary(32), nullable=False),
    Column("seal", LargeBinary(32), nullable=False),
)
"""The last event that retention has removed, sealed with the key; no row: none was."""

alerts = Table(
    "alerts",
    metadata,
    Column("id", _ID, primary_key=True),
    Column("store_id", _ID, nullable=False),
    Column("cashier_id", _ID, nullable=False),
    Column("kind", String(32), nullable=False),
    Column("severity", Float, nullable=False),
    Column("cases", Integer, nullable=False),
    Column("expected_cases", Float, nullable=False),
    Column("adjusted_p_value", Float),
    Column("first_case_ms", BigInteger, nullable=False),
    Column("last_case_ms", BigInteger, nullable=False),
    Column("state", String(16), nullable=False),
    Column("first_told_ms", BigInteger, nullable=False),
    Column("closed_ms", BigInteger),
    Index("alerts_by_cashier", "store_id", "cashier_id"),
)

alert_answers = Table(
    "alert_answers",
    metadata,
    Column("number", _COUNTER, primary_key=True),
    Column(
        "alert_id",
        _ID,
        # An alert's id is a hash of its cashier's number; erasure gives it another.
        ForeignKey("alerts.id", onupdate="CASCADE", ondelete="CASCADE"),
        nullable=False,
        index=True,
    ),
    Column("at_ms", BigInteger, nullable=False),
    Column("author", String(128), nullable=False),
    Column("role", String(16), nullable=False),
    Column("text", String(2000), nullable=False),
    Column("closes", Boolean, nullable=False),
)

# Random ids, and no hidden row number beside them: the order of baskets would tell which sale each
# was.
baskets = Table(
    "baskets",
    metadata,
    Column("id", _BASKET, primary_key=True),
    Column("day", Date, nullable=False, index=True),
    Column("store_id", _ID, nullable=False),
    # P(age group), by commas, to two digits.
    Column("age_group_shares", String(256), nullable=False),
    Column("model_version", BigInteger),
    Column("policy_version", _ID, nullable=False),
    sqlite_with_rowid=False,
)

basket_lines = Table(
    "basket_lines",
    metadata,
    Column("basket_id", _BASKET, ForeignKey("baskets.id"), primary_key=True),
    Column("position", Integer, primary_key=True),
    Column("category", _ID, nullable=False),
    # Under which age restriction the goods fall; empty: none.
    Column("restricted_category", _ID, nullable=False),
    Column("quantity", Integer, nullable=False),
    Column("amount_minor", BigInteger, nullable=False),
    Column("currency_code", String(3), nullable=False),
    sqlite_with_rowid=False,
)

basket_offers = Table(
    "basket_offers",
    metadata,
    Column("basket_id", _BASKET, ForeignKey("baskets.id"), primary_key=True),
    # 0 is the best.
    Column("position", Integer, primary_key=True),
    Column("offer_id", _ID, nullable=False),
    Column("category", _ID, nullable=False),
    # Whether the customer was in the hold-out, and did not see it.
    Column("held_out", Boolean, nullable=False),
    sqlite_with_rowid=False,
)

confusions = Table(
    "confusions",
    metadata,
    Column("model_version", BigInteger, primary_key=True, autoincrement=False),
    # JSON, as the model's card has it.
    Column("content", Text, nullable=False),
)
"""How each version of the model confuses age groups, as gateways told that it answers."""

lifts = Table(
    "lifts",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("made_ms", BigInteger, nullable=False),
    # JSON, as `policy.read_lift_lows` reads it.
    Column("content", Text, nullable=False),
)
"""One row: what offers are ranked by, as the nightly job learnt it last."""
