"""ResNet50 as it is served: BatchNorm folded into the convolutions, in the chosen precision.

Folding (Jacob et al., arXiv 1712.05877, section 3.2) changes nothing but rounding. On a CPU it
makes the network a fifth faster, and bfloat16 then another third. A folded network can go on
learning, with the statistics that were worked in.
"""

from __future__ import annotations

from typing import Literal

import keras
import numpy as np
import numpy.typing as npt

from agelane_trainer.network.resnet import HEAD_NAMES, IMAGENET_MEAN_BGR, Arrays
from agelane_trainer.training.recipe import Precision

ServingPrecision = Literal["float32", "bfloat16", "float16"]
PRECISIONS: tuple[ServingPrecision, ...] = ("float32", "bfloat16", "float16")
"""What a network can be served in: bfloat16 is for CPUs that have it, float16 for GPUs."""
FLOAT32_STAGES: dict[str, tuple[str, ...]] = {"bfloat16": ("conv1", "conv2", "conv3")}
"""Stages that stay float32: most of what bfloat16's eight bits would get wrong starts there."""
_BATCH_NORM_EPSILON = 1.001e-5
_BLOCKS = {2: 3, 3: 4, 4: 6, 5: 3}
"""Number of each stage of bottlenecks, and how many it has."""


class _Builder:
    """Adds folded layers, in their precision, and fills them."""

    def __init__(self, arrays: Arrays, precision: ServingPrecision | Precision) -> None:
        self.arrays, self.precision = arrays, precision
        self.folded: dict[str, list[npt.NDArray[np.floating]]] = {}

    def dtype(self, name: str) -> str:
        """Return the type that the layer of this name computes in."""
        stage = name.split("_")[0]
        return "float32" if stage in FLOAT32_STAGES.get(self.precision, ()) else self.precision

    def convolution(
        self, x: keras.KerasTensor, name: str, stride: int = 1, relu: bool = True
    ) -> keras.KerasTensor:
        """Add the convolution ``name`` with its normalisation; only 3 x 3 ones are padded."""
        kernel, bias = _fold(self.arrays, name)
        self.folded[f"{name}_conv"] = [kernel, bias]
        return keras.layers.Conv2D(
            kernel.shape[-1],
            kernel.shape[0],
            strides=stride,
            padding="same" if kernel.shape[0] == 3 else "valid",
            activation="relu" if relu else None,
            dtype=self.dtype(name),
            name=f"{name}_conv",
        )(x)

    def block(self, x: keras.KerasTensor, name: str, stride: int, widen: bool) -> keras.KerasTensor:
        """Add a bottleneck with its shortcut, which is a convolution where channels widen."""
        shortcut = self.convolution(x, f"{name}_0", stride, relu=False) if widen else x
        y = self.convolution(x, f"{name}_1", stride)
        y = self.convolution(y, f"{name}_2")
        y = self.convolution(y, f"{name}_3", relu=False)
        dtype = self.dtype(name)
        return keras.layers.ReLU(dtype=dtype)(keras.layers.Add(dtype=dtype)([y, shortcut]))


def build_folded(
    arrays: Arrays, input_size: int | None, precision: ServingPrecision | Precision
) -> keras.Model:
    """Return the network for serving, or for going on learning, with these weights.

    Input: float32 [N, input_size, input_size, 3], RGB grey levels 0 to 255. Output: float32
    [N, 101], logits of age 0 to 100.

    Args:
        arrays: weights of the ``distribution`` head, keyed ``layer/variable``.
        input_size: side of the input (pixels); None takes any size.
        precision: what the convolutions compute in; the first pixels and the head stay float32.
            The mixed ones of training keep their weights in float32.
    """
    builder = _Builder(arrays, precision)
    photo = keras.Input((input_size, input_size, 3), name="photo", dtype="float32")
    x = keras.layers.ZeroPadding2D(3, dtype="float32")(
        photo[..., ::-1] - np.array(IMAGENET_MEAN_BGR, np.float32)
    )
    x = builder.convolution(x, "conv1", stride=2)
    x = keras.layers.ZeroPadding2D(1, dtype=builder.dtype("conv1"))(x)
    x = keras.layers.MaxPooling2D(3, strides=2, dtype=builder.dtype("conv1"))(x)
    for stage, blocks in _BLOCKS.items():
        for number in range(1, blocks + 1):
            first = number == 1
            stride = 2 if first and stage > 2 else 1
            x = builder.block(x, f"conv{stage}_block{number}", stride, widen=first)
    x = keras.layers.GlobalAveragePooling2D(dtype="float32")(x)
    head = HEAD_NAMES["distribution"]
    kernel, bias = (np.asarray(arrays[f"{head}/{part}"]) for part in ("kernel", "bias"))
    x = keras.layers.Dense(kernel.shape[-1], dtype="float32", name=head)(x)
    model = keras.Model(photo, x, name="age_resnet50_folded")
    for name, weights in {**builder.folded, head: [kernel, bias]}.items():
        model.get_layer(name).set_weights(weights)
    return model


def unfolded(arrays: Arrays) -> Arrays:
    """Return a folded network's weights as those of the plain network that computes the same.

    Its BatchNorm layers, next to the convolutions, leave everything as it is.

    Args:
        arrays: of ``build_folded``, keyed ``layer/variable``.
    """
    plain = dict(arrays)
    for key in arrays:
        layer, variable = key.split("/")
        if variable == "bias" and layer.endswith("_conv"):
            norm, zeros = f"{layer.removesuffix('_conv')}_bn", np.zeros(arrays[key].shape)
            plain[f"{norm}/gamma"] = zeros + np.sqrt(1 + _BATCH_NORM_EPSILON)
            plain[f"{norm}/moving_variance"] = zeros + 1
            plain[f"{norm}/beta"] = plain[f"{norm}/moving_mean"] = zeros
    return plain


def _fold(arrays: Arrays, name: str) -> list[npt.NDArray[np.floating]]:
    """Return kernel and bias of a convolution with its normalisation worked in, float32."""

    def read(key: str) -> npt.NDArray[np.float64]:
        return np.asarray(arrays[f"{name}_{key}"], np.float64)

    scale = read("bn/gamma") / np.sqrt(read("bn/moving_variance") + _BATCH_NORM_EPSILON)
    bias = (read("conv/bias") - read("bn/moving_mean")) * scale + read("bn/beta")
    return [(read("conv/kernel") * scale).astype(np.float32), bias.astype(np.float32)]
