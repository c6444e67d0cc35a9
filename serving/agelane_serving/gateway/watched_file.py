"""A configuration file that may change while the gateway runs."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from pathlib import Path
from typing import Generic, TypeVar

from agelane_serving.gateway.operations import metrics

_LOOK_SECONDS = 1.0
_LARGEST_BYTES = 4 * 1024 * 1024
_Content = TypeVar("_Content")
_logger = logging.getLogger(__name__)


class ConfigurationError(ValueError):
    """A configuration file that can't be used; the message names it and what is wrong."""


class WatchedFile(Generic[_Content]):
    """What a file says, kept up to date. A wrong new text is refused loudly, and the old one stays.

    Everything that is decided within one call should take `current` once: it may change between.
    """

    def __init__(
        self,
        name: str,
        path: Path,
        parse: Callable[[str], _Content],
        depends_on: Callable[[], object] = lambda: None,
    ) -> None:
        """Read the file.

        Args:
            name: what it is for.
            path: where it is.
            parse: raises ValueError for a wrong text.
            depends_on: what else its meaning depends on; when that changes, it is read anew too.

        Raises:
            ConfigurationError: it can't be read, or is wrong.
        """
        self.name, self.refused = name, 0
        self._path, self._parse, self._depends_on = path, parse, depends_on
        self._seen = self._signature()
        self.current = self._read()

    def reload(self) -> None:
        """Read the file anew, whether it looks changed or not.

        Raises:
            ConfigurationError: it can't be used; `current` is what it was.
        """
        self._seen = self._signature()
        try:
            self.current = self._read()
        except ConfigurationError as error:
            self.refused += 1
            metrics.CONFIGURATION_REFUSED.labels(self.name).inc()
            _logger.error("%s; what was there before stays in force", error)
            raise
        _logger.info("%s read anew from %s", self.name, self._path)

    async def follow(self) -> None:
        """Reload the file whenever it changes, until cancelled."""
        while True:
            await asyncio.sleep(_LOOK_SECONDS)
            if self._signature() != self._seen:
                try:
                    self.reload()
                except ConfigurationError:
                    continue  # it said so itself, and is looked at again when it changes again

    def _read(self) -> _Content:
        try:
            with self._path.open("rb") as file:
                content = file.read(_LARGEST_BYTES + 1)
            if len(content) > _LARGEST_BYTES:
                raise ValueError(f"larger than {_LARGEST_BYTES} bytes")
            return self._parse(content.decode("utf-8"))
        except (OSError, ValueError) as error:  # UnicodeDecodeError is a ValueError
            raise ConfigurationError(f"{self.name} {self._path}: {error}") from error
        except RecursionError as error:
            raise ConfigurationError(f"{self.name} {self._path}: nested too deeply") from error

    def _signature(self) -> tuple[object, ...]:
        """Return what changes when the file does, or what it depends on."""
        try:
            status = self._path.stat()
        except OSError:  # it is not there
            return (self._depends_on(),)
        return self._depends_on(), status.st_mtime_ns, status.st_size, status.st_ino
