"""LitServe, with its own batching: `python -m loadtest.peers.servers.litserve_server PORT`."""

from __future__ import annotations

import base64
import sys
from collections.abc import Sequence

import litserve

from loadtest.peers.servers.names import AT_ONCE, WAIT_SECONDS
from loadtest.peers.servers.saved_model import SavedModel, most_photos


class Ages(litserve.LitAPI):
    """POST /predict {"photo": BASE64} answers {"age": YEARS}."""

    def setup(self, device: str) -> None:
        """Load the model, in the worker."""
        self._model = SavedModel()

    def decode_request(self, request: dict[str, str]) -> bytes:
        """Return the photo."""
        return base64.b64decode(request["photo"])

    def batch(self, inputs: Sequence[bytes]) -> list[bytes]:
        """Return the photos as they are: they need not be stacked."""
        return list(inputs)

    def predict(self, photos: list[bytes]) -> list[float]:
        """Return their ages."""
        return self._model.ages(photos)

    def unbatch(self, ages: list[float]) -> list[float]:
        """Return each by itself."""
        return ages

    def encode_response(self, age: float) -> dict[str, float]:
        """Return the answer."""
        return {"age": age}


if __name__ == "__main__":
    api = Ages(max_batch_size=most_photos(), batch_timeout=WAIT_SECONDS)
    server = litserve.LitServer(api, accelerator="cpu", workers_per_device=AT_ONCE, timeout=30)
    server.run(host="127.0.0.1", port=int(sys.argv[1]), generate_client_file=False)
