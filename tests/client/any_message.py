"""Strategies for whatever a gateway may send."""

from __future__ import annotations

from typing import Any

from google.protobuf.descriptor import FieldDescriptor
from google.protobuf.message import Message
from google.protobuf.message_factory import GetMessageClass
from hypothesis import strategies as st

VALUES: dict[int, st.SearchStrategy[Any]] = {
    FieldDescriptor.TYPE_BOOL: st.booleans(),
    FieldDescriptor.TYPE_BYTES: st.binary(max_size=20),
    FieldDescriptor.TYPE_DOUBLE: st.floats(),
    FieldDescriptor.TYPE_ENUM: st.integers(0, 20) | st.integers(-(2**31), 2**31 - 1),
    FieldDescriptor.TYPE_INT32: st.integers(-(2**31), 2**31 - 1),
    FieldDescriptor.TYPE_INT64: st.integers(-(2**63), 2**63 - 1),
    FieldDescriptor.TYPE_STRING: st.text(max_size=20),
    FieldDescriptor.TYPE_UINT32: st.integers(0, 2**32 - 1),
    FieldDescriptor.TYPE_UINT64: st.integers(0, 2**64 - 1),
}


def messages(kind: type[Message]) -> st.SearchStrategy[Any]:
    """Return a strategy for any message of a `kind`, each field set or not."""
    fields = {name: values(field) for name, field in kind.DESCRIPTOR.fields_by_name.items()}
    return st.fixed_dictionaries({}, optional=fields).map(lambda given: kind(**given))


def values(field: Any) -> st.SearchStrategy[Any]:
    """Return a strategy for what `field` may hold."""
    one = (
        messages(GetMessageClass(field.message_type)) if field.message_type else VALUES[field.type]
    )
    return st.lists(one, max_size=3) if field.is_repeated else one
