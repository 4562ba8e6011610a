"""`%%tracedbg` in a real IPython shell: a cell is what it is without us, and its lines are told."""

from __future__ import annotations

import contextlib
import io
import os
import re
import sys

import pytest

from traced import traced
from tracedbg import events as ev
from tracedbg import session, source
from tracedbg.report.cell import bundle
from tracedbg.store.cells import name_cells
from tracedbg.store.reader import Run

pytest.importorskip("IPython")


@pytest.fixture
def shell(tmp_path, monkeypatch):
    """A shell with the extension loaded, in a folder of its own."""
    monkeypatch.setenv("IPYTHONDIR", str(tmp_path / "ipython"))
    monkeypatch.delenv("VIRTUAL_ENV", raising=False)  # IPython warns if it is another than the one it runs in
    monkeypatch.chdir(tmp_path)
    from IPython.core.interactiveshell import InteractiveShell
    from traitlets.config import Config

    config = Config()
    config.HistoryManager.enabled = False
    InteractiveShell.clear_instance()
    shell = InteractiveShell.instance(config=config, colors="nocolor")
    shell.run_line_magic("load_ext", "tracedbg")
    shell.push({"traced": traced_here})
    yield shell
    shell.run_line_magic("unload_ext", "tracedbg")
    InteractiveShell.clear_instance()


def traced_here(size):
    """A trace that is told of the line that calls this."""
    frame = sys._getframe(1)
    place = ev.Frame(frame.f_code.co_filename, frame.f_lineno, frame.f_code.co_name)
    return traced(size, call_stack=(place,), name=frame.f_code.co_name)


def run(shell, cell):
    """A cell's result, and what it has shown on both streams."""
    streams = io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(streams[0]), contextlib.redirect_stderr(streams[1]):
        result = shell.run_cell(cell, store_history=True)
    return result, streams[0].getvalue(), streams[1].getvalue()


def recordings():
    folders = sorted(name for name in os.listdir(".tracedbg") if not name.startswith("."))
    return [os.path.join(".tracedbg", name) for name in folders]


TWICE = "for size in (2, 3):\n    traced(size)\n'done'"


def test_a_cell_has_its_result_and_then_the_report(shell):
    result, out, err = run(shell, f"%%tracedbg\n{TWICE}")
    assert result.success
    assert result.result == "done"
    assert out.startswith("Out[1]: 'done'\ntracedbg: 1 function, 2 traces, 1 retrace; ")
    assert "  Cell In[1], line 3 in <module>" in out
    assert "      traced(size)\n    `x` changed shape from float32[2] to float32[3]\n" in out
    assert err == ""
    assert session.running() == ()


def test_a_cell_that_is_run_twice_is_recorded_twice(shell):
    for number in (1, 2):
        _, out, _ = run(shell, f"%%tracedbg\n{TWICE}")
        assert f"Cell In[{number}], line 3" in out
    assert len(recordings()) == 2


def test_an_error_is_shown_as_without_us_but_for_our_line(shell):
    body = "x = 1\nx / 0"
    _, plain, _ = run(shell, f"# a comment\n{body}")
    result, out, _ = run(shell, f"%%tracedbg\n{body}")
    error, _, report = out.partition("tracedbg: nothing was traced")
    assert error.replace("In[2]", "In[1]").replace("# %%tracedbg", "# a comment") == plain
    assert isinstance(result.error_in_exec, ZeroDivisionError)
    assert report


def test_a_cell_that_is_no_python_is_told_as_without_us(shell):
    result, out, _ = run(shell, "%%tracedbg\nfor = 1")
    assert isinstance(result.error_before_exec, SyntaxError)
    assert "line 2" in out
    assert "tracedbg:" not in out


def test_an_await_at_the_top_is_one(shell):
    result, out, _ = run(shell, "%%tracedbg\nimport asyncio\nawait asyncio.sleep(0, traced(2))\n5")
    assert result.result == 5
    assert "1 function, 1 trace" in out


