"""One photo, one decision: python client/examples/one_photo.py PHOTO [HOST:PORT]."""

from __future__ import annotations

import sys

from agelane_client import AgelaneError, Client


def main(photo: str, target: str = "127.0.0.1:50051") -> None:
    """Print what the cashier may do."""
    with Client(target) as client:
        try:
            assessment = client.assess(photo)
        except AgelaneError as error:
            print(f"no decision ({error}): look at a document")
        else:
            print(assessment.alcohol_decision, *assessment.reasons)


if __name__ == "__main__":
    main(*sys.argv[1:])
