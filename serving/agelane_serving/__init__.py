"""Serving side of agelane: the gateway, its policy, and the embedded model server."""