def test_a_run_can_be_kept_by_a_name(shell):
    run(shell, f"%%tracedbg --as kept --limit 1\n{TWICE}")
    kept = shell.user_ns["kept"]
    assert len(kept.retraces) == 1
    _, out, _ = run(shell, "kept")
    assert out.startswith("Out[2]: \ntracedbg: 1 function, 2 traces, 1 retrace; ")


def test_a_statement_has_its_value_and_the_line_of_its_cell(shell):
    result, out, _ = run(
        shell, "y = 3\nz = %tracedbg --limit 2 [traced(size) for size in (2, y)][0] * 0 + y\nz"
    )
    assert result.result == 3
    assert "Cell In[1], line 2" in out


def test_a_statement_may_use_the_variables_of_its_function(shell):
    result, _, _ = run(shell, "def f():\n    local = 4\n    v = %tracedbg local + 1\n    return v\nf()")
    assert result.result == 5


def test_a_statement_that_raises_is_recorded_and_shown_all_the_same(shell):
    result, out, _ = run(shell, "%tracedbg traced(2); 1 / 0")
    assert isinstance(result.error_in_exec, ZeroDivisionError)
    assert "1 function, 1 trace" in out


@pytest.mark.parametrize(
    ("cell", "message"),
    [
        ("%%tracedbg --rate x\n1", "%tracedbg: --rate is 'x'; it must be a number"),
        ("%%tracedbg --rate 5000\n1", "rate_hz is 5000; it must be 0 to 1000"),
        ("%%tracedbg f()\n1", "%%tracedbg: 'f()' is no option; %tracedbg records a statement"),
        ("%tracedbg", "%tracedbg needs a statement; %%tracedbg records a cell"),
    ],
)
def test_what_makes_no_sense_is_told_in_a_line_and_the_cell_is_not_run(shell, cell, message):
    result, _, err = run(shell, cell)
    assert not result.success
    assert result.result is None
    assert err == f"UsageError: {message}\n"


def test_a_folder_that_is_in_use_is_told_and_the_cell_runs(shell, capfd):
    os.mkdir("full")
    open("full/file", "w").close()
    result, _, _ = run(shell, "%%tracedbg --out full\n7")
    assert result.result == 7
    assert capfd.readouterr().err == (
        f"tracedbg: {os.path.abspath('full')} is not empty: name a new folder with --out DIR; the cell runs"
        " without\n"
    )


def test_other_magics_go_around_it_and_into_it(shell):
    run(shell, f"%%capture shown\n%%tracedbg\n{TWICE}")
    assert shell.user_ns["shown"].outputs[-1].data["text/html"].count("Cell In[") == 2
    _, out, _ = run(shell, "%%tracedbg\n%%time\ntraced(2)")
    assert "Wall time" in out
    assert "1 function, 1 trace" in out


def test_a_cell_inside_a_cell_is_recorded_by_itself(shell):
    _, out, _ = run(
        shell, "%%tracedbg\ntraced(2)\nget_ipython().run_cell('%%tracedbg\\ntraced(2)\\n1/0')\ntraced(3)"
    )
    inner, outer = re.findall(r"tracedbg: (.*?);", out)
    assert inner == "healthy: 1 function, 1 trace, no retraces, no graph breaks"
    assert outer.startswith("1 function, 3 traces, 2 retraces")


def test_in_a_terminal_a_cell_ends_with_an_empty_line(shell):
    manager = shell.input_transformer_manager
    assert manager.check_complete("%%tracedbg\nfor x in y:\n    x")[0] == "incomplete"
    assert manager.check_complete("%%tracedbg\nx\n\n")[0] == "complete"


def test_the_source_of_cells_stays_with_the_recording(shell, monkeypatch):
    run(shell, f"%%tracedbg\n{TWICE}")
    (folder,) = recordings()
    monkeypatch.setattr(source, "_namer", None)
    monkeypatch.setattr(source.linecache, "cache", {})
    with Run.open(folder) as recorded:
        (_, trace) = recorded.processes[0].traces()
    place = trace.started.call_stack[0]
    assert source.place(place.file, place.line) == "Cell In[1], line 3"
    assert source.line_text(place.file, place.line) == "traced(size)"


