"""`tracedbg kernels` as a user sees it: tables at 80 columns, JSON, annotated source, and words on what is wrong."""

from __future__ import annotations

import gzip
import json
import re
import sys
from pathlib import Path

import pytest

from kernel_files import TOTAL_NS, step, write_kineto, write_nsys, write_xplane
from report.pages.parsed import parsed, rows, table_of
from tracedbg.cli.main import main

DOCS = Path(__file__).parents[2] / "docs"
MODEL = '''\
"""A model."""
import torch


class Net(torch.nn.Module):


    def forward(self, x):
        return x @ self.weight
'''


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "model.py").write_text(MODEL)
    write_kineto(tmp_path / "trace.json")
    return tmp_path


def run(capsys, *words):
    code = main(["kernels", *words])
    out, err = capsys.readouterr()
    return code, out, err


def test_the_table_says_which_lines_the_time_belongs_to(folder, capsys):
    code, out, err = run(capsys, "trace.json")
    assert (code, err) == (0, "")
    assert all(len(line) <= 80 for line in out.splitlines())
    assert "100.0%    0.007       4    57%  ████████  model.py:8 forward\n" in out
    assert "def forward(self, x):\n" in out


def test_every_format_is_read_and_several_are_added_up(folder, capsys):
    write_nsys(folder / "report.sqlite")
    write_xplane(folder / "host.xplane.pb")
    code, out, err = run(capsys, "trace.json", "report.sqlite", "host.xplane.pb", "--json", "-")
    data = json.loads(out)
    assert (code, err) == (0, "")
    assert [one["source"] for one in data["files"]] == ["kineto", "nsys", "xplane"]
    assert data["total_ns"] == 3 * TOTAL_NS == sum(row["time_ns"] for row in data["rows"])


@pytest.mark.parametrize("words", [[], ["--against", "trace.json"]], ids=["table", "against"])
def test_the_json_page_names_every_key(folder, capsys, words):
    write_kineto(folder / "cut.json", step(0, 1))
    assert run(capsys, "trace.json", "--json", "out.json", *words)[:2] == (0, "")
    page = (DOCS / "reference/kernels-json.md").read_text()

    def keys(value):
        if isinstance(value, dict):
            yield from value
            for one in value.values():
                yield from keys(one)
        elif isinstance(value, list):
            for one in value:
                yield from keys(one)

    data = json.loads((folder / "out.json").read_text())
    assert data["schema"] == 1
    assert {key for key in keys(data) if f"`{key}`" not in page} == set()


def test_a_source_file_is_shown_with_the_time_of_its_lines(folder, capsys):
    code, out, _ = run(capsys, "trace.json", "--annotate", "model.py")
    assert code == 0
    lines = out.splitlines()
    assert lines[0] == "model.py: 0.007 ms, 100.0% of the kernel time"
    assert lines[-2] == "100.0%    0.007  ██████     8      def forward(self, x):"
    assert lines[-1] == "                            9          return x @ self.weight"


def test_a_page_has_the_rows_of_the_json_and_the_source_beside_them(folder, capsys):
    assert run(capsys, "trace.json", "--html", "out.html") == (0, "", "")
    assert run(capsys, "trace.json", "--json", "out.json")[0] == 0
    page, data = parsed((folder / "out.html").read_text()), json.loads((folder / "out.json").read_text())
    told = [(row[1], row[-2]) for row in rows(table_of(page, "Kernels by line"))]
    assert told == [(row["time_ns"] / 1e9, row["count"]) for row in data["rows"]]
    (hot,) = page.one("table", class_="annotated").all("tr", class_="has hot")
    assert hot.text == "0.007 ms100.0%    def forward(self, x):"


def test_a_page_stands_alone(folder, capsys):
    for option, value in (("--json", "x"), ("--against", "trace.json"), ("--annotate", "model.py")):
        code, out, err = run(capsys, "trace.json", "--html", "out.html", option, value)
        words = f"tracedbg: --html and {option} are two reports: ask for one of them\n"
        assert (code, out, err) == (2, "", words)
    assert run(capsys, "trace.json", "--html", "gone/out.html") == (
        2, "", f"tracedbg: --html gone/out.html: there is no folder {folder}/gone\n",
    )  # fmt: skip
    assert not (folder / "out.html").exists()


def test_levels_roots_and_wrappers_are_the_user_s_to_choose(folder, capsys):
    assert "  Net_0\n" in run(capsys, "trace.json", "--by", "module")[1]
    assert "train.py:5 step" in run(capsys, "trace.json", "--project-root", "train.py")[1]
    assert "train.py:5 step" in run(capsys, "trace.json", "--skip", "forward")[1]


