"""Read the tensors of a model's answer without NumPy. Whatever is not as expected is nonsense."""

from __future__ import annotations

import functools
import math
import struct
from collections.abc import Sequence
from typing import TypeVar

from agelane.tfserving.v1 import tensor_pb2

_Value = TypeVar("_Value")


class TensorError(ValueError):
    """A tensor is not of the expected type and shape, or contradicts itself."""


def string_tensor(values: Sequence[bytes]) -> tensor_pb2.TensorProto:
    """Return a tensor of shape [N] that holds N byte strings."""
    tensor = tensor_pb2.TensorProto(dtype=tensor_pb2.DT_STRING, string_val=values)
    tensor.tensor_shape.dim.add(size=len(values))
    return tensor


def read_floats(tensor: tensor_pb2.TensorProto, shape: Sequence[int]) -> tuple[float, ...]:
    """Return the values of a float32 tensor of this shape, in row-major order.

    Raises:
        TensorError: it is not one.
    """
    count = _check(tensor, tensor_pb2.DT_FLOAT, shape)
    if tensor.tensor_content:
        _check_content(tensor, 4 * count)
        return struct.unpack(f"<{count}f", tensor.tensor_content)
    return _filled(tensor.float_val, count)


def read_ints(tensor: tensor_pb2.TensorProto, shape: Sequence[int]) -> tuple[int, ...]:
    """Return the values of an int32 tensor of this shape, in row-major order.

    Raises:
        TensorError: it is not one.
    """
    count = _check(tensor, tensor_pb2.DT_INT32, shape)
    if tensor.tensor_content:
        _check_content(tensor, 4 * count)
        return struct.unpack(f"<{count}i", tensor.tensor_content)
    return _filled(tensor.int_val, count)


def read_bools(tensor: tensor_pb2.TensorProto, shape: Sequence[int]) -> tuple[bool, ...]:
    """Return the values of a bool tensor of this shape, in row-major order.

    Raises:
        TensorError: it is not one.
    """
    count = _check(tensor, tensor_pb2.DT_BOOL, shape)
    if tensor.tensor_content:
        _check_content(tensor, count)
        return struct.unpack(f"<{count}?", tensor.tensor_content)
    return _filled(tensor.bool_val, count)


def read_string(tensor: tensor_pb2.TensorProto) -> bytes:
    """Return the first value of a string tensor, whatever its shape.

    Raises:
        TensorError: it is of another type, or empty.
    """
    if tensor.dtype != tensor_pb2.DT_STRING or not tensor.string_val:
        raise TensorError("not a string tensor with values")
    return tensor.string_val[0]


def _check(
    tensor: tensor_pb2.TensorProto, dtype: tensor_pb2.DataType.ValueType, shape: Sequence[int]
) -> int:
    """Return the number of elements of a tensor of this type and shape."""
    if tensor.dtype != dtype:
        raise TensorError(f"type {tensor.dtype} instead of {dtype}")
    if tensor.tensor_shape != _shape(*shape):
        actual = [dim.size for dim in tensor.tensor_shape.dim]
        # What differs may also be the dimensions' names, which say nothing.
        if actual != list(shape) or tensor.tensor_shape.unknown_rank:
            raise TensorError(f"shape {actual} instead of {list(shape)}")
    return math.prod(shape)


@functools.cache
def _shape(*sizes: int) -> tensor_pb2.TensorShapeProto:
    shape = tensor_pb2.TensorShapeProto()
    for size in sizes:
        shape.dim.add(size=size)
    return shape


def _check_content(tensor: tensor_pb2.TensorProto, expected_bytes: int) -> None:
    if len(tensor.tensor_content) != expected_bytes:
        raise TensorError(f"{len(tensor.tensor_content)} bytes instead of {expected_bytes}")


def _filled(values: Sequence[_Value], count: int) -> tuple[_Value, ...]:
    """Return `count` values: a server may leave out repetitions of the last one."""
    if len(values) == count:
        return tuple(values)
    if not 1 <= len(values) < count:
        raise TensorError(f"{len(values)} values for {count} elements")
    return (*values, *[values[-1]] * (count - len(values)))
