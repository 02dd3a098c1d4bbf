"""The notebooks, executed from the first cell to the last at a demo market."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from conftest import Server

nbclient = pytest.importorskip("nbclient", reason="NOT CHECKED: pip install nbclient ipykernel matplotlib polars")
for needed in ("ipykernel", "matplotlib", "polars"):
    pytest.importorskip(needed, reason="NOT CHECKED: pip install nbclient ipykernel matplotlib polars")

nbformat = pytest.importorskip("nbformat")

NOTEBOOKS = sorted((Path(__file__).resolve().parents[1] / "notebooks").glob("*.ipynb"))


def test_there_are_notebooks() -> None:
    assert [path.stem for path in NOTEBOOKS] == ["backtest", "day"]


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_notebook(path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    rows = "".join(f"{n:05},S{n},{n * 7}.00,{n}\n" for n in range(1, 21))
    (tmp_path / "stocks.csv").write_text("Security,Symbol,Price,Profit\n" + rows)
    server = Server(
        tmp_path, {"listen": "127.0.0.1:0", "ops-listen": "off", "demo": "8", "open-for": "4s", "seed": "7"}
    )
    try:
        monkeypatch.setenv("OPENAUCTION_ADDRESS", server.address)
        monkeypatch.setenv("OPENAUCTION_CLOSES", "8")
        # Nothing is read or written in the user's own folders.
        for name in ("IPYTHONDIR", "MPLCONFIGDIR", "JUPYTER_CONFIG_DIR", "JUPYTER_RUNTIME_DIR"):
            monkeypatch.setenv(name, str(tmp_path / name.lower()))
        monkeypatch.delenv("MPLBACKEND", raising=False)
        notebook = nbformat.read(path, as_version=4)
        assert not any(cell.get("outputs") for cell in notebook.cells), "a notebook is kept without outputs"
        executed = nbclient.NotebookClient(notebook, timeout=300, kernel_name="python3").execute(
            cwd=os.fspath(tmp_path)
        )
        nbformat.validate(executed)
    finally:
        server.kill()
    pictures = [
        output for cell in executed.cells for output in cell.get("outputs", []) if "image/png" in output.get("data", {})
    ]
    assert len(pictures) == 1
