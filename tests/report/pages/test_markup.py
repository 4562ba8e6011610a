"""The one place where text becomes markup."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from report.pages.parsed import parsed
from tracedbg.plain import plain
from tracedbg.report.html.markup import Inline, element, render

HOSTILE = [
    "</script><script>alert(1)</script>",
    "<!-- ", "]]>", "<svg/onload=alert(1)>", "&lt;b&gt;", "\" onclick=\"alert(1)", "' x='", "`${1}`",
    "javascript:alert(1)", "\x00\x1b[31m\x07", "\u202e\u2066\u200f", "\ud800", "a\r\nb", "</code></pre></main>",
]  # fmt: skip


@pytest.mark.parametrize("text", HOSTILE)
def test_text_is_text_in_an_element_and_in_an_attribute(text):
    page = parsed(render(element("p", text, title=text, data_name=text)))
    paragraph = page.one()
    expected = "\n".join(plain(line) for line in text.split("\n"))
    assert (paragraph.name, list(paragraph.attributes)) == ("p", ["title", "data-name"])
    assert paragraph.text == paragraph.attributes["title"] == paragraph.attributes["data-name"] == expected


@given(st.text())
def test_any_text_comes_back_spelled_out_and_in_ascii(text):
    made = render(element("p", text, title=text))
    assert made.isascii()
    expected = "\n".join(plain(line.expandtabs(4)) for line in text.split("\n"))
    assert parsed(made).one("p").text == parsed(made).one("p").attributes["title"] == expected


def test_elements_are_written_in_their_order():
    made = element("ul", [element("li", "a & b"), None, element("li", 7, class_="x", hidden=True, id=None)])
    assert render(made) == '<ul><li>a &amp; b</li><li class="x" hidden>7</li></ul>'


def test_numbers_are_exact_to_the_nanosecond():
    assert render(element("td", data_value=0.1 + 0.2)) == '<td data-value="0.3"></td>'
    assert render(element("td", data_value=1e-9)) == '<td data-value="0.000000001"></td>'


@pytest.mark.parametrize("name", ["a b", "a>", "onclick=x", "", "A"])
def test_a_name_that_is_none_is_refused(name):
    with pytest.raises(ValueError, match=r" is no name of an element or attribute$"):
        render(element(name))
    with pytest.raises(ValueError, match=r" is no name of an element or attribute$"):
        render(element("p", **{name: "x"}))


@pytest.mark.parametrize("text", ["</style>", "<!--", "\u00e9"])
def test_a_style_or_script_that_could_end_itself_is_refused(text):
    with pytest.raises(
        ValueError, match=r"^what stands in a style or script must be ASCII, and hold no markup$"
    ):
        Inline(text)
