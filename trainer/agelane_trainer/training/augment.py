"""Vary training photos as shop cameras, crops and old prints do.

Everything runs on whole batches inside ``tf.data`` and draws its numbers from a stateless seed, so
that a resumed run sees exactly the photos that the uninterrupted run would have seen.
"""

from __future__ import annotations

import math

import tensorflow as tf

from agelane_trainer.training.recipe import Augmentation

_GREY_WEIGHTS = (0.299, 0.587, 0.114)
_BLUR_RADIUS = 4


class _Draws:
    """Independent random numbers from one seed, in order of asking.

    They are drawn for a whole batch, of which ``count`` photos from ``first`` on are wanted.
    """

    def __init__(self, seed: tf.Tensor, first: int, count: tf.Tensor, whole: tf.Tensor) -> None:
        self._seed, self._whole, self._asked = seed, whole, 0
        self._wanted = slice(first, first + count)

    def _next_seed(self) -> tf.Tensor:
        self._asked += 1
        return tf.random.experimental.stateless_fold_in(self._seed, self._asked)

    def uniform(self, low: float, high: float, width: int = 1) -> tf.Tensor:
        """Return [N, width] numbers between ``low`` and ``high``."""
        shape = [self._whole, width]
        return tf.random.stateless_uniform(shape, self._next_seed(), low, high)[self._wanted]

    def chance(self, share: float) -> tf.Tensor:
        """Return [N, 1, 1, 1] booleans, true for about ``share`` of the photos."""
        return tf.reshape(self.uniform(0.0, 1.0) < share, [-1, 1, 1, 1])

    def normal(self, shape: tf.Tensor) -> tf.Tensor:
        """Return [N, *shape] standard normal numbers."""
        shape = tf.concat([[self._whole], shape], axis=0)
        return tf.random.stateless_normal(shape, self._next_seed())[self._wanted]


def recompress(photo: tf.Tensor, seed: tf.Tensor, settings: Augmentation) -> tf.Tensor:
    """Encode a share of photos again as poor JPEG ([H, W, 3] uint8, before batching)."""
    unlucky = tf.random.stateless_uniform([], seed) < settings.jpeg_share
    return tf.cond(
        unlucky,
        lambda: tf.image.stateless_random_jpeg_quality(photo, 20, 90, seed),
        lambda: photo,
    )


def augment(
    photos: tf.Tensor,
    size: int,
    seed: tf.Tensor,
    settings: Augmentation,
    part: tuple[int, int] | None = None,
) -> tf.Tensor:
    """Vary a batch, or a part of one as it would be varied within the batch.

    Args:
        photos: uint8 or float [N, H, W, 3], grey levels 0 to 255.
        size: side of the output (pixels).
        seed: int64 [2].
        settings: how far.
        part: where in their batch the photos start, and how many the batch has; None means all.

    Returns:
        float32 [N, size, size, 3], grey levels 0 to 255.
    """
    count = tf.shape(photos)[0]
    first, whole = part or (0, count)
    draws = _Draws(seed, first, count, whole)
    varied = _move(tf.cast(photos, tf.float32), size, draws, settings)
    varied = tf.where(draws.chance(settings.blur_share), _blur(varied, draws), varied)
    varied = _recolour(varied, draws, settings)
    noise = draws.normal(tf.shape(varied)[1:]) * _scalar(draws.uniform(0.0, 14.0))
    varied = tf.where(draws.chance(settings.noise_share), varied + noise, varied)
    varied = tf.where(draws.chance(settings.occlusion_share), _cover(varied, draws), varied)
    return tf.clip_by_value(varied, 0.0, 255.0)


def _scalar(numbers: tf.Tensor) -> tf.Tensor:
    return tf.reshape(numbers, [-1, 1, 1, 1])


def _move(photos: tf.Tensor, size: int, draws: _Draws, settings: Augmentation) -> tf.Tensor:
    """Flip, rotate, zoom and shift in one resampling."""
    side = tf.cast(tf.shape(photos)[1], tf.float32)
    angle = draws.uniform(-1.0, 1.0) * math.radians(settings.rotate_degrees)
    zoom = tf.exp(draws.uniform(math.log(settings.zoom_in), math.log(settings.zoom_out)))
    stretch = tf.exp(draws.uniform(-settings.stretch, settings.stretch))
    mirror = tf.where(draws.uniform(0.0, 1.0) < 0.5 * float(settings.flip), -1.0, 1.0)
    across, down = zoom * stretch * side / size, zoom / stretch * side / size
    a, b = mirror * across * tf.cos(angle), -down * tf.sin(angle)
    c, d = mirror * across * tf.sin(angle), down * tf.cos(angle)
    shift = draws.uniform(-settings.shift, settings.shift, 2) * side
    half_out, half_in = (size - 1) / 2, (side - 1) / 2
    x = half_in - (a + b) * half_out + shift[:, :1]
    y = half_in - (c + d) * half_out + shift[:, 1:]
    zero = tf.zeros_like(x)
    return tf.raw_ops.ImageProjectiveTransformV3(
        images=photos,
        transforms=tf.concat([a, b, x, c, d, y, zero, zero], axis=1),
        output_shape=[size, size],
        fill_value=0.0,
        interpolation="BILINEAR",
        fill_mode="REFLECT",
    )


