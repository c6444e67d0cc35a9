"""The files that a gateway is given, each kept up to date while it runs."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import agelane_serving.policy
from agelane_serving.gateway.model.rollout_file import RolloutPlan, read_rollout
from agelane_serving.gateway.security.assessment_token import read_key_ring
from agelane_serving.gateway.security.credentials import read_credentials
from agelane_serving.gateway.settings import Settings
from agelane_serving.gateway.watched_file import ConfigurationError, WatchedFile
from agelane_serving.policy import Policy, load_offers, load_policy

_BUILT_IN_POLICY = Path(agelane_serving.policy.__file__).with_name("default.toml")
_Content = TypeVar("_Content")


class Configuration:
    """What the files say at the moment; whoever needs it asks anew for each call."""

    def __init__(self, settings: Settings) -> None:
        """Read all files.

        Raises:
            ConfigurationError: one of them can't be used.
        """
        self.files: list[WatchedFile[Any]] = []
        policy = self._watch("policy", settings.policy or _BUILT_IN_POLICY, load_policy)
        self.policy: Callable[[], Policy] = lambda: policy.current
        """The policy."""
        self.offers = self._optional(
            "offers",
            settings.offers,
            lambda text: load_offers(text, self.policy()),
            lambda: self.policy().version,
        )
        """The offers; None: there are none."""
        self.credentials = self._optional("credentials", settings.credentials, read_credentials)
        """The tokens of callers; None: there are none to check."""
        self.key_ring = self._optional("token keys", settings.token_keys, read_key_ring)
        """The keys that sign assessments; None: they are not signed."""
        rollout = self._optional("rollout", settings.rollout, read_rollout)
        no_rollout = RolloutPlan()
        self.rollout: Callable[[], RolloutPlan] = rollout or (lambda: no_rollout)
        """How a new version of the model is tried."""

    async def follow(self) -> None:
        """Read the files anew when they change, until cancelled."""
        await asyncio.gather(*[file.follow() for file in self.files])

    def reload(self) -> None:
        """Read all files anew; those that are wrong say so in the log and stay as they were."""
        for file in self.files:
            with contextlib.suppress(ConfigurationError):
                file.reload()

    def _watch(
        self,
        name: str,
        path: Path,
        parse: Callable[[str], _Content],
        depends_on: Callable[[], object] = lambda: None,
    ) -> WatchedFile[_Content]:
        file = WatchedFile(name, path, parse, depends_on)
        self.files.append(file)
        return file

    def _optional(
        self,
        name: str,
        path: Path | None,
        parse: Callable[[str], _Content],
        depends_on: Callable[[], object] = lambda: None,
    ) -> Callable[[], _Content] | None:
        if path is None:
            return None
        file = self._watch(name, path, parse, depends_on)
        return lambda: file.current
