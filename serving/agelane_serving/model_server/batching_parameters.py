"""The message BatchingParameters of TensorFlow Serving, which its Python package leaves out.

It is declared here at run time, field by field, so that protobuf's own text parser reads
batching.config with the same strictness as the C++ server: unknown fields are refused.
"""

from __future__ import annotations

from google.protobuf import descriptor_pb2, descriptor_pool, message, message_factory, wrappers_pb2

_FIELD = descriptor_pb2.FieldDescriptorProto
_INT64_VALUE = ".google.protobuf.Int64Value"
_STRING_VALUE = ".google.protobuf.StringValue"

# Name, number and type as in TensorFlow Serving's session_bundle_config.proto.
_WRAPPED_FIELDS = (
    ("max_batch_size", 1, _INT64_VALUE),
    ("batch_timeout_micros", 2, _INT64_VALUE),
    ("max_enqueued_batches", 3, _INT64_VALUE),
    ("num_batch_threads", 4, _INT64_VALUE),
    ("thread_pool_name", 5, _STRING_VALUE),
    ("max_execution_batch_size", 9, _INT64_VALUE),
)
_PLAIN_FIELDS = (
    ("allowed_batch_sizes", 6, _FIELD.TYPE_INT64, _FIELD.LABEL_REPEATED),
    ("pad_variable_length_inputs", 7, _FIELD.TYPE_BOOL, _FIELD.LABEL_OPTIONAL),
    ("enable_large_batch_splitting", 8, _FIELD.TYPE_BOOL, _FIELD.LABEL_OPTIONAL),
)


def _declare() -> type[message.Message]:
    file = descriptor_pb2.FileDescriptorProto(
        name="agelane_serving/model_server/batching_parameters.proto",
        package="agelane_serving.model_server",
        syntax="proto3",
        dependency=[wrappers_pb2.DESCRIPTOR.name],
    )
    declared = file.message_type.add(name="BatchingParameters")
    for name, number, type_name in _WRAPPED_FIELDS:
        declared.field.add(
            name=name,
            number=number,
            type=_FIELD.TYPE_MESSAGE,
            type_name=type_name,
            label=_FIELD.LABEL_OPTIONAL,
        )
    for name, number, type_, label in _PLAIN_FIELDS:
        declared.field.add(name=name, number=number, type=type_, label=label)
    # The default pool, because the wrapper messages the fields refer to live there.
    pool = descriptor_pool.Default()
    described = pool.AddSerializedFile(file.SerializeToString())
    return message_factory.GetMessageClass(described.message_types_by_name["BatchingParameters"])


BatchingParameters = _declare()
