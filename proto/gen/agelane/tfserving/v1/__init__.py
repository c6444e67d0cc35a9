"""agelane.tfserving.v1: byte for byte the messages of tensorflow.serving."""
