"""Pillow, or a clear word that it is missing: the one place that imports it unasked."""

from __future__ import annotations

from agelane_client.errors import ConfigurationError

try:
    from PIL import Image
    from PIL.JpegImagePlugin import JpegImageFile
    from PIL.PngImagePlugin import PngImageFile
except ImportError as error:
    raise ConfigurationError(
        "this needs Pillow, and for faces NumPy: pip install 'agelane-client[photos,faces]'"
    ) from error

__all__ = ["Image", "JpegImageFile", "PngImageFile"]
