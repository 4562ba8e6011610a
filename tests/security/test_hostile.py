"""Recordings that were made to do harm: each is read, or refused in one line; nothing in it reaches a terminal."""

from __future__ import annotations

import json
import os
import re
import sqlite3
import zlib

import pytest
from builders import ENDED, INFO, STARTED

from tracedbg import events as ev
from tracedbg.cli.main import main
from tracedbg.store import codec, guarded
from tracedbg.store.run import create_run
from tracedbg.store.writer import Writer

EVIL = "evil\x1b]0;title\x07\x1b[31m\u202e\u2066[red]<script>alert(1)</script>\"&'\\\n\r\x9b2J\x00"
HARMFUL = re.compile("[\x00-\x09\x0b-\x1f\x7f-\x9f\u200b-\u200f\u202a-\u202e\u2066-\u2069]")
"""What a terminal or a browser acts on, but for the end of a line."""
COLOURS = re.compile(r"\x1b\[[\d;]*m")
FUNCTION = ev.Traceable(ev.Framework.TORCH_COMPILE, EVIL, f"/tmp/{EVIL}.py", 3)
ANOTHERS = ev.Traceable(ev.Framework(EVIL), "f", "/tmp/a.py", 3)
"""Of a tracing system that an adapter of another package has named."""
FRAME = ev.Frame(f"/tmp/{EVIL}.py", 3, EVIL)
EVENTS = [
    ev.FrameworkSeen("torch", EVIL),
    ev.TraceStarted(1, FUNCTION, 0, 7, signature=ev.Signature((("x", ev.ValueSpec("str", EVIL)),)), label=EVIL),
    ev.TraceEnded(1, 10**9, ev.Outcome.COMPILED, op_count=1),
    ev.TraceStarted(
        2, FUNCTION, 2 * 10**9, 7, cached_count=1, label=EVIL, call_stack=(FRAME,),
        signature=ev.Signature((("x", ev.ValueSpec("str", f"{EVIL}2")),)),
        guard_failures=(ev.GuardFailure("0/0", EVIL, f"L['{EVIL}']", EVIL, f"{EVIL}2", FRAME),),
    ),
    ev.TraceEnded(2, 3 * 10**9, ev.Outcome.FAILED, error=EVIL),
    ev.GraphMade(1, "dynamo", (ev.OpSite(EVIL, EVIL, (EVIL,), EVIL, FRAME.file, 3), ev.OpSite("b", "relu", (EVIL,)))),
    ev.GraphBreak(EVIL, EVIL, EVIL, FRAME, FUNCTION, (FRAME,), EVIL, 1),
    ev.Fallback(FUNCTION, "skipped", EVIL, 5, (), (FRAME,)),
    ev.Stale(FUNCTION, "global", EVIL, FRAME, EVIL, EVIL, 5, 1),
    ev.Conversion(EVIL, FRAME.file, 3, 5, EVIL, EVIL, (), EVIL, 1),
    ev.Calls(FUNCTION, 1, 1, 1),
    ev.Fault(EVIL, EVIL, 5),
    ev.TraceStarted(3, ANOTHERS, 4 * 10**9, 7),
    ev.TraceEnded(3, 5 * 10**9, ev.Outcome.COMPILED),
]  # fmt: skip


@pytest.fixture
def hostile(tmp_path, monkeypatch):
    """A run whose every text is harmful; the current folder is its parent's."""
    monkeypatch.chdir(tmp_path)
    folder = create_run(str(tmp_path / "run"), ["train.py", EVIL])
    writer = Writer(str(tmp_path / "run" / "p7.db"), INFO, 10**9)
    writer.write(EVENTS)
    writer.close(4 * 10**9)
    folder.finish(exit_code=0, signal=None, wall_ns=4 * 10**9)
    return tmp_path / "run"


def shown(capsys, *words: object) -> str:
    main([*map(str, words)])
    said = capsys.readouterr()
    return COLOURS.sub("", said.out + said.err)


@pytest.mark.parametrize(
    "words",
    [
        ("report",),
        ("report", "--format", "json"),
        ("report", "--format", "html"),
        ("report", "--graph", EVIL),
        ("runs",),
        ("diff", "again"),
    ],
    ids=" ".join,
)
def test_no_output_has_what_a_terminal_acts_on(hostile, capsys, words):
    command, *options = words
    given = [hostile, *([hostile] if "again" in options else []), *(one for one in options if one != "again")]
    text = shown(capsys, command, *([] if command == "runs" else given))
    assert HARMFUL.findall(text.replace("\n", "")) == []
    assert text


def test_the_report_tells_what_the_harmful_text_is(hostile, capsys):
    text = shown(capsys, "report", hostile)
    assert "evil\\x1b" in text
    assert "<script>" in text  # a terminal makes nothing of it


def test_a_run_s_name_in_an_error_is_spelled_out(capsys):
    assert main(["report", f"no{EVIL}"]) == 2
    error = capsys.readouterr().err
    assert HARMFUL.findall(error.replace("\n", "")) == []
    assert error.count("\n") <= 2


