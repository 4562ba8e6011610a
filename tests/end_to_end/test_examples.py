"""The programs of the documentation: each runs as it would alone, and its true causes are named."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest
from observed import ENVIRONMENT, flagged, run_observed, run_plain

from documentation.quoted import missing, quoted_of
from report.pages.parsed import Tag, parsed
from tracedbg.cli.main import main

DOCS = Path(__file__).parents[2] / "docs"
EXAMPLES = DOCS / "examples"


def line_of(file: Path, marker: str) -> int:
    """The line that carries `# @marker`."""
    lines = file.read_text().splitlines()
    return next(number for number, text in enumerate(lines, 1) if text.endswith(f"# @{marker}"))


def observe(name: str, cwd: Path):
    """Run one example both ways, compare, and give its file and what was observed."""
    file = EXAMPLES / name
    plain = run_plain(file, cwd=cwd)
    observed = run_observed(file, cwd=cwd)
    assert plain.exit_code == 0, plain.stderr
    assert (observed.exit_code, observed.stdout) == (plain.exit_code, plain.stdout)
    assert observed.report["faults"] == []
    assert [stale for function in observed.functions() for stale in function["stale"]] == []
    assert flagged(observed.report) == []
    return file, observed


def check_page(name: str, report: str) -> None:
    """What the page on retraces quotes of a report is in it; the folder of the example is cut off."""
    quoted = quoted_of(DOCS / "how-to" / "find-why-it-retraces.md", name)
    assert missing(quoted, re.sub(rf"\S+/{name}", name, report)) == []


def page_of(folder: Path) -> Tag:
    """The page of a run."""
    page = folder.parent / "page.html"
    assert main(["report", str(folder), "--format", "html", "-o", str(page)]) == 0
    return parsed(page.read_text())


def told(cause: dict) -> tuple:
    return cause["kind"], cause["argument"], cause["before"], cause["after"], cause["line"], cause["count"]


@pytest.mark.torch
def test_a_compiled_train_loop(tmp_path):
    file, observed = observe("torch_train.py", tmp_path)
    check_page("torch_train.py", observed.stderr)
    (function,) = observed.functions(file)
    assert (function["name"], function["traces"], function["retraces"]) == ("train_step", 4, 3)
    assert {told(cause) for cause in function["causes"]} == {
        ("attribute_value", "net.step_no", "0", "2", line_of(file, "attribute"), 2),
        ("shape", 'batch["x"]', "float32[16, 8]", "float32[7, 8]", line_of(file, "call"), 1),
    }
    (found,) = observed.report["graph_breaks"]
    assert (found["file"], found["line"]) == (str(file), line_of(file, "branch"))
    assert re.fullmatch(r"GB\d{4}", found["code"])
    marked = {line.text.strip() for line in page_of(observed.folder).all("span", class_="here")}
    lines = file.read_text().splitlines()
    assert marked == {lines[line_of(file, name) - 1].strip() for name in ("attribute", "call", "branch")}


@pytest.mark.tensorflow
def test_a_tf_function_train_loop(tmp_path):
    file, observed = observe("tf_train.py", tmp_path)
    check_page("tf_train.py", observed.stderr)
    (function,) = observed.functions(file)
    assert (function["name"], function["traces"], function["retraces"]) == ("train_step", 3, 2)
    call = line_of(file, "call")
    assert {told(cause) for cause in function["causes"]} == {
        ("python_value", "lr", "0.1", "0.025", call, 2),
        ("shape", 'batch["x"]', "float32[16, 8]", "float32[7, 8]", call, 1),
        ("shape", 'batch["y"]', "float32[16, 1]", "float32[7, 1]", call, 1),
    }
    (conversion,) = [c for c in observed.report["conversions"] if c["file"] == str(file)]
    became = {
        (construct["line"], construct["kind"]): construct["became"] for construct in conversion["constructs"]
    }
    assert became == {(line_of(file, "branch"), "if"): "cond", (line_of(file, "unrolled"), "for"): "unrolled"}
    beside = page_of(observed.folder).one("table", class_="beside").one("tbody").all("tr")
    cells = [[cell.text.strip() for cell in row.all("td")] for row in beside]
    (made,) = [made for mine, made in cells if mine.startswith("if tf.norm(gradient) > 1.0:")]
    assert "def if_body():" in made


@pytest.mark.tensorflow
def test_a_keras_fit(tmp_path):
    _, observed = observe("keras_fit.py", tmp_path)
    assert {function["framework"] for function in observed.functions()} == {"tf.function"}
    assert observed.causes() == [], "training and evaluating are two functions, each traced for good reason"


@pytest.mark.torch
def test_a_transformers_model(tmp_path):
    file, observed = observe("transformers_model.py", tmp_path)
    (function,) = observed.functions()
    assert (function["name"], function["traces"], function["retraces"]) == ("BertModel.forward", 2, 1)
    (cause,) = function["causes"]
    assert told(cause) == (
        "shape",
        "input_ids",
        "int64[2, 12]",
        "int64[2, 20]",
        line_of(file, "lengths") + 1,
        1,
    )
    assert cause["file"] == str(file)


@pytest.mark.torch
def test_a_block_recorded_in_process(tmp_path):
    file = EXAMPLES / "record_block.py"
    done = subprocess.run(
        [sys.executable, str(file)],
        cwd=tmp_path,
        env=ENVIRONMENT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.stdout.splitlines() == ["traces: 2 retraces: 1", "shape x float32[2] -> float32[3]"], (
        done.stderr
    )


@pytest.mark.torch
@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere, only root may look into a process")
def test_a_training_that_waits_for_its_data_looked_into_while_it_runs(tmp_path):
    file = EXAMPLES / "slow_input.py"
    command = [sys.executable, str(file), "1000000"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=tmp_path) as training:
        assert training.stdout.readline() == "training\n"
        looked = subprocess.run(
            [sys.executable, "-m", "tracedbg", "attach", str(training.pid), "--seconds", "2", "--json", "-"],
            capture_output=True,
            text=True,
            check=False,
            env=ENVIRONMENT,
        )
        training.kill()
    assert looked.returncode == 0, looked.stderr
    seen = json.loads(looked.stdout)
    (main,) = [thread for thread in seen["threads"] if thread["name"] == "MainThread"]
    most = main["activities"][0]
    assert (most["activity"], most["phase"]) == ("data_loading", "DataLoader")
    assert most["seconds"] > 0.5 * seen["recorded"]["seconds"]
    slowest = seen["lines"][0]
    assert (slowest["file"], slowest["line"]) == (str(file), line_of(file, "build"))
    assert slowest["function"] == "Words.__getitem__"


def test_every_example_has_a_test():
    """Those of the tutorial and of `fleet` are run whole, by tests that need not name each."""
    texts = "".join(file.read_text() for file in Path(__file__).parents[1].rglob("test_*.py"))
    examples = [file for file in EXAMPLES.rglob("*.py") if file.parent.name not in ("tutorial", "fleet")]
    assert [file.name for file in examples if file.name not in texts] == []
