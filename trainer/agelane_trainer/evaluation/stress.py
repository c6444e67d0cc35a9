"""Make photos harder, as other cameras, decades and tills do, always in the same way.

The people and their ages stay, so that the growth of the error is the model's weakness and nothing
else. Each kind takes one photo and a random generator that depends on the photo's place alone.
"""

from __future__ import annotations

import io
from collections.abc import Callable

import numpy as np
from PIL import Image, ImageEnhance, ImageFilter, ImageOps

Kind = Callable[[Image.Image, np.random.Generator], Image.Image]

_FRAME = (1280, 720)
_FACE_IN_FRAME = (0.28, 0.5)
"""Side of the face photo in a whole camera frame, as a share of the frame's height."""
_SEPIA = ((112, 66, 20), (255, 240, 205))


def stressed(photo: bytes, kind: str, number: int) -> bytes:
    """Return a photo made harder, as a JPEG.

    Args:
        photo: an encoded photo.
        kind: one of ``KINDS``.
        number: its place among all photos; decides what is left to chance.
    """
    with Image.open(io.BytesIO(photo)) as image:
        harder = KINDS[kind](image.convert("RGB"), np.random.default_rng((number, len(kind))))
    buffer = io.BytesIO()
    harder.convert("RGB").save(buffer, "JPEG", quality=12 if kind == "poor JPEG" else 90)
    return buffer.getvalue()


def _tight(photo: Image.Image, random: np.random.Generator) -> Image.Image:
    """Cut off forehead, chin and ears."""
    width, height = photo.size
    inset = 0.12
    return photo.crop(
        (int(width * inset), int(height * inset), int(width * (1 - inset)), int(height * 0.9))
    )


def _wide(photo: Image.Image, random: np.random.Generator) -> Image.Image:
    """Show the face from twice as far."""
    side = round(photo.width * random.uniform(1.6, 2.4))
    surroundings = photo.filter(ImageFilter.GaussianBlur(40)).resize((side, side))
    left, top = (int(random.integers(0, side - photo.width + 1)) for _ in range(2))
    surroundings.paste(photo, (left, top))
    return surroundings


def _frame(photo: Image.Image, random: np.random.Generator) -> Image.Image:
    """Put the face into a whole camera frame."""
    width, height = _FRAME
    frame = photo.filter(ImageFilter.GaussianBlur(40)).resize(_FRAME)
    side = int(height * random.uniform(*_FACE_IN_FRAME))
    left = int(random.integers(0, width - side + 1))
    top = int(random.integers(0, height - side + 1))
    frame.paste(photo.resize((side, side), Image.Resampling.LANCZOS), (left, top))
    return frame


def _small(photo: Image.Image, random: np.random.Generator) -> Image.Image:
    return photo.resize((56, 56), Image.Resampling.LANCZOS)


def _tilted(photo: Image.Image, random: np.random.Generator) -> Image.Image:
    angle = random.uniform(12, 22) * random.choice([-1, 1])
    return photo.rotate(angle, Image.Resampling.BICUBIC, fillcolor=(127, 127, 127))


def _grey(photo: Image.Image, random: np.random.Generator) -> Image.Image:
    return ImageOps.grayscale(photo)


def _tinted(photo: Image.Image, random: np.random.Generator) -> Image.Image:
    """Light it by lamps: strongly warm or cold."""
    gains = random.permutation([0.72, 1.0, 1.22])
    tinted = np.asarray(photo, np.float32) * gains
    return Image.fromarray(tinted.clip(0, 255).astype(np.uint8))


def _blurred(photo: Image.Image, random: np.random.Generator) -> Image.Image:
    return photo.filter(ImageFilter.GaussianBlur(2.5))


def _noisy(photo: Image.Image, random: np.random.Generator) -> Image.Image:
    noise = random.normal(0, 22, (photo.height, photo.width, 3))
    return Image.fromarray((np.asarray(photo) + noise).clip(0, 255).astype(np.uint8))


def _dark(photo: Image.Image, random: np.random.Generator) -> Image.Image:
    return ImageEnhance.Brightness(photo).enhance(0.4)


def _bright(photo: Image.Image, random: np.random.Generator) -> Image.Image:
    return ImageEnhance.Brightness(photo).enhance(1.7)


def _as_it_is(photo: Image.Image, random: np.random.Generator) -> Image.Image:
    return photo


def _covered(photo: Image.Image, random: np.random.Generator) -> Image.Image:
    """Hide mouth and chin, as a mask or a scarf does."""
    covered = photo.copy()
    colour = tuple(int(level) for level in random.integers(0, 255, 3))
    covered.paste(colour, (0, int(photo.height * 0.66), photo.width, photo.height))
    return covered


def _old_print(photo: Image.Image, random: np.random.Generator) -> Image.Image:
    """Fade, yellow, soften and grain it like a print from an album, and scan it with a margin."""
    grey = ImageOps.grayscale(photo).filter(ImageFilter.GaussianBlur(1.2))
    faded = ImageEnhance.Contrast(grey).enhance(random.uniform(0.5, 0.8))
    dark, light = _SEPIA
    printed = ImageOps.colorize(faded, dark, light)
    grain = random.normal(0, 12, (photo.height, photo.width, 1))
    printed = Image.fromarray((np.asarray(printed) + grain).clip(0, 255).astype(np.uint8))
    return ImageOps.expand(printed, photo.width // 4, (235, 225, 200))


KINDS: dict[str, Kind] = {
    "tight crop": _tight,
    "wide view": _wide,
    "camera frame": _frame,
    "small": _small,
    "tilted": _tilted,
    "grey": _grey,
    "tinted": _tinted,
    "blurred": _blurred,
    "noisy": _noisy,
    "poor JPEG": _as_it_is,
    "dark": _dark,
    "bright": _bright,
    "chin covered": _covered,
    "old print": _old_print,
}
"""The ways to make a photo harder, by name."""
