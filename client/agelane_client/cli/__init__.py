"""The command `agelane`, a module for each of its commands; `main` begins."""
