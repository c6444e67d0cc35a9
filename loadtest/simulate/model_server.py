"""`python -m loadtest.simulate.model_server LISTEN`: a model server that knows the simulated faces.

It speaks TensorFlow Serving's protocol and answers what the shipped model said about the face that
a photo's comment names, with a model card whose confusion was measured on other people.
"""

from __future__ import annotations

import sys

import uvloop

from loadtest.bench.model_endpoint import serve_model
from loadtest.bench.null_backend import card_answer, face_answer
from loadtest.simulate.faces import face_on, read_faces

_SHARP, _BLURRED = 0.5, 0.0
_CARD_SIGNATURE = b"model_card"


async def serve(listen: str) -> None:
    """Answer until terminated."""
    faces = read_faces()
    card = card_answer(faces.card)
    answers = [
        face_answer(probabilities.tolist(), _SHARP if good else _BLURRED)
        for probabilities, good in zip(faces.probabilities, faces.good, strict=True)
    ]

    async def predict(request: bytes, context: object) -> bytes:
        return card if _CARD_SIGNATURE in request else answers[face_on(request)]

    await serve_model(listen, predict)


if __name__ == "__main__":
    uvloop.run(serve(sys.argv[1]))
