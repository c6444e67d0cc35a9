"""The contract of agelane: generated messages and gRPC stubs."""
