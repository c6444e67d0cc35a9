"""BentoML, with its adaptive batching: `bentoml serve …servers.bentoml_service:Ages`."""

from __future__ import annotations

import base64

import bentoml

from loadtest.peers.servers.names import AT_ONCE
from loadtest.peers.servers.saved_model import SavedModel, most_photos


@bentoml.service(workers=AT_ONCE, traffic={"timeout": 30})
class Ages:
    """POST /predict {"photos": [BASE64]} answers [YEARS]."""

    def __init__(self) -> None:
        """Load the model, in the worker."""
        self._model = SavedModel()

    @bentoml.api(batchable=True, max_batch_size=most_photos(), max_latency_ms=20_000)
    def predict(self, photos: list[str]) -> list[float]:
        """Return their ages."""
        return self._model.ages([base64.b64decode(photo) for photo in photos])
