"""ResNet50 with an age head, and its weights as plain arrays.

Architecture: He et al., "Deep Residual Learning for Image Recognition" (arXiv 1512.03385), as in
``keras.applications.ResNet50``: BGR input with the ImageNet mean subtracted.
"""

from __future__ import annotations

import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import keras
import numpy as np
import numpy.typing as npt

from agelane_trainer.data.dataset import MAX_AGE
from agelane_trainer.training.recipe import Head, Precision

IMAGENET_MEAN_BGR = (103.939, 116.779, 123.68)
"""Mean grey level of blue, green and red over ImageNet."""
TYPICAL_AGE = 31.0
"""Where the single-neuron head starts (years), so that it needn't first learn the mean."""
HEAD_NAMES: dict[Head, str] = {"distribution": "age_head", "mse": "age_neuron"}

Arrays = dict[str, npt.NDArray[np.generic]]


class WeightsError(ValueError):
    """A weights file doesn't fit the network; the message says where."""


def build_model(
    input_size: int | None, head: Head = "distribution", precision: Precision = "float32"
) -> keras.Model:
    """Return the network, randomly initialised.

    Input: float32 [N, input_size, input_size, 3], RGB grey levels 0 to 255; None takes any size.
    Output, float32: ``distribution`` [N, 101] logits of age 0 to 100; ``mse`` [N, 1] years.
    """
    with _dtype_policy(precision):
        photo = keras.Input((input_size, input_size, 3), name="photo", dtype="float32")
        backbone = keras.applications.ResNet50(
            include_top=False,
            weights=None,
            input_tensor=photo[..., ::-1] - np.array(IMAGENET_MEAN_BGR, np.float32),
            pooling="avg",
        )
    output = keras.layers.Dense(
        MAX_AGE + 1 if head == "distribution" else 1,
        bias_initializer=keras.initializers.Constant(
            0.0 if head == "distribution" else TYPICAL_AGE
        ),
        dtype="float32",
        name=HEAD_NAMES[head],
    )(backbone.output)
    return keras.Model(photo, output, name="age_resnet50")


def starting_arrays(source: str) -> Arrays | None:
    """Return what a training begins with.

    Args:
        source: ``imagenet`` (Keras' own weights: a download of 94 MB, cached), ``random`` (None is
            returned) or the path of an ``.npz``.
    """
    if source == "random":
        return None
    if source == "imagenet":
        return arrays_of(keras.applications.ResNet50(include_top=False, weights="imagenet"))
    return read_arrays(Path(source))


def load_weights(model: keras.Model, path: Path) -> None:
    """Fill the whole ``model`` from an ``.npz`` of arrays keyed ``layer/variable``.

    Raises:
        WeightsError: unreadable file, missing array or wrong shape.
    """
    try:
        load_arrays(model, read_arrays(path), partial=False)
    except WeightsError as error:
        raise WeightsError(f"{path}: {error}") from error


def read_arrays(path: Path) -> Arrays:
    """Return the arrays of an ``.npz``; nothing in it is ever executed.

    Raises:
        WeightsError: the file can't be read.
    """
    try:
        with np.load(path, allow_pickle=False) as archive:
            return {name: archive[name] for name in archive.files}
    except (OSError, ValueError, zipfile.BadZipFile) as error:
        raise WeightsError(f"{path}: not a readable .npz file: {error}") from error


def load_arrays(model: keras.Model, arrays: Arrays, *, partial: bool) -> list[str]:
    """Fill ``model`` from arrays keyed ``layer/variable``; return the keys that were missing.

    With ``partial``, layers without arrays keep their random start, and arrays of other layers
    (another head) are passed over.

    Raises:
        WeightsError: wrong shape or, without ``partial``, a missing array.
    """
    missing = []
    for key, variable in _variables(model):
        if key not in arrays:
            missing.append(key)
        elif arrays[key].shape != tuple(variable.shape):
            raise WeightsError(f"{key} has shape {arrays[key].shape}, not {tuple(variable.shape)}")
        else:
            variable.assign(arrays[key].astype(np.float32))
    if missing and not partial:
        raise WeightsError(f"lacks {len(missing)} arrays, the first is {missing[0]}")
    return missing


def save_weights(arrays: Arrays, path: Path) -> None:
    """Write arrays compactly: kernels as float16, everything else as float32."""
    compact = {
        key: array.astype(np.float16 if key.endswith("/kernel") else np.float32)
        for key, array in arrays.items()
    }
    aside = path.with_name(f"{path.stem}.partial.npz")
    np.savez_compressed(aside, **compact)  # type: ignore[arg-type]  # numpy types keywords as bool
    aside.replace(path)


def arrays_of(model: keras.Model) -> Arrays:
    """Return the model's variables keyed ``layer/variable``."""
    return {key: np.asarray(variable) for key, variable in _variables(model)}


def _variables(model: keras.Model) -> Iterator[tuple[str, keras.Variable]]:
    for layer in model.layers:
        for variable in layer.variables:
            if variable.name != "seed_generator_state":
                yield f"{layer.name}/{variable.name}", variable


@contextmanager
def _dtype_policy(name: Precision) -> Iterator[None]:
    before = keras.config.dtype_policy()
    keras.config.set_dtype_policy(name)
    try:
        yield
    finally:
        keras.config.set_dtype_policy(before)
