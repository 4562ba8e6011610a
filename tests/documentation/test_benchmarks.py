"""The page of the benchmarks and the figures in README are what was measured; the rest stays as it was."""

from __future__ import annotations

import argparse
import dataclasses
import re
import subprocess
import sys
from pathlib import Path

import benchmarks.all
import pytest
from benchmarks import machine, page
from benchmarks.machine import Machine, commit, this_machine
from benchmarks.parts import PARTS
from benchmarks.record import Measurement, Record
from benchmarks.rows import Results, measured, missing, told

ROOT = Path(__file__).parents[2]
README = ROOT / "README.md"
JSON = ROOT / "docs" / "reference" / "benchmarks.json"
PAGE = ROOT / "docs" / "reference" / "benchmarks.md"
BOX = Machine("A Processor", 2, 8, "Linux x86_64, glibc.2.36", "3.11.7", {"torch": "2.13.0"})


def measurement(part="ops", commit="abc1234", load=0.1, box=BOX):
    return Measurement(part, PARTS[part].command(), "2026-01-02", commit, box, load, 75)


def steps(value=1.5, name="steps_mlp"):
    return measured(name, "a train step", "x", [value, value + 0.1, value - 0.1], 2.0)


# --- what is in the repository -----------------------------------------------------------------------


def test_the_page_is_what_was_measured():
    assert PAGE.read_text() == page.page(Record.read(JSON)), "run: python -m benchmarks.all --write"


def test_the_figures_in_readme_are_those_of_the_page():
    text = README.read_text()
    assert text == page.readme(text, Record.read(JSON)), "run: python -m benchmarks.all --write"


def test_readme_has_no_other_figures_of_what_it_costs():
    section = re.search(r"## What it costs\n(.*?)\n## ", README.read_text(), re.DOTALL)[1]
    prose = re.sub(r"`[^`]*`", "", section.partition(page.BEGIN)[0] + section.partition(page.END)[2])
    assert re.findall(r"\d+(?:[.,]\d+)?", prose) == []


def test_every_quote_finds_its_rows():
    """Of what was measured; what was not is not in README."""
    record = Record.read(JSON)
    assert {quote.part for quote in page.QUOTES} <= set(PARTS)
    for quote in page.QUOTES:
        works = [row.what for _, row in record.rows(quote.part, quote.name)]
        assert not works or [work for work in works if re.fullmatch(quote.what, work)], quote


def test_every_quote_names_what_its_benchmark_measures():
    assert [quote for quote in page.QUOTES if quote.name not in PARTS[quote.part].names()] == []


def test_every_benchmark_is_run_by_make_bench():
    programs = {
        f"benchmarks.{file.stem}"
        for file in (ROOT / "benchmarks").glob("*.py")
        if 'if __name__ == "__main__"' in file.read_text() and file.stem not in ("__main__", "all")
    }
    assert {part.module for part in PARTS.values()} == {"benchmarks", *programs}


# --- how it is made ----------------------------------------------------------------------------------


def test_a_row_is_the_median_with_its_spread():
    row = measured("steps_mlp", "a train step", "x", [1.2, 1.0, 1.6], 1.1)
    assert (row.value, row.low, row.high, row.count, row.is_within) == (1.2, 1.0, 1.6, 3, False)
    assert (row.figure(), row.spread(), row.limit_words()) == ("1.20x", "1.000 to 1.60", "at most 1.1")


def test_a_limit_may_be_the_least():
    assert measured("", "speed", "x", [6.0], 5.0, is_least=True).is_within
    assert not measured("", "speed", "x", [4.0], 5.0, is_least=True).is_within


def test_a_tool_that_is_not_installed_has_a_row_that_says_so():
    record = Record()
    record.add(measurement(), [steps(), missing("steps_mlp", "a train step", "x", "viztracer")])
    assert "| a train step | 1.50x (1.40 to 1.60) | at most 2 | viztracer: not installed | 1 |" in page.page(
        record
    )


def test_what_is_not_measured_anew_keeps_its_measurement():
    record = Record()
    record.add(measurement(commit="old"), [steps(1.5), steps(1.1, "steps_conv")])
    record.add(measurement(commit="new"), [steps(1.3)])
    assert [(one.commit, [(row.name, row.value) for row in rows]) for one, rows in record.measurements] == [
        ("old", [("steps_conv", 1.1)]),
        ("new", [("steps_mlp", 1.3)]),
    ]
    record.add(measurement(commit="newer"), [steps(1.2), steps(1.0, "steps_conv")])
    assert [one.commit for one, _ in record.measurements] == ["newer"]


def test_a_record_is_read_as_it_was_written(tmp_path):
    record = Record()
    record.add(measurement(), [steps(), missing("steps_mlp", "a train step", "x", "viztracer")])
    record.write(tmp_path / "rows.json")
    assert Record.read(tmp_path / "rows.json") == record
    assert Record.read(tmp_path / "none.json") == Record()


def test_the_rows_of_another_machine_are_merged_with_where_they_were_measured():
    record, other = Record(), Record()
    record.add(measurement(), [steps()])
    other.add(measurement("cost", box=dataclasses.replace(BOX, cpu="Another")), [steps(1.0, "tf_loop")])
    record.merge(other)
    text = page.page(record)
    assert "- **A**: Another, 2 cores, 8 GB" in text
    assert "- **B**: A Processor, 2 cores, 8 GB" in text


