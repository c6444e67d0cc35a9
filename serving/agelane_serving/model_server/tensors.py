"""TensorProtos to NumPy arrays and back, checked against a signature."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
import tensorflow as tf
from numpy.typing import NDArray
from tensorflow.core.framework import types_pb2

from agelane_serving.model_server.errors import InvalidArgument

_VALUES = {
    np.dtype(np.float32): ("float_val", types_pb2.DT_FLOAT),
    np.dtype(np.int32): ("int_val", types_pb2.DT_INT32),
    np.dtype(np.bool_): ("bool_val", types_pb2.DT_BOOL),
}
"""Field of a TensorProto for the values of a type; of those that an age model answers with."""


def read_inputs(signature: Any, protos: Mapping[str, Any]) -> dict[str, NDArray[Any]]:
    """Return the values of a request by input name.

    `signature` is a SignatureDef, `protos` maps input names to TensorProtos. Raises
    InvalidArgument for a missing or unknown input, a wrong type or shape, or a malformed tensor.
    """
    missing, extra = set(signature.inputs) - set(protos), set(protos) - set(signature.inputs)
    if missing or extra:
        raise InvalidArgument(
            f"input size does not match signature: {len(protos)}!={len(signature.inputs)}. "
            f"Sent extra: {_braced(extra)}. Missing but required: {_braced(missing)}."
        )
    return {name: _values(name, protos[name], info) for name, info in signature.inputs.items()}


def wanted_outputs(signature: Any, output_filter: Iterable[str]) -> list[str]:
    """Return the names of the outputs to answer with: those filtered for, or else all."""
    wanted = list(output_filter)
    for name in wanted:
        if name not in signature.outputs:
            raise InvalidArgument(
                f"output tensor alias not found in signature: {name} "
                f"Outputs expected to be in the set {_braced(signature.outputs)}."
            )
        if wanted.count(name) > 1:
            raise InvalidArgument(f"duplicate output tensor alias: {name}")
    return wanted or sorted(signature.outputs)


def write_output(values: NDArray[Any], proto: Any) -> None:
    """Fill a TensorProto, values in the field of their type, as TensorFlow Serving does."""
    if getattr(values, "dtype", None) not in _VALUES:
        proto.CopyFrom(tf.make_tensor_proto(values))
        return
    # A quarter of what make_tensor_proto takes.
    field, proto.dtype = _VALUES[values.dtype]
    for size in values.shape:
        proto.tensor_shape.dim.add(size=size)
    getattr(proto, field).extend(values.ravel().tolist())


def _values(name: str, proto: Any, info: Any) -> NDArray[Any]:
    if proto.dtype != info.dtype:
        raise InvalidArgument(
            f"input {name}: expected {_dtype_name(info.dtype)}, got {_dtype_name(proto.dtype)}"
        )
    shape = tf.TensorShape(info.tensor_shape)
    sizes = [dimension.size for dimension in proto.tensor_shape.dim]
    known = not proto.tensor_shape.unknown_rank and all(size >= 0 for size in sizes)
    if not known or not shape.is_compatible_with(sizes):
        raise InvalidArgument(f"input {name}: expected shape {shape}, got {sizes}")
    count = math.prod(sizes)
    if proto.dtype == types_pb2.DT_STRING and 0 < count == len(proto.string_val):
        # What tills send; a fifth of what the parser takes.
        return np.array(proto.string_val, object).reshape(sizes)
    encoded = proto.SerializeToString()
    # A shape may claim billions of elements and name one value, which TensorFlow would repeat.
    if count > len(encoded):
        raise InvalidArgument(f"input {name}: shape {sizes} has more elements than were sent")
    try:
        # TensorFlow's own parser takes string_val as well as tensor_content.
        values: NDArray[Any] = tf.io.parse_tensor(encoded, tf.as_dtype(info.dtype)).numpy()
    except tf.errors.InvalidArgumentError as error:
        raise InvalidArgument(f"tensor parsing error: {name}") from error
    return values


def _dtype_name(number: int) -> str:
    known = number in types_pb2.DataType.values()
    return types_pb2.DataType.Name(number) if known else f"unknown type {number}"


def _braced(names: Iterable[str]) -> str:
    return "{" + ",".join(sorted(names)) + "}"
