"""The programs on the SDK's page run as they stand there."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from pathlib import Path

from agelane_client.testing import FakeGateway
from tests.client.conftest import SAMPLES

PAGE = Path(__file__).resolve().parents[2] / "docs" / "sdk.md"


def test_the_programs_on_the_page_run(gateway: FakeGateway, tmp_path: Path) -> None:
    """One after the other in one process, as somebody would try them; only the address differs."""
    programs = re.findall(r"```python\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)
    assert len(programs) == 3
    shutil.copy(SAMPLES / "collins.jpg", tmp_path / "customer.jpg")
    done = subprocess.run(
        [sys.executable, "-c", "\n".join(programs).replace("127.0.0.1:50051", gateway.target)],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")
    first, second = done.stdout.splitlines()
    assert first.startswith("<Assessment 0123456789abcdef0123456789abcdef: 31.4 years")
    assert second.startswith("SpoolStatus(waiting=0")
    assert [sale.assessment_token for sale in gateway.sales] == [b"\0signed", b""]
