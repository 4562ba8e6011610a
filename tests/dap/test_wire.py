"""The base protocol: messages in pieces, messages that are none, numbers that JSON has not."""

from __future__ import annotations

import json
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tracedbg.dap.wire import MAX_HEADER_BYTES, Decoder, FramingError, Malformed, encode

JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**53), 2**53)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)


@given(st.lists(st.dictionaries(st.text(), JSON, max_size=4), max_size=4), st.integers(1, 50))
def test_messages_come_out_as_they_went_in_however_they_are_cut(messages, size):
    data = b"".join(map(encode, messages))
    decoder = Decoder()
    found = [one for at in range(0, len(data), size) for one in decoder.feed(data[at : at + size])]
    assert found == [json.loads(json.dumps(one)) for one in messages]


def test_what_json_has_not_is_sent_as_text():
    (found,) = Decoder().feed(encode({"a": [math.nan, math.inf, 1.5], "b": {"c": -math.inf}}))
    assert found == {"a": ["nan", "inf", 1.5], "b": {"c": "-inf"}}


def test_half_a_character_does_not_break_the_text():
    (found,) = Decoder().feed(encode({"a": "x\ud800y"}))
    assert found == {"a": "x?y"}


def framed(body):
    return b"Content-Length: %d\r\n\r\n%s" % (len(body), body)


@pytest.mark.parametrize(
    ("body", "why"),
    [
        (
            b"{",
            "a message that is no JSON: JSONDecodeError: Expecting property name enclosed in double quotes",
        ),
        (b"\xff", "a message that is no JSON: UnicodeDecodeError: 'utf-8' codec can't decode byte 0xff"),
        (b"[1]", "a message that is no JSON object but a list"),
        (b"[" * 100_000, "a message that is no JSON: RecursionError: maximum recursion depth exceeded"),
    ],
)
def test_a_message_that_cannot_be_read_leaves_the_next_one_whole(body, why):
    bad, good = Decoder().feed(framed(body) + framed(b'{"seq": 1}'))
    assert isinstance(bad, Malformed)
    assert bad.why.startswith(why)
    assert good == {"seq": 1}


@pytest.mark.parametrize(
    ("header", "why"),
    [
        (b"Content-Length: x", "Content-Length b'x' is no number of bytes"),
        (b"Content-Length: -1", "Content-Length b'-1' is no number of bytes"),
        (b"Content-Length: 99999999", "a message of 99999999 bytes; at most 16777216 are read"),
        (b"Content-Length: " + b"9" * 5000, f"no header in {MAX_HEADER_BYTES} bytes"),
        (b"Content-Type: x", "a header without Content-Length: b'Content-Type: x'"),
        (
            b"POST / HTTP/1.1\r\nContent-Length: 2",
            "a header that is none: b'POST / HTTP/1.1\\r\\nContent-Length: 2'",
        ),
    ],
)
def test_a_header_that_is_none_ends_the_stream(header, why):
    with pytest.raises(FramingError) as raised:
        Decoder().feed(header + b"\r\n\r\n{}")
    assert str(raised.value) == why


def test_a_header_without_an_end_is_not_waited_for_for_ever():
    with pytest.raises(FramingError, match=r"^no header in 4096 bytes$"):
        Decoder().feed(b"x" * (MAX_HEADER_BYTES + 1))
