"""Tensors are read without NumPy, and nonsense is noticed."""

from __future__ import annotations

import contextlib
import struct

import pytest
from google.protobuf.message import DecodeError
from hypothesis import given
from hypothesis import strategies as st

from agelane.tfserving.v1 import tensor_pb2
from agelane_serving.gateway.model.tensors import (
    TensorError,
    read_bools,
    read_floats,
    read_ints,
    read_string,
)
from tests.serving.gateway.fake_model_server import bools, floats, ints, packed_floats, strings

_FLOATS = st.lists(st.floats(width=32, allow_nan=False), min_size=1, max_size=120)


@given(_FLOATS)
def test_both_encodings_of_floats_are_read(values: list[float]) -> None:
    """`float_val` and `tensor_content` hold the same."""
    shape = [1, len(values)]
    for tensor in (floats(values, shape), packed_floats(values, shape)):
        assert list(read_floats(tensor, shape)) == values


def test_a_repeated_last_value_may_be_left_out() -> None:
    """TensorFlow compresses so; without it a flat distribution would look wrong."""
    assert read_floats(floats([0.5, 0.25], [1, 4]), [1, 4]) == (0.5, 0.25, 0.25, 0.25)
    assert read_bools(bools([True], [2]), [2]) == (True, True)


@pytest.mark.parametrize(
    "tensor",
    [
        tensor_pb2.TensorProto(),
        floats([1, 2], [1]),
        floats([], [1]),
        floats([1], []),
        floats([1], [1, 1]),
        floats([1], [-1]),
        packed_floats([1, 2], [1]),
        bools([True], [1]),
        strings([b"1"], [1]),
        tensor_pb2.TensorProto(dtype=tensor_pb2.DT_DOUBLE, double_val=[1]),
    ],
)
def test_anything_but_one_float_is_nonsense_where_one_is_expected(
    tensor: tensor_pb2.TensorProto,
) -> None:
    """Type, shape and number of values have to fit."""
    with pytest.raises(TensorError):
        read_floats(tensor, [1])


@given(st.binary(max_size=80))
def test_no_bytes_upset_the_readers(content: bytes) -> None:
    """A tensor of any content is read or refused."""
    try:
        tensor = tensor_pb2.TensorProto.FromString(content)
    except DecodeError:
        return
    for read in (
        lambda: read_floats(tensor, [1]),
        lambda: read_ints(tensor, [1]),
        lambda: read_bools(tensor, [1]),
        lambda: read_string(tensor),
    ):
        with contextlib.suppress(TensorError):
            read()


def test_a_string_is_read_whatever_the_shape() -> None:
    """The model card comes as one string or as one for each row."""
    assert read_string(strings([b"card", b"card"], [2])) == b"card"
    with pytest.raises(TensorError):
        read_string(strings([], [0]))


def test_bools_in_packed_bytes_are_read() -> None:
    """One byte each."""
    tensor = bools([], [2])
    tensor.tensor_content = struct.pack("??", True, False)
    assert read_bools(tensor, [2]) == (True, False)


def test_whole_numbers_are_read_in_both_encodings() -> None:
    """Negative ones as well; floats are none."""
    packed = ints([], [2])
    packed.tensor_content = struct.pack("<ii", 3, -1)
    assert read_ints(packed, [2]) == read_ints(ints([3, -1], [2]), [2]) == (3, -1)
    with pytest.raises(TensorError):
        read_ints(floats([1], [1]), [1])
