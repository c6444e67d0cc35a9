"""`python -m agelane_serving.gateway.security.new_token ID`: make an API token."""

from __future__ import annotations

import argparse
import base64
import hashlib
import secrets
import sys

from agelane_serving.gateway.security.caller import NAME


def new_token(token_id: str) -> tuple[str, str]:
    """Return a fresh token as a caller sends it, and the SHA-256 of its secret in hexadecimal.

    Raises:
        ValueError: the id is not 1 to 64 of A-Z a-z 0-9 . _ -
    """
    if not NAME.fullmatch(token_id):
        raise ValueError("an id is 1 to 64 of A-Z a-z 0-9 . _ -")
    secret = base64.urlsafe_b64encode(secrets.token_bytes(32)).rstrip(b"=")
    return f"{token_id}.{secret.decode()}", hashlib.sha256(secret).hexdigest()


if __name__ == "__main__":
    parser = argparse.ArgumentParser(
        prog="python -m agelane_serving.gateway.security.new_token",
        description="Make a token. It goes to stdout, and this is the only time that it is seen: "
        "give it to the caller. The lines for the gateway's token file go to stderr.",
    )
    parser.add_argument("id", help="public name of the token, 1 to 64 of A-Z a-z 0-9 . _ -")
    try:
        token, digest = new_token(token_id := parser.parse_args().id)
    except ValueError as error:
        parser.error(str(error))
    print(token)
    lines = f'[tokens."{token_id}"]\nsha256 = "{digest}"\nrole = "lane"\nstore_id = ""  # fill in'
    print(lines, file=sys.stderr)
