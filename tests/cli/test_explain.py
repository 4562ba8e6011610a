"""`tracedbg explain`: the documentation's words on a cause, on a machine that has no documentation."""

import pytest

from tracedbg.cli.main import main
from tracedbg.events import CauseKind
from tracedbg.report.markdown import as_text
from tracedbg.report.style import Style


@pytest.mark.parametrize("kind", CauseKind)
def test_each_kind_is_told_of_without_marks_of_markdown(kind, capsys):
    assert main(["explain", kind.value]) == 0
    title, empty, *lines = capsys.readouterr().out.splitlines()
    assert (title, empty) == (kind.value, "")
    assert not [
        line for line in lines if line.startswith("#") or "**" in line or "```" in line or "](" in line
    ]
    assert max(map(len, lines)) <= 80
    assert lines[0]
    assert lines[-1]


def test_all_kinds_are_listed_with_what_they_mean(capsys):
    assert main(["explain"]) == 0
    listed = capsys.readouterr().out.splitlines()
    begun = [line.split()[0] for line in listed if not line.startswith(" ")]
    assert begun == [kind.value for kind in CauseKind]
    assert "dtype                A tensor has another dtype" in listed


def test_an_unknown_kind_is_refused_with_those_that_there_are(capsys):
    assert main(["explain", "shapes"]) == 2
    known = ", ".join(kind.value for kind in CauseKind)
    assert capsys.readouterr().err == f"tracedbg: no kind of cause named 'shapes'; known: {known}\n"


def test_markdown_is_wrapped_as_text_and_code_stays_as_it_is():
    page = (
        "A **bold** word and a [link](there.md#x), which *all* stand\nin one paragraph.\n\n"
        "- one item that is rather\n  long\n- two\n\n```python\ndef f(x):\n\n    return x\n```\n\nThe `end`.\n\n```\nlast\n```"
    )
    assert as_text(page, Style(width=30)) == [
        *("A bold word and a link, which", "all stand in one paragraph.", ""),
        *("- one item that is rather long", "- two", ""),
        *("    def f(x):", "", "        return x", "", "The `end`.", "", "    last"),
    ]
