"""What can go wrong, in canonical codes; the servicers turn it into gRPC statuses."""

from __future__ import annotations

import logging
import re
from typing import ClassVar

import tensorflow as tf
from google.rpc import code_pb2

_LONGEST_MESSAGE = 500
_NODE = re.compile(r"\{\{function_node \S+\}\} | \[Op:.*")
"""Where in a graph it was, as TensorFlow says before and after."""
_logger = logging.getLogger(__name__)


class ServingError(Exception):
    """A refusal the caller may read. Its subclasses are named after their canonical code."""

    code: ClassVar[int] = code_pb2.INTERNAL


class InvalidArgument(ServingError):
    """The request can't be right, whatever the server's state."""

    code = code_pb2.INVALID_ARGUMENT


class NotFound(ServingError):
    """No such model or version, or not now."""

    code = code_pb2.NOT_FOUND


class FailedPrecondition(ServingError):
    """The server isn't in the state this request needs."""

    code = code_pb2.FAILED_PRECONDITION


class ResourceExhausted(ServingError):
    """More calls at once than the server takes."""

    code = code_pb2.RESOURCE_EXHAUSTED


class Unavailable(ServingError):
    """Not now; the same request may succeed later."""

    code = code_pb2.UNAVAILABLE


class Unknown(ServingError):
    """Something outside this server's code went wrong, such as a model that doesn't load."""

    code = code_pb2.UNKNOWN


class DeadlineExceeded(ServingError):
    """Too late: nobody waits for the answer any more."""

    code = code_pb2.DEADLINE_EXCEEDED


def describe(error: Exception) -> tuple[int, str]:
    """Return the canonical code and a message for `error`.

    TensorFlow's errors carry canonical codes already.
    Anything unforeseen is logged with its trace; the caller gets INTERNAL and its type, no more.
    """
    if isinstance(error, ServingError):
        return error.code, str(error)
    if isinstance(error, tf.errors.OpError):
        return error.error_code, message_of(error)
    _logger.error("unforeseen error", exc_info=error)
    return code_pb2.INTERNAL, f"unforeseen {type(error).__name__}"


def message_of(error: Exception) -> str:
    """Return what an error says, cut to 500 characters and without TensorFlow's graph trace."""
    noise = ("Graph execution error", "Detected at node", "File ", "[[{{", "[Op:")
    lines = [line.strip() for line in str(error).splitlines()]
    said = [line for line in lines if line and not line.startswith(noise)]
    return _NODE.sub("", " ".join(said))[:_LONGEST_MESSAGE]
