"""The catalogue of the suite names each program, and the page shows it; run as a script, this file writes it anew."""

from __future__ import annotations

import re
import sys
from pathlib import Path

if __name__ == "__main__":
    sys.path.insert(0, str(Path(__file__).parents[1]))

from process.catalogue import EVERY_LEVEL, KINDS, LEVELS_OF, SMALL, definitions, programs, table
from process.levels import LEVELS, PROGRAMS

PAGE = Path(__file__).parents[2] / "docs" / "explanation" / "undisturbed.md"
TABLE = re.compile(r"^\| kind \|.*\n(?:\|.*\n)*", re.MULTILINE)
AT_LEAST = 60


def named() -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for files in KINDS.values():
        for file, names in files.items():
            found.setdefault(file, []).extend(names)
    return found


def test_every_program_and_section_is_named_and_none_that_is_not_there():
    in_catalogue = named()
    for file, there in programs().items():
        assert there - set(in_catalogue.get(file, ())) == set(), file
        assert file in in_catalogue, file
    for file, names in in_catalogue.items():
        there = programs()[SMALL] if file == SMALL else definitions(file)
        assert set(names) - there == set(), file
        assert len(names) == len(set(names)), file


def test_there_are_at_least_as_many_as_were_promised():
    assert sum(len(there) or 1 for there in programs().values()) >= AT_LEAST


def test_the_levels_are_those_that_the_tests_run():
    words = {"default": "default", "ops": "--ops", "ops-1000": "--ops --rate 1000"}
    tests = "".join(path.read_text() for path in Path(__file__).parent.glob("test_*.py"))
    assert ", ".join(words[level] for level in LEVELS) == EVERY_LEVEL
    decorated = {"at_each_level": EVERY_LEVEL, "at_both_levels": "default, --ops"}
    for name, levels in decorated.items():
        for file in re.findall(
            rf"@{name}\n(?:@.*\n)*def .*\n    (?:\w+ = )?levels\.same\(level, \"(\w+\.py)\"", tests
        ):
            assert LEVELS_OF.get(file, EVERY_LEVEL) == levels, file
    assert {path.name for path in PROGRAMS.glob("*.py")} <= set(re.findall(r"\"(\w+\.py)\"", tests))


def test_the_page_shows_the_table():
    found = TABLE.search(PAGE.read_text())
    assert found is not None
    assert found[0] == table()


if __name__ == "__main__":
    PAGE.write_text(TABLE.sub(lambda _: table(), PAGE.read_text()))
