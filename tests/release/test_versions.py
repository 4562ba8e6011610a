"""What the page of versions says is what was run; `cd tests; python -m release.test_versions` writes its tables anew.

`seen.json` is what `make matrix` has seen in fresh environments.
"""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

from release import private_names
from release.checks import CHECKS
from release.combinations import COMBINATIONS
from tracedbg import plugins
from tracedbg.adapters.versions import covers

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs" / "reference" / "versions.md"
SEEN = json.loads((Path(__file__).parent / "seen.json").read_text())
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
DISTRIBUTIONS = {"torch": "torch", "tensorflow": "tensorflow-cpu"}
FRAMEWORKS = {"torch": "PyTorch", "tensorflow": "TensorFlow"}

OTHERWISE = {
    ("run torch", "2.7.0"): "an integer of a module is no constant any more once it has changed",
    ("report torch", "2.7.0"): "so that this retrace is a settled one",
    ("run --break torch", "2.7.0"): "a line says that backwards are not walked before 2.12",
    ("run --break torch", "2.10.0"): "the same",
    ("run --kernels tensorflow", "2.15.0"): "kernels of eager ops have no line",
}
"""Checks that find something else with an older framework, and why that is right."""


def minor(version: str) -> tuple[int, int]:
    first, second, *_ = version.split(".")
    return int(first), int(second)


def seen_versions(distribution: str) -> list[str]:
    """All versions of it that were run, the oldest first."""
    found = {one["versions"][distribution] for one in SEEN.values() if distribution in one["versions"]}
    return sorted(found, key=lambda version: [int(part) for part in version.split("+")[0].split(".")])


def state(facts) -> str:
    """What a check came to, in one word."""
    return "failed" if isinstance(facts, str) and facts.startswith("failed: ") else "ok"


def runs_table() -> str:
    """What was run together, and what of it worked."""
    rows = ["| Python | PyTorch | TensorFlow | Keras | NumPy | checks |", "|---|---|---|---|---|---|"]
    for combination in COMBINATIONS:
        one = SEEN[str(combination)]
        names = ("python", "torch", "tensorflow-cpu", "keras", "numpy")
        rows.append(
            "| " + " | ".join([*(one["versions"].get(name, "") for name in names), outcome(one)]) + " |"
        )
    return "\n".join(rows) + "\n"


def outcome(one: dict) -> str:
    """How many checks passed, and which did not, or were not run."""
    names = [check.full_name for check in CHECKS]
    passed = [name for name, facts in one["checks"].items() if state(facts) == "ok"]
    failed = [f"`{name}`" for name in one["checks"] if name not in passed]
    left_out = [f"`{name}`" for name in names if name not in one["checks"]]
    text = f"{len(passed)} of {len(names)}"
    text += f"; failed: {', '.join(failed)}" if failed else ""
    return text + (f"; not run: {', '.join(left_out)}" if left_out else "")


def partial() -> list[tuple[str, str, str]]:
    """Private names that not all versions have: framework, name, and the versions that have it."""
    found = []
    for framework, distribution in DISTRIBUTIONS.items():
        for name, value in sorted(private_names.listed(framework).items()):
            if not all(covers(value.versions, version) for version in seen_versions(distribution)):
                found.append((framework, name, value.versions))
    return found


def names_table() -> str:
    """The names that not all versions have."""
    rows = ["| Framework | Private name | in versions |", "|---|---|---|"]
    rows += [
        f"| {FRAMEWORKS[of]} | `{name.replace(':', '.')}` | {versions} |" for of, name, versions in partial()
    ]
    return "\n".join(rows) + "\n"


TABLES = {"runs": runs_table, "names": names_table}


def with_tables(text: str) -> str:
    for name, table in TABLES.items():
        begin, end = f"<!-- {name} -->\n", "<!-- end -->"
        head, _, rest = text.partition(begin)
        text = f"{head}{begin}{table()}{end}{rest.partition(end)[2]}"
    return text


def test_the_page_has_what_was_run():
    assert with_tables(PAGE.read_text()) == PAGE.read_text()


def test_all_combinations_were_run():
    assert sorted(SEEN) == sorted(map(str, COMBINATIONS))


def test_no_check_failed():
    wrong = [
        (name, check)
        for name, one in SEEN.items()
        for check, facts in one["checks"].items()
        if state(facts) != "ok"
    ]
    assert wrong == []


def test_all_find_the_same_but_for_what_is_known():
    """The counts of traces, the causes and the stops are those of the newest versions, but for `OTHERWISE`."""
    newest = SEEN[str(COMBINATIONS[-1])]["checks"]
    otherwise = {
        (check, one["versions"].get(DISTRIBUTIONS.get(check.rpartition(" ")[2], "")))
        for one in SEEN.values()
        for check, facts in one["checks"].items()
        if facts != newest.get(check, facts)
    }
    assert otherwise == set(OTHERWISE)


@pytest.mark.parametrize("framework", DISTRIBUTIONS)
def test_a_private_name_is_where_its_adapter_says_and_nowhere_else(framework):
    """The versions in the `_compat` files are those that were seen to have the name."""
    listed = private_names.listed(framework)
    wrong = [
        (combination, name, value.versions)
        for combination, one in SEEN.items()
        if framework in one["missing"]
        for name, value in listed.items()
        if covers(value.versions, one["versions"][DISTRIBUTIONS[framework]])
        == (name in one["missing"][framework])
    ]
    assert wrong == []


@pytest.mark.parametrize("framework", DISTRIBUTIONS)
def test_private_names_are_here_as_their_adapter_says(framework):
    installed = pytest.importorskip(framework)
    command = [sys.executable, private_names.__file__, framework]  # apart: it loads much that warns
    said = subprocess.run(command, capture_output=True, text=True, check=True, cwd=ROOT).stdout
    missing = json.loads(said.splitlines()[-1])
    wrong = [
        (name, value.versions)
        for name, value in private_names.listed(framework).items()
        if covers(value.versions, installed.__version__) == (name in missing)
    ]
    assert wrong == []


@pytest.mark.parametrize("framework", DISTRIBUTIONS)
def test_ranges_end_where_what_was_run_ends(framework):
    oldest, *_, newest = (".".join(map(str, minor(one))) for one in seen_versions(DISTRIBUTIONS[framework]))
    ends = {end for value in private_names.listed(framework).values() for end in value.versions.split("-")}
    assert min(ends, key=minor) == oldest
    assert max(ends, key=minor) == newest


@pytest.mark.parametrize("framework", DISTRIBUTIONS)
def test_the_oldest_that_pip_lets_in_is_the_oldest_that_was_run(framework):
    distribution = DISTRIBUTIONS[framework]
    oldest = ".".join(map(str, minor(seen_versions(distribution)[0])))
    bounds = {
        bound.partition(">=")[2].partition(";")[0].strip()
        for bound in PROJECT["optional-dependencies"][framework]
    }
    assert bounds == {oldest} == {plugins.FRAMEWORKS[framework]}


def test_the_pythons_that_are_named_are_those_that_were_run():
    run = [".".join(version.split(".")[:2]) for version in seen_versions("python")]
    prefix = "Programming Language :: Python :: 3."
    named = [one.removeprefix(prefix[:-2]) for one in PROJECT["classifiers"] if one.startswith(prefix)]
    assert named == sorted(set(run), key=minor)
    assert PROJECT["requires-python"] == f">={named[0]}"


if __name__ == "__main__":
    PAGE.write_text(with_tables(PAGE.read_text()))
