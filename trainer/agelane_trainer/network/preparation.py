"""From encoded photos to what the network sees: decode, find the face, crop it.

The same function runs in evaluation and inside the exported graph, so that the two can't drift
apart. Everything but the finder's convolutions is pinned to the CPU: string tensors can't live on
a GPU, and photos differ in size.

The crop is a square of 1.09 times the face's box, a little above its middle, moved and shrunk so
that it lies within the photo: what the training photos show. Where there is no face it is the best
guess, or the photo's middle; whoever reads the age has to look at ``count``.
"""

from __future__ import annotations

from typing import NamedTuple

import keras
import tensorflow as tf

from agelane_trainer.network.face_finder import SIDE, Faces, choose_face, find_candidates

CROP_TO_BOX = 1.09
"""Side of the crop, as a multiple of the face's box: measured on the training photos."""
CROP_RISE = 0.025
"""How far the crop's middle lies above that of the box, as a multiple of the box."""
_VIEW_SIDE = 80
"""Side of the finder's view of the whole photo (pixels): finds as many faces as 128, for half."""
_GUESS_SCORE = 0.4
"""What scores at least this is a better guess at where the face lies than the photo's middle."""
_BORDER = 0.25
"""Grey around the photo when faces are looked for, as a share of its longer side."""
_GREY = 127.0
_LUMINANCE = (0.299, 0.587, 0.114)
_LAPLACIAN = ((0.0, 1.0, 0.0), (1.0, -4.0, 1.0), (0.0, 1.0, 0.0))


class Prepared(NamedTuple):
    """N photos, ready for the network."""

    crops: tf.Tensor
    """float32 [N, S, S, 3], RGB grey levels 0 to 255."""
    ok: tf.Tensor
    """bool [N]: whether the photo could be decoded; where not, all that follows is 0."""
    shapes: tf.Tensor
    """int32 [N, 2]: height and width of the photo (pixels)."""
    faces: Faces
    """The faces, boxes in shares of the photo's height and width, 0 to 1."""
    brightness: tf.Tensor
    """float32 [N]: mean luminance of the crop, 0 black to 1 white."""
    sharpness: tf.Tensor
    """float32 [N]: variance of the crop's Laplacian (Pech-Pacheco et al., ICPR 2000), 0 blurred."""


def decode(data: tf.Tensor) -> tf.Tensor:
    """Decode one JPEG or PNG (string []) to uint8 [H, W, 3]."""
    photo = tf.io.decode_image(data, channels=3, expand_animations=False)
    photo.set_shape([None, None, 3])
    return photo


def resize(photo: tf.Tensor, size: int) -> tf.Tensor:
    """Resize [H, W, 3] to float32 [size, size, 3] as the network is used to."""
    return tf.image.resize(photo, [size, size], antialias=True)


def prepare(image_bytes: tf.Tensor, size: int, finder: keras.Model) -> Prepared:
    """Prepare encoded photos (string [N]) for a network with inputs of ``size`` pixels.

    A photo that can't be decoded spoils only its own row: each is decoded in a ``tf.data`` pipeline
    of one element that skips errors and is followed by a default.
    """
    with tf.device("/CPU:0"):
        photos, shapes, views, ok = _decode_all(image_bytes)
    faces = _faces_on(finder, views, _whole_window(shapes))
    faces = tf.cond(
        tf.reduce_all(faces.count > 0),
        lambda: faces,
        lambda: _look_closer(finder, photos, shapes, faces),
    )
    with tf.device("/CPU:0"):
        windows = _crop_windows(faces, shapes)
        crops = tf.map_fn(
            lambda photo: resize(_cut(_pixels(photo[0]), photo[1]), size),
            (photos, windows),
            fn_output_signature=tf.TensorSpec([size, size, 3], tf.float32),
        )
        brightness, sharpness = _measure(crops)
    sides = tf.tile(tf.cast(shapes, tf.float32), [1, 2])
    seen = tf.cast(ok, tf.float32)
    return Prepared(
        crops,
        ok,
        shapes * tf.cast(ok, tf.int32)[:, None],
        Faces(
            tf.clip_by_value(faces.box / sides, 0.0, 1.0) * seen[:, None],
            faces.score * seen,
            faces.count * tf.cast(ok, tf.int32),
        ),
        brightness * seen,
        sharpness * seen,
    )