def test_a_measurement_that_began_on_a_busy_machine_says_so():
    record = Record()
    record.add(measurement(load=3.0), [steps()])
    assert "| 3.0 on 2, **busy** | 75 s |" in page.page(record)
    record.add(measurement(load=0.4), [steps()])
    assert "| 0.4 on 2 | 75 s |" in page.page(record)


def test_readme_says_when_and_on_what_its_figures_were_measured():
    record = Record()
    assert page.quotes(record).count("\n") == 3
    record.add(measurement(load=0.0), [steps()])
    assert f"\n\nMeasured 2026-01-02 on {BOX.words()}.\n" in page.quotes(record)
    record.add(dataclasses.replace(measurement("cost", load=9.0), date="2026-02-01"), [steps(1.0, "tf_loop")])
    assert f"Measured 2026-01-02 to 2026-02-01 on {BOX.words()}.\n1 of the 2 commands ran" in page.quotes(
        record
    )


def test_a_figure_over_its_limit_is_marked():
    record = Record()
    record.add(measurement(), [steps(2.5)])
    assert "| a train step | 2.50x (2.40 to 2.60) | at most 2, **over** |  | 1 |" in page.page(record)


def test_readme_without_a_place_for_figures_is_named():
    with pytest.raises(
        SystemExit, match=re.escape(f"README.md has no block between {page.BEGIN} and {page.END}")
    ):
        page.readme("# nothing", Record())


def test_this_machine_is_told_by_its_processor_and_versions():
    found = this_machine({"HTA": "0.5.0"})
    assert found.cores >= 1
    assert found.cpu in found.words()
    assert found.words().endswith("HTA 0.5.0")


def test_a_benchmark_prints_its_rows_and_writes_them(tmp_path, capsys):
    results = Results(str(tmp_path / "rows.json"))
    assert told(tmp_path / "rows.json") == ([], False)
    results.add(measured("", "speed", "s", [12.0], 10.0))
    assert told(tmp_path / "rows.json") == (results.rows, False)
    assert results.end() == 1
    assert capsys.readouterr().out.split() == ["speed", "12.0", "s", "at", "most", "10", "OVER"]
    assert told(tmp_path / "rows.json") == (results.rows, True)


# --- make bench --------------------------------------------------------------------------------------


def run_all(tmp_path, *options):
    files = ("--json", tmp_path / "b.json", "--page", tmp_path / "b.md", "--readme", tmp_path / "README.md")
    return subprocess.run(
        [sys.executable, "-m", "benchmarks.all", *files, *options], capture_output=True, text=True, cwd=ROOT
    )


def test_a_part_is_run_and_the_page_and_readme_are_written(tmp_path):
    (tmp_path / "README.md").write_text(f"before\n{page.BEGIN}\nold\n{page.END}\nafter\n")
    done = run_all(tmp_path, "--only", "cost/import", "--repeats", "1")
    assert done.returncode in (0, 1), done.stderr  # 1: over its limit, on a busy machine
    ((one, (row,)),) = Record.read(tmp_path / "b.json").measurements
    assert (one.command, row.what, row.count) == (
        "python -m benchmarks import --pairs 1",
        "import tracedbg",
        3,
    )
    assert "import tracedbg" in (tmp_path / "b.md").read_text()
    text = (tmp_path / "README.md").read_text()
    assert text.startswith(f"before\n{page.BEGIN}\n| | tracedbg |")
    assert text.endswith(f"{page.END}\nafter\n")


def test_a_run_that_is_resumed_measures_what_is_missing(tmp_path):
    (tmp_path / "README.md").write_text(f"{page.BEGIN}\n{page.END}\n")
    record = Record()
    record.add(measurement("cost", commit()), [measured("import", "import tracedbg", "ms", [1.0])])
    record.write(tmp_path / "b.json")
    done = run_all(tmp_path, "--resume", "--only", "cost/import")
    assert (done.returncode, done.stdout) == (0, "cost: measured at this commit\n"), done.stderr
    assert Record.read(tmp_path / "b.json") == record
    assert record.is_measured("cost", "import", commit())
    assert not record.is_measured("cost", "help", commit())
    assert not record.is_measured("cost", "import", "another")


@pytest.mark.parametrize(("part", "kept"), [("ops", ["steps_mlp"]), ("fleet", None)])
def test_of_a_benchmark_that_did_not_end_whole_names_are_kept(part, kept, monkeypatch, tmp_path):
    def run(words, **_):
        results = Results(words[words.index("--json") + 1])
        for name in ("steps_mlp", "steps_conv") if part == "ops" else ("", ""):
            results.add(steps(1.0, name))

    monkeypatch.setattr(subprocess, "run", run)
    monkeypatch.setattr(machine, "load", lambda: 0.0)
    monkeypatch.setattr(machine, "commit", lambda: "abc1234")
    found = benchmarks.all.measure(PARTS[part], (), argparse.Namespace(repeats=None, hta_python=None))
    assert (found and [row.name for row in found[1]]) == kept


def test_an_unknown_benchmark_is_named(tmp_path):
    for asked, wrong in (
        ("opps", f"no benchmark named opps; there are {', '.join(PARTS)}"),
        ("fleet/report", "fleet cannot be asked for some of its rows: fleet/report"),
    ):
        done = run_all(tmp_path, "--only", asked)
        assert done.returncode == 2
        assert done.stderr.splitlines()[-1] == f"python -m benchmarks.all: error: {wrong}"