def test_the_report_can_be_written_as_a_page(shell, capfd):
    run(shell, f"%%tracedbg --html page.html\n{TWICE}")
    with open("page.html", encoding="utf-8") as file:
        page = file.read()
    assert page.startswith("<!doctype html>")
    assert "Cell In[1], line 3" in page
    assert "    traced(size)" in page
    result, _, _ = run(shell, "%%tracedbg --html none/page.html --out kept\n1")
    assert result.success
    assert capfd.readouterr().err == (
        "tracedbg: cannot write none/page.html: No such file or directory; the run is kept in"
        f" {os.path.abspath('kept')}\n"
    )


def test_no_source_stays_where_values_are_to_be_kept_out(shell):
    run(shell, f"%%tracedbg --redact\n{TWICE}")
    (folder,) = recordings()
    with open(os.path.join(folder, "cells.json")) as file:
        assert "traced" not in file.read()


@pytest.mark.parametrize(
    "text", ["", "[]", '{"<ipython-input-1-ab>": 3}', '{"<ipython-input-1-ab>": {"title": 1}}']
)
def test_a_file_of_cells_that_is_damaged_is_left_out(tmp_path, text):
    (tmp_path / "cells.json").write_text(text)
    name_cells(str(tmp_path))
    assert source.cell_title("<ipython-input-1-ab>") == ""


def test_a_file_of_cells_can_name_no_other_file(tmp_path):
    (tmp_path / "cells.json").write_text('{"/etc/passwd": {"title": "Cell", "lines": ["x"]}}')
    name_cells(str(tmp_path))
    assert source.cell_title("/etc/passwd") == ""


def test_names_of_the_program_do_nothing_to_a_page(shell):
    run(shell, f"%%tracedbg --as kept\n{TWICE}")
    shell.user_ns["traced"] = traced
    run(
        shell,
        "%%tracedbg --as kept\ntraced(2, name='<script>alert(1)</script>')\ntraced(3, name='<script>alert(1)</script>')",
    )
    kept = shell.user_ns["kept"]
    html = bundle(kept.summary(), "<img src=x>")["text/html"]
    assert "<script" not in html
    assert "<img" not in html
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in html


def test_the_table_leaves_out_what_is_past_its_limit(shell):
    shell.user_ns["traced"] = traced
    run(shell, "%%tracedbg --as kept\nfor n in range(4):\n    traced(2, name=f'f{n}', line=n + 1)")
    html = bundle(shell.user_ns["kept"].summary(), "x", limit=2)["text/html"]
    table = html.partition("</table>")[0]
    assert table.count("<tr>") == 1 + 2 + 1
    assert "2 more functions" in table


@pytest.mark.parametrize(
    ("colors", "environment", "is_coloured"),
    [
        ("neutral", {}, True),
        ("nocolor", {}, False),
        ("neutral", {"NO_COLOR": "1"}, False),
        ("neutral", {"TERM": "dumb"}, False),
    ],
)
def test_colours_are_those_that_the_shell_and_the_terminal_want(
    shell, monkeypatch, colors, environment, is_coloured
):
    monkeypatch.delenv("NO_COLOR", raising=False)
    monkeypatch.setenv("TERM", "xterm")
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    shell.colors = colors
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True, raising=False)
    assert shell._tracedbg_magic._is_coloured() is is_coloured


def test_nothing_is_left_when_it_is_unloaded(shell):
    shell.run_line_magic("unload_ext", "tracedbg")
    assert "tracedbg" not in shell.magics_manager.magics["cell"]
    assert [one for one in shell.input_transformers_cleanup if "tracedbg" in one.__module__] == []
    assert [
        one for found in shell.events.callbacks.values() for one in found if "tracedbg" in one.__module__
    ] == []
    assert source._namer is None
    shell.run_line_magic("load_ext", "tracedbg")
