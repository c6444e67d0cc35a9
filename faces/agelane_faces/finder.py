"""BlazeFace in NumPy.

It is the network, with the weights and the rules, by which the gateway's model finds the face, so
that both see the same people: first on the whole photo within a grey border, where a face that
fills it is found, then on the photo without one, where the small faces of camera frames are found.

Bazarevsky et al., "BlazeFace: Sub-millisecond Neural Face Detection on Mobile GPUs" (arXiv
1907.05047). The weights are Google's (MediaPipe, Apache 2.0).
"""

from __future__ import annotations

from functools import lru_cache
from importlib import resources
from typing import Any, TypeAlias

import numpy as np
from PIL import Image

Box: TypeAlias = "tuple[float, float, float, float]"
Array: TypeAlias = "np.ndarray[Any, np.dtype[np.float32]]"

_FACE_SCORE = 0.75
_OVERLAP = 0.3
_BORDERED_SIDE, _BORDER = 80, 0.25
_SHORT_SIDE, _LONGEST_SIDE = 128, 256
_GREY = 127
_BLOCKS = 16
_HALVING_BLOCKS = (2, 5, 11)
_FINE_BLOCK = 10
"""Block whose cells, of 8 pixels, each look for two faces; those of the last, of 16, for six."""


def find_faces(photo: Image.Image) -> list[Box]:
    """Return left, top, right and bottom of each face in pixels, the largest first.

    People in the queue behind, whose faces are less than half as high as the largest, don't count.
    """
    longest = max(photo.size)
    inner = _BORDERED_SIDE / (1 + 2 * _BORDER)
    boxes = _look(photo, inner / longest, (_BORDERED_SIDE, _BORDERED_SIDE))
    if not len(boxes):
        scale = min(_SHORT_SIDE / min(photo.size), _LONGEST_SIDE / longest)
        width, height = (max(1, -(-round(side * scale) // 16)) * 16 for side in photo.size)
        boxes = _look(photo, scale, (width, height))
    heights = boxes[:, 3] - boxes[:, 1]
    order = np.argsort(-heights)
    return [
        (float(left), float(top), float(right), float(bottom))
        for left, top, right, bottom in boxes[order[heights[order] >= heights.max(initial=0) / 2]]
    ]


def _look(photo: Image.Image, scale: float, size: tuple[int, int]) -> Array:
    """Return the boxes [N, 4] of faces on the photo, shrunk and set amid a grey view of `size`."""
    width, height = (max(1, round(side * scale)) for side in photo.size)
    small = photo.resize((width, height), Image.Resampling.BOX, reducing_gap=2.0)
    view = Image.new("RGB", size, (_GREY, _GREY, _GREY))
    corner = ((size[0] - width) // 2, (size[1] - height) // 2)
    view.paste(small, corner)
    boxes = _candidates(np.asarray(view, np.float32) / 127.5 - 1)
    stretch = np.array([photo.width / width, photo.height / height], np.float32)
    return (boxes - np.array(corner * 2, np.float32)) * np.tile(stretch, 2)


def _candidates(x: Array) -> Array:
    """Return the boxes [N, 4] (left, top, right, bottom) of faces on a view [H, W, 3]."""
    x = fine = _stem(x)
    for number in range(_BLOCKS):
        x = _block(x, number)
        if number == _FINE_BLOCK:
            fine = x
    found = []
    for name, cells, pixels in (("fine", fine, 8), ("coarse", x, 16)):
        logits = _mix(cells, f"{name}_score")
        # Most cells are sure of nothing, and where a face would lie need not be worked out there.
        row, column, kind = np.nonzero(logits >= np.log(_FACE_SCORE / (1 - _FACE_SCORE)))
        places = _mix(cells[row, column], f"{name}_place").reshape(-1, logits.shape[2], 16)
        place = places[np.arange(len(row)), kind]
        centre = place[:, :2] + (np.stack([column, row], axis=1) + np.float32(0.5)) * pixels
        half = np.abs(place[:, 2:4]) / 2
        score = logits[row, column, kind][:, None]
        found.append(np.concatenate([centre - half, centre + half, score], axis=1))
    return _distinct(np.concatenate(found))


def _distinct(scored: Array) -> Array:
    """Return the boxes of `scored` [N, 5] without those that a surer one overlaps."""
    scored = scored[np.argsort(-scored[:, 4], kind="stable")]
    kept: list[Array] = []
    while len(scored):
        best, scored = scored[0], scored[1:]
        kept.append(best[:4])
        sides = np.minimum(best[2:4], scored[:, 2:4]) - np.maximum(best[:2], scored[:, :2])
        shared = np.prod(np.maximum(sides, 0), axis=1)
        areas = np.prod(scored[:, 2:4] - scored[:, :2], axis=1) + np.prod(best[2:4] - best[:2])
        scored = scored[shared <= _OVERLAP * (areas - shared)]
    return np.array(kept, np.float32).reshape(-1, 4)


def _stem(x: Array) -> Array:
    """Convolve 5 by 5 with stride 2."""
    padded = np.pad(x, ((1, 2), (1, 2), (0, 0)))
    windows = np.lib.stride_tricks.sliding_window_view(padded, (5, 5), axis=(0, 1))[::2, ::2]
    columns = np.ascontiguousarray(windows.transpose(0, 1, 3, 4, 2)).reshape(*windows.shape[:2], 75)
    return _rectified(_mix(columns, "stem"))


def _block(x: Array, number: int) -> Array:
    """Apply a depthwise and a pointwise convolution with a shortcut around both."""
    weights, name = _weights(), f"block{number}"
    stride = 2 if number in _HALVING_BLOCKS else 1
    height, width, channels = x.shape
    padded = np.zeros((height + 2, width + 2, channels), np.float32)
    first = 0 if stride == 2 else 1
    padded[first : first + height, first : first + width] = x
    kernel = weights[f"{name}_depth/kernel"]
    y = np.zeros((height // stride, width // stride, channels), np.float32)
    term = np.empty_like(y)
    for row in range(3):
        for column in range(3):
            window = padded[row : row + height : stride, column : column + width : stride]
            np.multiply(window, kernel[row, column, :, 0], out=term)
            y += term
    y += weights[f"{name}_depth/bias"]
    y = _mix(y, f"{name}_point")
    if stride == 2:
        x = x.reshape(height // 2, 2, width // 2, 2, channels).max(axis=(1, 3))
    y[..., :channels] += x
    return _rectified(y)


def _mix(x: Array, name: str) -> Array:
    """Multiply the last axis of `x` by a layer's matrix.

    Row by row: one product of all would be shared out to threads, and on a busy till each of the
    forty would wait for the other core.
    """
    weights = _weights()
    y = x @ weights[f"{name}/kernel"]
    y += weights[f"{name}/bias"]
    return y


def _rectified(x: Array) -> Array:
    return np.maximum(x, 0, out=x)


@lru_cache(maxsize=1)
def _weights() -> dict[str, Array]:
    """Return kernels and biases by layer; all but the depthwise kernels as matrices."""
    with resources.files("agelane_faces").joinpath("face_finder.npz").open("rb") as file:
        arrays = {name: it.astype(np.float32) for name, it in np.load(file).items()}
    return {
        name: it if name.endswith(("bias", "depth/kernel")) else it.reshape(-1, it.shape[-1])
        for name, it in arrays.items()
    }
