"""Each Python snippet of the README, run at the real server."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from conftest import Markets

README = Path(__file__).resolve().parents[1] / "README.md"
SNIPPETS = re.findall(r"^```python\n(.*?)^```$", README.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL)


def test_the_readme_has_snippets() -> None:
    assert len(SNIPPETS) == 5


@pytest.mark.parametrize("number", range(len(SNIPPETS)))
def test_snippet(markets: Markets, number: int, tmp_path: Path) -> None:
    snippet = SNIPPETS[number]
    if "columns" in snippet:
        for needed in ("polars", "pandas", "pyarrow"):
            pytest.importorskip(needed, reason=f"NOT CHECKED: pip install {needed}")
    if "verify" in snippet:
        pytest.importorskip("cryptography", reason="NOT CHECKED: pip install cryptography")
    server = markets.open("AAPL,english\nMSFT,english\n", stocks="AAPL MSFT")
    assert "127.0.0.1:2022" in snippet
    script = tmp_path / "snippet.py"
    script.write_text(snippet.replace("127.0.0.1:2022", server.address), encoding="utf-8")
    environment = {name: value for name, value in os.environ.items() if not name.startswith("AUCTION_")}
    done = subprocess.run(
        [sys.executable, script], capture_output=True, text=True, timeout=120, cwd=tmp_path, env=environment
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.strip(), "a snippet shows something"
