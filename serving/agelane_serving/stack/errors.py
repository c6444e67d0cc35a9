"""What can go wrong with the stack."""

from __future__ import annotations


class StackError(Exception):
    """The stack can't start or go on; the message says what to do about it."""
