"""The committed baseline: written, kept to, grown over, shrunk, damaged."""

from __future__ import annotations

import pytest

pytestmark = pytest.mark.torch
ONE = """
def test_one():
    double(torch.ones(3, dtype=torch.int8))

def test_none():
    pass
"""
MORE = """
def test_one():
    double(torch.ones(3, dtype=torch.int8))
    double(torch.ones(3, dtype=torch.int16))
"""
WRITTEN = """\
# What each test traces. Written by: pytest --tracedbg-baseline base.toml --tracedbg-update

["test_it.py::test_one"]
"test_it.py:double" = { traces = 1, retraces = 0, graph_breaks = 0 }
"""


@pytest.fixture
def base(tmp_path):
    return tmp_path / "base.toml"


def test_an_update_writes_text_that_merges_line_by_line(suite, base):
    result = suite(ONE, "--tracedbg-baseline", "base.toml", "--tracedbg-update")
    assert result.counts() == {"passed": 2}
    assert f"baseline written: {base} (1 test)" in result.text
    assert base.read_text() == WRITTEN


def test_growth_fails_with_both_numbers_and_the_cause(suite, base):
    base.write_text(WRITTEN)
    result = suite(MORE, "--tracedbg-baseline", "base.toml")
    assert result.counts() == {"failed": 1}
    assert result.failure("test_one") == (
        "tracedbg: test_it.py:double: 2 traces, 1 in the baseline; 1 retrace, 0 in the baseline\n"
        "    `x` changed dtype from int8[3] to int16[3]\n"
        "      bring `x` to one dtype before the call: x.to(torch.int8)"
    )
    assert base.read_text() == WRITTEN


def test_shrinkage_and_new_tests_are_told(suite, base):
    base.write_text(WRITTEN.replace("traces = 1, retraces = 0", "traces = 5, retraces = 4"))
    result = suite(
        ONE + "\ndef test_new():\n    double(torch.ones(1, dtype=torch.int32))\n",
        "--tracedbg-baseline",
        "base.toml",
    )
    assert result.counts() == {"passed": 3}
    assert (
        "less than in the baseline: test_it.py::test_one: test_it.py:double: "
        "1 trace, 5 in the baseline; 0 retraces, 4 in the baseline" in result.text
    )
    assert "not in the baseline: test_it.py::test_new" in result.text
    assert "--tracedbg-update brings the baseline up to date" in result.text


def test_an_update_of_some_tests_leaves_the_others(suite, base):
    base.write_text(
        WRITTEN
        + '\n["test_other.py::test_kept"]\n"a.py:f" = { traces = 1, retraces = 0, graph_breaks = 0 }\n'
    )
    text = MORE + "\ndef test_two():\n    pass\n"
    suite(text, "-k", "test_two", "--tracedbg-baseline", "base.toml", "--tracedbg-update")
    assert "test_one" in base.read_text()
    assert "test_kept" in base.read_text()
    suite("def test_two():\n    pass\n", "--tracedbg-baseline", "base.toml", "--tracedbg-update")
    assert "test_one" not in base.read_text()
    assert "test_kept" in base.read_text()


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("traces = [", "cannot read the baseline {path}: "),
        (
            '["t"]\n"f" = 3\n',
            "the baseline {path} is damaged at 't': each function needs { traces = N, retraces = N, graph_breaks = N }",
        ),
        (
            '["t"]\n"f" = { traces = -1, retraces = 0, graph_breaks = 0 }\n',
            "the baseline {path} is damaged at 't': each function needs { traces = N, retraces = N, graph_breaks = N }",
        ),
        (None, "no baseline {path}; write it with --tracedbg-baseline base.toml --tracedbg-update"),
    ],
)
def test_a_baseline_that_cannot_be_used_is_a_usage_error(suite, base, text, message):
    if text is not None:
        base.write_text(text)
    result = suite(ONE, "--tracedbg-baseline", "base.toml")
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    assert message.replace("{path}", str(base)) in result.text
    assert "Traceback" not in result.text


def test_an_update_needs_a_file(suite):
    result = suite(ONE, "--tracedbg-update")
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    assert (
        "--tracedbg-update needs --tracedbg-baseline FILE, or tracedbg_baseline in the ini file"
        in result.text
    )


def test_a_test_that_failed_or_was_skipped_keeps_its_lines(suite, base):
    base.write_text(WRITTEN + WRITTEN.partition("\n\n")[2].replace("test_one", "test_skipped"))
    result = suite(
        """
def test_one():
    double(torch.ones(3))
    double(torch.ones(3, dtype=torch.int8))
    raise KeyError("broken")

@pytest.mark.skip
def test_skipped():
    pass
""",
        "--tracedbg-baseline",
        "base.toml",
        "--tracedbg-update",
    )
    assert "not brought up to date, as it failed: test_it.py::test_one" in result.text
    assert base.read_text().count("traces = 1") == 2
    assert "test_skipped" in base.read_text()


def test_what_a_test_is_called_is_no_matter(suite, base):
    text = """
@pytest.mark.parametrize("n", [3], ids=['a "b" \\\\ é ☃'])
def test_named(n):
    double(torch.ones(n))
"""
    options = (
        "--tracedbg-baseline",
        "base.toml",
        "-o",
        "disable_test_id_escaping_and_forfeit_all_rights_to_community_support=true",
    )
    assert suite(text, *options, "--tracedbg-update").counts() == {"passed": 1}
    again = suite(text, *options)
    assert again.counts() == {"passed": 1}
    assert "in the baseline" not in again.text


def test_processes_of_xdist_and_any_order_write_the_same_text(suite, base):
    text = """
@pytest.mark.parametrize("n", range(4))
def test_each(n):
    double(torch.ones(3))
    if n % 2:
        double(torch.ones(3, dtype=torch.int16))
        shout(torch.ones(3))
"""
    options = ("--tracedbg-baseline", "base.toml", "--tracedbg-update")
    suite(text, *options)
    alone = base.read_text()
    base.unlink()
    suite(text, *options, "-n", "2")
    assert base.read_text() == alone
    assert suite(text, *options[:2], "with:randomly").counts() == {"passed": 4}
    assert base.read_text() == alone