def _decode_all(image_bytes: tf.Tensor) -> tuple[tf.Tensor, ...]:
    """Return photos as serialized tensors [N], shapes [N, 2], finder's views and ok [N]."""

    def decoded(data: tf.Tensor) -> tuple[tf.Tensor, ...]:
        photo = decode(data)
        return tf.io.serialize_tensor(photo), tf.shape(photo)[:2], _view(photo), True

    black = tf.io.serialize_tensor(tf.zeros([1, 1, 3], tf.uint8))
    nothing = (black, tf.ones([2], tf.int32), tf.zeros([_VIEW_SIDE, _VIEW_SIDE, 3]), False)

    def one(data: tf.Tensor) -> tuple[tf.Tensor, ...]:
        good = tf.data.Dataset.from_tensors(data).map(decoded).ignore_errors()
        default = tf.data.Dataset.from_tensors(nothing)
        first: tuple[tf.Tensor, ...] = good.concatenate(default).take(1).get_single_element()
        return first

    signature = (
        tf.TensorSpec([], tf.string),
        tf.TensorSpec([2], tf.int32),
        tf.TensorSpec([_VIEW_SIDE, _VIEW_SIDE, 3], tf.float32),
        tf.TensorSpec([], tf.bool),
    )
    results: tuple[tf.Tensor, ...] = tf.map_fn(one, image_bytes, fn_output_signature=signature)
    return results


def _pixels(serialized: tf.Tensor) -> tf.Tensor:
    return tf.ensure_shape(tf.io.parse_tensor(serialized, tf.uint8), [None, None, 3])


def _view(photo: tf.Tensor) -> tf.Tensor:
    """Return the whole photo within a grey border, [80, 80, 3]."""
    shape = tf.cast(tf.shape(photo)[:2], tf.float32)
    scale = _VIEW_SIDE / (1 + 2 * _BORDER) / tf.reduce_max(shape)
    inner = tf.maximum(tf.cast(tf.round(shape * scale), tf.int32), 1)
    small = tf.image.resize(photo, inner, method="area") - _GREY
    top, left = (_VIEW_SIDE - inner[0]) // 2, (_VIEW_SIDE - inner[1]) // 2
    view = tf.image.pad_to_bounding_box(small, top, left, _VIEW_SIDE, _VIEW_SIDE) + _GREY
    return tf.ensure_shape(view, [_VIEW_SIDE, _VIEW_SIDE, 3])


def _whole_window(shapes: tf.Tensor) -> tf.Tensor:
    """Return where the views of ``_view`` lie: top, left and side in pixels, float32 [N, 3]."""
    shapes = tf.cast(shapes, tf.float32)
    side = tf.reduce_max(shapes, axis=1, keepdims=True) * (1 + 2 * _BORDER)
    return tf.concat([(shapes - side) / 2, side], axis=1)


def _faces_on(finder: keras.Model, views: tf.Tensor, windows: tf.Tensor) -> Faces:
    """Find faces on views [N, S, S, 3] that show windows [N, 3]; boxes in pixels."""
    boxes, scores = find_candidates(finder, views)
    return choose_face(_in_photo(boxes, windows), scores)


def _in_photo(boxes: tf.Tensor, windows: tf.Tensor) -> tf.Tensor:
    """Turn boxes [N, K, 4] in shares of windows [N, 3] into pixels of the photo."""
    corner = tf.tile(windows[:, None, :2], [1, 1, 2])
    return boxes * windows[:, None, 2:] + corner


