"""What stands behind `%%tracedbg`."""

from __future__ import annotations

import pytest

from tracedbg.errors import UsageError
from tracedbg_notebook.words import Words, parse


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", Words()),
        ("--ops", Words({"ops": True})),
        ("--ops=10:20 --kernels=2s", Words({"ops": "10:20", "kernels": "2s"})),
        ("--rate 100 --max-mb=8", Words({"rate_hz": 100, "max_mb": 8})),
        ("--redact --limit 3 --as run", Words({"redact": True}, limit=3, variable="run")),
        ("--html page.html", Words(page="page.html")),
        ("--out 'my run' f(x)", Words({"out": "my run"}, statement="f(x)")),
        ("f('a b', \"c\") --ops", Words(statement="f('a b', \"c\") --ops")),
        ("--ops -x", Words({"ops": True}, statement="-x")),
        ("--as run x = '''it's'''", Words(variable="run", statement="x = '''it's'''")),
    ],
)
def test_options_come_first_and_the_statement_stays_as_it_is(text, words):
    assert parse(text) == words


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (
            "--oops",
            "%tracedbg has no option --oops; there are --as, --html, --kernels, --limit, --max-mb, --ops, --out, --rate,"
            " --redact",
        ),
        ("--rate", "%tracedbg: --rate needs a value"),
        ("--rate fast", "%tracedbg: --rate is 'fast'; it must be a number"),
        ("--limit 0", "%tracedbg: --limit is 0; it must be 1 or more"),
        ("--redact=yes", "%tracedbg: --redact takes no value"),
        ("--as 1x f()", "%tracedbg: --as needs the name of a variable, not '1x'"),
        ("--out 'x", "%tracedbg: no closing quotation: 'x"),
    ],
)
def test_what_makes_no_sense_is_told_in_a_line(text, message):
    with pytest.raises(UsageError) as raised:
        parse(text)
    assert str(raised.value) == message
