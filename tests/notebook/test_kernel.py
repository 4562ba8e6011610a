"""The notebook of the documentation, run by a real Jupyter kernel."""

from __future__ import annotations

from pathlib import Path

import pytest

pytestmark = [pytest.mark.torch, pytest.mark.filterwarnings("ignore")]  # Jupyter's own warnings
EXAMPLES = Path(__file__).parents[2] / "docs" / "examples"


@pytest.fixture(scope="module")
def notebook(tmp_path_factory):
    nbformat = pytest.importorskip("nbformat")
    nbclient = pytest.importorskip("nbclient")
    pytest.importorskip("ipykernel")
    found = nbformat.read(EXAMPLES / "notebook.ipynb", as_version=4)
    found.cells.append(nbformat.v4.new_code_cell("%%tracedbg\nimport asyncio\nawait asyncio.sleep(0)\n6 * 7"))
    found.cells.append(
        nbformat.v4.new_code_cell("%%tracedbg\n1 / 0", metadata={"tags": ["raises-exception"]})
    )
    folder = tmp_path_factory.mktemp("notebook")
    client = nbclient.NotebookClient(
        found, timeout=300, kernel_name="python3", resources={"metadata": {"path": str(folder)}}
    )
    client.execute()
    return found


def outputs(notebook, text):
    """What the one cell with that text has shown."""
    (cell,) = [one for one in notebook.cells if text in one.source]
    return cell.outputs


def test_a_cell_shows_its_result_and_a_table(notebook):
    result, shown = outputs(notebook, "--as run")
    assert result.output_type == "execute_result"
    assert result.data["text/plain"] == "7.5"
    assert "<td" in shown.data["text/html"]
    assert "Cell In[3], line 3 in <code>score</code>" in shown.data["text/html"]
    assert "<code>result = score(torch.arange(length))</code>" in shown.data["text/html"]
    assert "Cell In[3], line 3 in score" in shown.data["text/plain"]


def test_the_run_can_be_asked(notebook):
    (result,) = outputs(notebook, "run.retraces[0]")
    assert result.data["text/plain"] == "'`tokens` changed shape from int64[8] to int64[16]'"


def test_a_statement_that_traces_nothing_says_so(notebook):
    shown, result = outputs(notebook, "%tracedbg --limit 3")
    assert (
        shown.data["text/plain"].startswith("tracedbg: nothing was traced")
        or "no traces" in shown.data["text/plain"]
    )
    assert result.data["text/plain"] == "7.5"


def test_an_await_at_the_top_is_one(notebook):
    result, _ = outputs(notebook, "await asyncio")
    assert result.data["text/plain"] == "42"


def test_an_error_is_the_kernels_own(notebook):
    error, shown = outputs(notebook, "1 / 0")
    assert (error.output_type, error.ename) == ("error", "ZeroDivisionError")
    assert "nothing was traced" in shown.data["text/plain"]


def test_the_page_shows_the_cells_as_they_are(notebook):
    page = (EXAMPLES.parent / "how-to" / "notebook.md").read_text()
    own = [cell for cell in notebook.cells[:6] if cell.cell_type == "code"]
    assert [cell.source for cell in own if cell.source not in page] == []
