"""Tables of the documentation name what there is: modules, adapters, plugins."""

from __future__ import annotations

import importlib
import re
from pathlib import Path

import pytest

from documentation.pages import DOCS, ROOT
from tracedbg import plugins

try:
    import tomllib
except ImportError:  # it came with Python 3.11
    tomllib = pytest.importorskip("tomli")

MODULES, ADAPTERS, BESIDE = (DOCS / "explanation" / "architecture.md").read_text().split("\n## ")
PLUGINS = (DOCS / "reference" / "plugins.md").read_text()


def first_cells(text: str) -> list[str]:
    """What stands in code in the first column of a page's tables."""
    return names(re.findall(r"^\| (`[^|]*) \|", text, re.MULTILINE))


def names(cells: list[str]) -> list[str]:
    """What stands in code in some cells."""
    return [name for cell in cells for name in re.findall(r"`([^`]+)`", cell)]


def parts(package: Path) -> set[str]:
    """The modules and packages of a package, without what begins with an underscore."""
    found = {path.name for path in package.iterdir() if (path / "__init__.py").exists()}
    return found | {path.stem for path in package.glob("*.py") if not path.name.startswith("_")}


def test_the_architecture_has_a_row_for_each_part_and_none_for_what_is_gone():
    rows = first_cells(MODULES)
    assert sorted(rows) == sorted(parts(ROOT / "tracedbg"))


def test_the_architecture_names_each_adapter_and_each_package_beside_the_main_one():
    cells = [cell for row in ADAPTERS.splitlines() if row.startswith("|") for cell in row.split("|")[1:-2]]
    assert sorted(names(cells)) == sorted(parts(ROOT / "tracedbg" / "adapters"))
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text())
    packages = settings["tool"]["hatch"]["build"]["targets"]["wheel"]["packages"]
    assert [name for name in packages if f"`{Path(name).name}`" not in BESIDE] == ["tracedbg"]


def test_the_rows_of_the_architecture_keep_to_the_order_of_the_layers():
    layers = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]["contracts"][0][
        "layers"
    ]
    height = {
        name.removeprefix("tracedbg."): -number
        for number, layer in enumerate(layers)
        for name in re.findall(r"[\w.]+", layer)
    }
    rows = [height[name] for name in first_cells(MODULES) if name in height]
    assert rows == sorted(rows)
    assert len(rows) > 30


def test_the_page_of_plugins_has_each_group():
    groups = {value for name, value in vars(plugins).items() if name.endswith("_GROUP")}
    assert set(first_cells(PLUGINS)) == groups


def test_each_form_that_the_page_of_plugins_names_exists_and_is_described():
    linked = re.findall(r"\{class\}`~([\w.]+)`", PLUGINS)
    described = re.findall(r"autoclass:: ([\w.]+)", PLUGINS)
    assert len(linked) == len(first_cells(PLUGINS))
    assert set(linked) <= set(described)
    for name in described:
        module, _, cls = name.rpartition(".")
        assert getattr(importlib.import_module(module), cls).__doc__
