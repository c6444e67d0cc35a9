"""The messages of agelane.tfserving.v1 are those of TensorFlow Serving, byte for byte.

Both live in this one process, which is itself part of what is tested.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from typing import cast

import pytest
from google.protobuf.descriptor import Descriptor, FieldDescriptor
from google.protobuf.descriptor_pb2 import DescriptorProto
from google.protobuf.message import Message
from tensorflow.core.framework import tensor_pb2 as real_tensor
from tensorflow.core.protobuf import meta_graph_pb2 as real_graph
from tensorflow_serving.apis import get_model_metadata_pb2 as real_metadata
from tensorflow_serving.apis import get_model_status_pb2 as real_status
from tensorflow_serving.apis import model_management_pb2 as real_management
from tensorflow_serving.apis import predict_pb2 as real_predict
from tensorflow_serving.apis import prediction_log_pb2 as real_log
from tensorflow_serving.config import model_server_config_pb2 as real_config

from agelane.tfserving.v1 import config_pb2, metadata_pb2, predict_pb2, status_pb2, tensor_pb2

PAIRS: list[tuple[type[Message], type[Message]]] = [
    (tensor_pb2.TensorProto, real_tensor.TensorProto),
    (predict_pb2.PredictRequest, real_predict.PredictRequest),
    (predict_pb2.PredictResponse, real_predict.PredictResponse),
    (predict_pb2.PredictionLog, real_log.PredictionLog),
    (metadata_pb2.GetModelMetadataRequest, real_metadata.GetModelMetadataRequest),
    (metadata_pb2.GetModelMetadataResponse, real_metadata.GetModelMetadataResponse),
    (metadata_pb2.SignatureDefMap, real_metadata.SignatureDefMap),
    (metadata_pb2.SignatureDef, real_graph.SignatureDef),
    (status_pb2.GetModelStatusRequest, real_status.GetModelStatusRequest),
    (status_pb2.GetModelStatusResponse, real_status.GetModelStatusResponse),
    (config_pb2.ReloadConfigRequest, real_management.ReloadConfigRequest),
    (config_pb2.ReloadConfigResponse, real_management.ReloadConfigResponse),
    (config_pb2.ModelServerConfig, real_config.ModelServerConfig),
]
MESSAGES = 10_000
each_pair = pytest.mark.parametrize(("own", "real"), PAIRS, ids=lambda cls: cls.DESCRIPTOR.name)


@each_pair
def test_the_same_content_gives_the_same_bytes_and_each_reads_the_other(
    own: type[Message], real: type[Message]
) -> None:
    """10,000 random messages over all pairs, filled alike through both classes."""
    shape = ours_and_theirs(own, real)[0]
    for seed in range(-(-MESSAGES // len(PAIRS))):
        ours, theirs = own(), real()
        fill(ours, shape, random.Random(seed))
        fill(theirs, shape, random.Random(seed))
        wire = ours.SerializeToString(deterministic=True)
        assert theirs.SerializeToString(deterministic=True) == wire
        assert real.FromString(wire).SerializeToString(deterministic=True) == wire
        assert own.FromString(wire).SerializeToString(deterministic=True) == wire


def test_what_we_do_not_know_survives_the_way_through_us() -> None:
    """A field of the real message that ours lacks is kept when ours passes it on."""
    theirs = real_predict.PredictRequest()
    theirs.model_spec.name = "age"
    theirs.request_options.max_cache_length = 7
    passed_on = predict_pb2.PredictRequest.FromString(theirs.SerializeToString())
    assert real_predict.PredictRequest.FromString(passed_on.SerializeToString()) == theirs


@each_pair
def test_fields_agree_in_number_name_type_and_presence(
    own: type[Message], real: type[Message]
) -> None:
    """Down to the innermost message; and numbers we leave out are reserved."""
    for ours, theirs in nested(*ours_and_theirs(own, real)):
        theirs_by_number = theirs.fields_by_number
        assert {f.number: traits(f) for f in ours.fields} == {
            f.number: traits(theirs_by_number[f.number]) for f in ours.fields
        }
        left_out = set(theirs_by_number) - set(ours.fields_by_number)
        assert left_out <= reserved(ours), ours.full_name


@each_pair
def test_enum_values_agree(own: type[Message], real: type[Message]) -> None:
    """Every value of ours has the number that TensorFlow gives to its name."""
    for ours, theirs in nested(*ours_and_theirs(own, real)):
        for field in ours.fields:
            if field.enum_type is not None:
                known = theirs.fields_by_number[field.number].enum_type
                assert known is not None
                for value in field.enum_type.values:
                    assert known.values_by_name[value.name].number == value.number


def fill(message: Message, shape: Descriptor, dice: random.Random) -> None:
    """Set a random part of the fields named in `shape`, the same ones for the same dice."""
    for field in shape.fields:
        if dice.random() < 0.4:
            continue
        target = getattr(message, field.name)
        if field.message_type is not None and field.message_type.GetOptions().map_entry:
            fill_map(target, field.message_type.fields_by_name["value"], dice)
        elif field.is_repeated and field.message_type is not None:
            for _ in range(dice.randrange(3)):
                fill(target.add(), field.message_type, dice)
        elif field.is_repeated:
            target.extend(scalar(field, dice) for _ in range(dice.randrange(4)))
        elif field.message_type is not None:
            target.SetInParent()
            fill(target, field.message_type, dice)
        else:
            setattr(message, field.name, scalar(field, dice))


def fill_map(target: dict[str, object], value: FieldDescriptor, dice: random.Random) -> None:
    """Add up to two entries to a map with string keys."""
    for key in dice.sample(["", "image_bytes", "ключ"], dice.randrange(3)):
        if value.message_type is None:
            target[key] = scalar(value, dice)
        else:
            entry = target[key]  # a map of messages makes the entry when it is asked for
            assert isinstance(entry, Message)
            fill(entry, value.message_type, dice)


def scalar(field: FieldDescriptor, dice: random.Random) -> object:
    """Return a random value for `field`, its extremes included."""
    if field.enum_type is not None:
        return dice.choice([*(value.number for value in field.enum_type.values), 77])
    match field.cpp_type:
        case FieldDescriptor.CPPTYPE_BOOL:
            return dice.random() < 0.5
        case FieldDescriptor.CPPTYPE_INT32:
            return dice.choice([0, -1, 2**31 - 1, -(2**31), dice.randrange(1000)])
        case FieldDescriptor.CPPTYPE_INT64:
            return dice.choice([0, -1, 2**63 - 1, -(2**63), dice.randrange(1000)])
        case FieldDescriptor.CPPTYPE_UINT32 | FieldDescriptor.CPPTYPE_UINT64:
            return dice.choice([0, 2**32 - 1, dice.randrange(1000)])
        case FieldDescriptor.CPPTYPE_FLOAT | FieldDescriptor.CPPTYPE_DOUBLE:
            return dice.choice([0.0, -0.0, float("inf"), float("nan"), dice.gauss(0, 1)])
    if field.type == FieldDescriptor.TYPE_BYTES:
        return dice.randbytes(dice.randrange(40))
    return dice.choice(["", "age", "возраст", "a" * 200])


def traits(field: FieldDescriptor) -> tuple[object, ...]:
    """Return what two fields must share to be the same on the wire and in text format."""
    oneof = field.containing_oneof
    return (
        field.name,
        field.type,
        field.is_repeated,
        field.is_packed,
        field.has_presence,
        oneof.name if oneof is not None else None,
    )


def reserved(message: Descriptor) -> set[int]:
    """Return the numbers that `message` reserves."""
    proto = DescriptorProto()
    message.CopyToProto(proto)
    return {number for span in proto.reserved_range for number in range(span.start, span.end)}


def ours_and_theirs(own: type[Message], real: type[Message]) -> tuple[Descriptor, Descriptor]:
    """Return the descriptors of a pair, which are typed as either of two kinds in a class."""
    return cast(Descriptor, own.DESCRIPTOR), cast(Descriptor, real.DESCRIPTOR)


def nested(own: Descriptor, real: Descriptor) -> Iterator[tuple[Descriptor, Descriptor]]:
    """Yield the pair and all pairs of messages below it; ours contain no cycles."""
    yield own, real
    for field in own.fields:
        other = real.fields_by_number.get(field.number)
        if field.message_type is not None and other is not None and other.message_type is not None:
            yield from nested(field.message_type, other.message_type)
