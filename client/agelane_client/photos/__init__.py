"""Prepare photos before they leave the lane: upright, small, without metadata, the face alone.

    from agelane_client.photos import prepare

    photo = prepare("customer.jpg")

It needs the extra `photos`; to find the face, `faces` as well. Nothing of this is imported before a
photo is prepared, since a till need not have either.
"""

from __future__ import annotations

from agelane_client.photos.preparation import LONG_SIDE, MARGIN, MAX_BYTES, FindFaces, prepare

__all__ = ["LONG_SIDE", "MARGIN", "MAX_BYTES", "FindFaces", "prepare"]
