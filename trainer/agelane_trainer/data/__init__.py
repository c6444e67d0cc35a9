"""Labelled photos: reading them, and splitting them so that nothing measured on was learnt from."""
