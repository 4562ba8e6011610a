"""The page of the dataset says what is written; `python tests/fleet/test_reference.py` writes its tables anew."""

from __future__ import annotations

import re
from pathlib import Path

from tracedbg.fleet.tables import TABLES

PAGE = Path(__file__).parents[2] / "docs" / "reference" / "dataset.md"
BEGIN, END = "<!-- tables: begin -->", "<!-- tables: end -->"


def tables_text() -> str:
    lines = []
    for name, table in TABLES.items():
        lines += [f"### `{name}`", "", table.meaning, "", "| column | type | what it is |", "|---|---|---|"]
        lines += [f"| `{one.name}` | {one.type} | {one.meaning} |" for one in table.columns]
        lines += [""]
    return "\n".join(lines)


def test_the_page_has_every_table_with_its_columns():
    text = PAGE.read_text()
    assert text[text.index(BEGIN) + len(BEGIN) : text.index(END)].strip() == tables_text().strip()


def test_every_type_of_a_column_is_explained_on_the_page():
    explained = set(re.findall(r"^\| ([a-z ]+) \| `", PAGE.read_text(), re.MULTILINE))
    assert {column.type for table in TABLES.values() for column in table.columns} == explained


if __name__ == "__main__":
    text = PAGE.read_text()
    head, rest = text[: text.index(BEGIN) + len(BEGIN)], text[text.index(END) :]
    PAGE.write_text(f"{head}\n\n{tables_text()}\n{rest}")
