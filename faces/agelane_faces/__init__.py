"""Find the faces on a photo as agelane's model does, without a framework.

A distribution of its own: its weights are twice as large as all else that a till needs.
"""

from __future__ import annotations

from agelane_faces.finder import Box, find_faces

__all__ = ["Box", "find_faces"]