def test_rows_beyond_the_top_are_added_up_in_one(folder, capsys):
    out = run(capsys, "trace.json", "--by", "kernel", "--top", "1")[1]
    assert " 42.8%    0.003       2                   1 more row (--top)\n" in out


def test_what_got_slower_is_shown_by_line_and_by_kernel(folder, capsys):
    write_kineto(folder / "old.json", [*step(0, 1)])
    code, out, _ = run(capsys, "trace.json", "--against", "old.json")
    assert code == 0
    assert out.splitlines()[0] == "tracedbg: 0.004 ms → 0.007 ms (+100.0%), 2 kernels → 4"
    assert re.search(r"\+0\.004 +0\.004 +0\.007 +2→4 +x1\.00 +slower +model\.py:8 forward", out)
    assert "slower  mm_kernel\n" in out


def test_the_same_recording_has_not_changed(folder, capsys):
    out = run(capsys, "trace.json", "--against", "trace.json")[1]
    assert "no line has changed by over 5%\n" in out
    assert "no kernel has changed by over 5%\n" in out


def test_a_damaged_file_is_shown_as_far_as_it_goes_with_a_warning(folder, capsys):
    text = (folder / "trace.json").read_bytes()
    (folder / "cut.json").write_bytes(text[:-700])
    code, out, err = run(capsys, "cut.json")
    assert code == 0
    assert "model.py:8 forward" in out
    told = f"its JSON breaks off at byte {len(text) - 700}; the rest is shown"
    assert err == f"tracedbg: warning: cut.json: {told}\n"


@pytest.mark.parametrize(
    ("file", "content", "told"),
    [
        ("empty.json", b"", "empty.json is empty"),
        ("missing.json", None, "cannot read missing.json: No such file or directory"),
        ("other.json", b'{"a": 1}', "other.json has no list of traceEvents: it is no Chrome trace"),
        ("none.json", b'{"traceEvents": []}', "none.json has neither kernels nor ops of a profiler"),
        ("notes.txt", b"# notes", "notes.txt is of no format that is known; installed: kineto, nsys, xplane"),
        (
            "bad.json.gz",
            gzip.compress(b"x" * 99, mtime=0)[:10],
            "bad.json.gz: its gzip data break off at byte 10",
        ),
        ("bad.pb", b"\x0a\x7f", "bad.pb is no XSpace: it has no planes"),
    ],
)
def test_what_cannot_be_read_is_told_in_one_line(folder, capsys, file, content, told):
    if content is not None:
        (folder / file).write_bytes(content)
    assert run(capsys, file) == (2, "", f"tracedbg: {told}\n")


def test_a_folder_is_answered_with_the_files_in_it(folder, capsys):
    (folder / "logs").mkdir()
    assert run(capsys, "logs")[2] == "tracedbg: logs is a folder, and no profiler's file is in it\n"
    write_kineto(folder / "logs" / "rank0.json.gz")
    assert run(capsys, "logs")[2] == "tracedbg: logs is a folder; name a file in it: logs/rank0.json.gz\n"


def test_wrong_options_are_told_in_one_line(folder, capsys):
    told = "no kernel source named 'kinto'; installed: kineto, nsys, xplane"
    assert run(capsys, "trace.json", "--source", "kinto") == (2, "", f"tracedbg: {told}\n")
    told = "--annotate: cannot read nothing.py: No such file or directory"
    assert run(capsys, "trace.json", "--annotate", "nothing.py") == (2, "", f"tracedbg: {told}\n")
    (folder / "trace.json.tracedbg.json").write_text('{"format": "other"}')
    told = "trace.json.tracedbg.json has format 'other', not 'tracedbg-kernels-sidecar-1'; remove it to do without"
    assert run(capsys, "trace.json") == (2, "", f"tracedbg: {told}\n")


def test_a_source_of_somebody_else_s_is_one_class(folder, capsys, monkeypatch):
    page = (DOCS / "how-to/add-kernel-source.md").read_text()
    code = re.search(r"```python\n(.*?)```", page, re.DOTALL)[1]
    (folder / "my_package.py").write_text(code)
    info = folder / "mine-1.0.dist-info"
    info.mkdir()
    (info / "entry_points.txt").write_text("[tracedbg.kernel_sources]\nmine = my_package:MySource\n")
    monkeypatch.syspath_prepend(str(folder))
    (folder / "a.mine").write_bytes(b"MINE")
    out = run(capsys, "a.mine")[1]
    sys.modules.pop("my_package", None)
    assert "model.py:12 forward" in out
