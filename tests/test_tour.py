"""The notebook of docs runs from top to bottom."""

from pathlib import Path

import nbformat
import pytest
from nbclient import NotebookClient

ROOT = Path(__file__).parents[1]


@pytest.mark.exhaustive
def test_the_tour() -> None:
    notebook = nbformat.read(ROOT / "docs" / "tour.ipynb", as_version=4)
    assert len(notebook.cells) == 14
    client = NotebookClient(notebook, timeout=600, resources={"metadata": {"path": str(ROOT)}})
    client.execute()
    outputs = [output for cell in notebook.cells for output in cell.get("outputs", [])]
    data = [output["data"] for output in outputs if "data" in output]
    assert sum("image/svg+xml" in bundle for bundle in data) == 6
    texts = "".join(output.get("text", "") for output in outputs)
    assert "baaaabaaaabaaaab 16 = 16 = 16" in texts
    assert "encode-decode" in texts