def _look_closer(finder: keras.Model, photos: tf.Tensor, shapes: tf.Tensor, faces: Faces) -> Faces:
    """Where no face was found, look again at three squares of the photo, without a border.

    They lie at its beginning, middle and end. The small faces of whole camera frames are found so,
    and other photos don't pay for it.
    """
    missed = tf.where(faces.count == 0)[:, 0]
    shapes = tf.cast(tf.gather(shapes, missed), tf.float32)
    side = tf.reduce_min(shapes, axis=1, keepdims=True)
    windows = tf.stack(
        [tf.concat([(shapes - side) * share, side], axis=1) for share in (0.0, 0.5, 1.0)], axis=1
    )
    with tf.device("/CPU:0"):
        views = tf.map_fn(
            lambda photo: _squares(_pixels(photo[0]), photo[1]),
            (tf.gather(photos, missed), tf.cast(windows, tf.int32)),
            fn_output_signature=tf.TensorSpec([3, SIDE, SIDE, 3], tf.float32),
        )
    boxes, scores = find_candidates(finder, tf.reshape(views, [-1, SIDE, SIDE, 3]))
    boxes = _in_photo(boxes, tf.reshape(windows, [-1, 3]))
    candidates = 3 * boxes.shape[1]
    closer = choose_face(
        tf.reshape(boxes, [-1, candidates, 4]), tf.reshape(scores, [-1, candidates])
    )
    closer = _surer(closer, Faces(*(tf.gather(column, missed) for column in faces)))
    return Faces(
        *(
            tf.tensor_scatter_nd_update(before, missed[:, None], after)
            for before, after in zip(faces, closer, strict=True)
        )
    )


def _surer(one: Faces, other: Faces) -> Faces:
    """Return, photo by photo, the faces with the higher score."""
    better = one.score >= other.score
    return Faces(
        tf.where(better[:, None], one.box, other.box),
        tf.where(better, one.score, other.score),
        tf.where(better, one.count, other.count),
    )


def _squares(photo: tf.Tensor, windows: tf.Tensor) -> tf.Tensor:
    """Cut windows, int32 [3, 3], out of a photo and shrink them to the finder's size."""
    squares = [
        tf.image.resize(_cut(photo, windows[number]), [SIDE, SIDE], method="area")
        for number in range(3)
    ]
    return tf.stack(squares)


def _cut(photo: tf.Tensor, window: tf.Tensor) -> tf.Tensor:
    """Return the square [side, side, 3] at top, left, side (int32 [3])."""
    top, left, side = window[0], window[1], window[2]
    return photo[top : top + side, left : left + side]


def _crop_windows(faces: Faces, shapes: tf.Tensor) -> tf.Tensor:
    """Return the square to show to the network for each photo: top, left, side, int32 [N, 3]."""
    shapes = tf.cast(shapes, tf.float32)
    shorter = tf.reduce_min(shapes, axis=1, keepdims=True)
    corner, opposite = faces.box[:, :2], faces.box[:, 2:]
    box = tf.reduce_max(opposite - corner, axis=1, keepdims=True)
    middle = (corner + opposite) / 2 - box * tf.constant([CROP_RISE, 0.0])
    found = faces.score[:, None] >= _GUESS_SCORE
    side = tf.where(found, tf.clip_by_value(tf.round(box * CROP_TO_BOX), 1.0, shorter), shorter)
    middle = tf.where(found, middle, shapes / 2)
    top_left = tf.clip_by_value(tf.round(middle - side / 2), 0.0, shapes - side)
    return tf.cast(tf.concat([top_left, side], axis=1), tf.int32)


def _measure(crops: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
    """Return brightness and sharpness [N] of crops."""
    grey = tf.reduce_sum(crops / 255.0 * _LUMINANCE, axis=-1, keepdims=True)
    kernel = tf.constant(_LAPLACIAN)[:, :, None, None]
    edges = tf.nn.conv2d(grey, kernel, 1, "VALID")
    return tf.reduce_mean(grey, axis=[1, 2, 3]), tf.math.reduce_variance(edges, axis=[1, 2, 3])
