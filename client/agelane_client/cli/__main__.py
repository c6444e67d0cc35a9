"""`python -m agelane_client.cli`: the command `agelane`."""

from __future__ import annotations

import sys

from agelane_client.cli.main import main

sys.exit(main())