@pytest.mark.parametrize("form", ["dot", "json"])
def test_a_graph_is_escaped_in_each_form(hostile, capsys, form):
    text = shown(capsys, "report", hostile, "--graph", EVIL, "--format", form)
    if HARMFUL.search(text.replace("\n", "")):
        pytest.fail(repr(HARMFUL.search(text.replace("\n", ""))))


# --- files that are none, and data that swells -------------------------------------------------


def refused(capsys, *words: object) -> str:
    assert main([*map(str, words)]) == 2
    said = capsys.readouterr()
    assert said.out == ""
    assert said.err.count("\n") == 1, said.err
    return said.err


@pytest.mark.parametrize("name", ["p7.db", "run.json", "native.json"])
@pytest.mark.parametrize("kind", ["pipe", "link", "folder"])
def test_what_is_no_plain_file_is_refused(hostile, capsys, tmp_path, name, kind):
    file = hostile / name
    file.unlink(missing_ok=True)
    if kind == "pipe":
        os.mkfifo(file)
    elif kind == "link":
        tmp_path.joinpath("elsewhere").write_text("{}")
        file.symlink_to(tmp_path / "elsewhere")
    else:
        file.mkdir()
    assert refused(capsys, "report", hostile) == f"tracedbg: cannot read {file}: it is no plain file\n"


def altered(folder, statement: str, *values) -> None:
    with sqlite3.connect(folder / "p7.db") as db:
        db.execute(statement, values)
    db.close()


def test_a_graph_that_swells_is_refused(hostile, capsys, monkeypatch):
    monkeypatch.setattr(guarded, "MAX_INFLATED_BYTES", 1 << 20)
    altered(hostile, "update graph set sites = ?", zlib.compress(b" " * (4 << 20)))
    assert refused(capsys, "report", hostile, "--graph", EVIL).startswith(
        f"tracedbg: cannot read {hostile / 'p7.db'}: it swells to over 1 MB"
    )


@pytest.mark.parametrize(
    "blob", [b"", b"no zlib", zlib.compress(b"[" * 100_000), zlib.compress(b"{}"), zlib.compress(b"7"), "text", 7],
    ids=["empty", "bytes", "deep", "no columns", "a number", "text", "number"],
)  # fmt: skip
def test_a_damaged_graph_is_one_error(hostile, capsys, blob):
    altered(hostile, "update graph set sites = ?", blob)
    assert refused(capsys, "report", hostile, "--graph", EVIL).startswith("tracedbg: cannot read ")


@pytest.mark.parametrize(
    "statement",
    [
        "create view evil as with recursive n(x) as (select 1 union all select x + 1 from n) select x from n",
        "create trigger evil after insert on fault begin delete from trace; end",
    ],
)
def test_a_database_with_code_in_it_is_refused(hostile, capsys, statement):
    altered(hostile, statement)
    assert refused(capsys, "report", hostile) == (
        f"tracedbg: {hostile / 'p7.db'} has a view or a trigger, which no recording has\n"
    )


@pytest.mark.parametrize(
    "statement",
    [
        "update trace set signature_json = '[[[['",
        'update trace set signature_json = \'{"arguments": 7, "context": []}\'',
        "update trace set call_stack_json = '7'",
        "update traceable set framework = ''",
        "update guard_failure set frame_json = '[1]'",
        "drop table phase",
        "delete from process",
    ],
)
def test_a_database_that_lies_is_one_error(hostile, capsys, statement):
    altered(hostile, statement)
    assert refused(capsys, "report", hostile).startswith(f"tracedbg: cannot read {hostile / 'p7.db'}: ")


def test_a_signature_without_end_is_one_error(hostile, capsys):
    deep = '["S", "list", [' * 20_000 + "]]" * 20_000
    altered(
        hostile, "update trace set signature_json = ?", f'{{"arguments": [["x", {deep}]], "context": []}}'
    )
    assert refused(capsys, "report", hostile).startswith("tracedbg: cannot read ")


def test_text_of_the_program_is_no_sql(tmp_path):
    name = "x'); drop table trace; --"
    function = ev.Traceable(ev.Framework.TORCH_COMPILE, name, name, 1)
    writer = Writer(str(tmp_path / "p7.db"), INFO, 10**9)
    writer.write([STARTED, ENDED, ev.Calls(function, 1, 0), ev.FrameworkSeen(name, name)])
    writer.close(1)
    with sqlite3.connect(tmp_path / "p7.db") as db:
        assert db.execute("select name from traceable where name = ?", (name,)).fetchall() == [(name,)]
        assert db.execute("select count(*) from trace").fetchone() == (1,)
    db.close()


def test_json_of_the_report_is_ascii(hostile, capsys):
    main(["report", str(hostile), "--format", "json"])
    text = capsys.readouterr().out
    assert text.isascii()
    assert EVIL in [function["name"] for function in json.loads(text)["functions"]]
    assert codec.dump(EVIL).isascii()
