"""What is left on the terminal of a program's output, when it has failed and its console is gone."""

from __future__ import annotations

from tracedbg_tui.tail import Tail


def tail(*chunks):
    kept = Tail()
    for chunk in chunks:
        kept.add(chunk)
    return kept.lines()


def test_lines_are_those_that_were_to_be_read():
    assert tail(b"\x1b[31mred\x1b[0m\r\n", b" 10%\r 90%\r100%\r\n", b"bell\x07\xff\r\n\r\n") == [
        "red",
        "100%",
        "bell\N{REPLACEMENT CHARACTER}",
    ]


def test_only_the_end_is_kept_and_no_line_is_cut():
    assert tail(*(b"%04d %s\n" % (number, b"x" * 90) for number in range(1000))) == [
        f"{number:04} {'x' * 90}" for number in range(980, 1000)
    ]
    assert tail(b"y" * 10_000 + b"\nlast\n") == ["last"]
    assert tail() == []