def _blur(photos: tf.Tensor, draws: _Draws) -> tf.Tensor:
    """Blur each photo with its own Gaussian: one depthwise convolution for the batch."""
    sigma = draws.uniform(0.4, 2.0)
    offsets = tf.range(-_BLUR_RADIUS, _BLUR_RADIUS + 1, dtype=tf.float32)[None]
    kernel = tf.nn.softmax(-tf.square(offsets / sigma) / 2.0)
    shape = tf.shape(photos)
    channels = shape[0] * 3
    planes = tf.reshape(tf.transpose(photos, [1, 2, 0, 3]), [1, shape[1], shape[2], channels])
    planes = tf.pad(planes, [[0, 0], [_BLUR_RADIUS] * 2, [_BLUR_RADIUS] * 2, [0, 0]], "REFLECT")
    taps = tf.transpose(tf.repeat(kernel, 3, axis=0))
    planes = tf.nn.depthwise_conv2d(planes, taps[:, None, :, None], [1, 1, 1, 1], "VALID")
    planes = tf.nn.depthwise_conv2d(planes, taps[None, :, :, None], [1, 1, 1, 1], "VALID")
    restored = tf.reshape(planes, [shape[1], shape[2], shape[0], 3])
    return tf.transpose(restored, [2, 0, 1, 3])


def _recolour(photos: tf.Tensor, draws: _Draws, settings: Augmentation) -> tf.Tensor:
    strength = settings.colour
    unit = tf.clip_by_value(photos / 255.0, 0.0, 1.0)
    gamma = tf.exp(_scalar(draws.uniform(-0.5, 0.5)) * strength)
    contrast = tf.exp(_scalar(draws.uniform(-0.7, 0.45)) * strength)
    brightness = _scalar(draws.uniform(-0.15, 0.15)) * strength
    unit = (tf.pow(unit + 1e-6, gamma) - 0.5) * contrast + 0.5 + brightness
    grey = tf.reduce_sum(unit * _GREY_WEIGHTS, axis=-1, keepdims=True)
    saturation = 1.0 + _scalar(draws.uniform(-0.7, 0.6)) * strength
    saturation = tf.where(draws.chance(settings.grey_share), 0.0, saturation)
    unit = grey + (unit - grey) * saturation
    unit = tf.where(draws.chance(settings.print_share), _print(grey, draws), unit)
    # A tint after the grey step also makes the yellowed prints of old albums.
    tint = 1.0 + tf.reshape(draws.uniform(-0.18, 0.18, 3), [-1, 1, 1, 3]) * strength
    return tf.where(draws.chance(0.5), unit * tint, unit) * 255.0


def _print(grey: tf.Tensor, draws: _Draws) -> tf.Tensor:
    """Print grey photos in one ink on paper: faded, yellowed or blue, as in old albums."""
    paper = 1.0 - tf.reshape(draws.uniform(0.0, 0.35, 3), [-1, 1, 1, 3])
    ink = tf.reshape(draws.uniform(0.0, 0.2, 3) + draws.uniform(0.0, 0.3), [-1, 1, 1, 3])
    return ink + (paper - ink) * tf.clip_by_value(grey, 0.0, 1.0)


def _cover(photos: tf.Tensor, draws: _Draws) -> tf.Tensor:
    """Cover a rectangle of 10 to 40 % of each side with a plain colour."""
    positions = tf.linspace(0.0, 1.0, tf.shape(photos)[1])[None]
    centre_x, centre_y = draws.uniform(0.0, 1.0), draws.uniform(0.0, 1.0)
    columns = tf.abs(positions - centre_x) < draws.uniform(0.05, 0.2)
    rows = tf.abs(positions - centre_y) < draws.uniform(0.05, 0.2)
    colour = tf.reshape(draws.uniform(0.0, 255.0, 3), [-1, 1, 1, 3])
    return tf.where(rows[:, :, None, None] & columns[:, None, :, None], colour, photos)
