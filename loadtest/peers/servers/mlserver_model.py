"""MLServer, with its adaptive batching: `mlserver start FOLDER`."""

from __future__ import annotations

import numpy as np
from mlserver import MLModel
from mlserver.codecs import Base64Codec, NumpyCodec
from mlserver.types import InferenceRequest, InferenceResponse

from loadtest.peers.servers.saved_model import SavedModel


class Ages(MLModel):
    """POST /v2/models/ages/infer, one BYTES input in base64; answers one output "age"."""

    async def load(self) -> bool:
        """Load the model, in the worker."""
        self._model = SavedModel()
        return True

    async def predict(self, payload: InferenceRequest) -> InferenceResponse:
        """Return their ages."""
        ages = np.array(self._model.ages(Base64Codec.decode_input(payload.inputs[0])))
        output = NumpyCodec.encode_output("age", ages.reshape(-1, 1))
        return InferenceResponse(model_name=self.name, outputs=[output])
