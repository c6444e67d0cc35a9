"""`python -m agelane_serving.model_server --model_config_file=… --models_dir=…`."""

from __future__ import annotations

import logging
import os
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from agelane_serving.model_server.settings import parse_settings

_LOG_LEVEL = "TF_CPP_MIN_LOG_LEVEL"


def main(argv: Sequence[str] | None = None) -> int:
    """Run the model server until it is told to stop; return the exit code."""
    settings = parse_settings(sys.argv[1:] if argv is None else argv)
    logging.basicConfig(
        level=logging.INFO, stream=sys.stderr, format="model-server %(levelname)s %(message)s"
    )
    with _tensorflow_quieted():
        from agelane_serving.model_server.server import serve
    return serve(settings)


@contextmanager
def _tensorflow_quieted() -> Iterator[None]:
    """Keep TensorFlow's chatter back, unless its own log level was chosen in the environment.

    While it is imported it writes lines to file descriptor 2 that its level doesn't reach; they
    are shown only if the import fails.
    """
    if _LOG_LEVEL in os.environ:
        yield
        return
    os.environ[_LOG_LEVEL] = "3"
    sys.stderr.flush()
    stderr = os.dup(2)
    with tempfile.TemporaryFile() as chatter:
        os.dup2(chatter.fileno(), 2)
        try:
            yield
        except BaseException:
            chatter.seek(0)
            os.write(stderr, chatter.read())
            raise
        finally:
            os.dup2(stderr, 2)
            os.close(stderr)


if __name__ == "__main__":
    sys.exit(main())
