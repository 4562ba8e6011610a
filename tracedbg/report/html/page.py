"""One page: head, contents, sections, style and script in one file that loads nothing.

It must not know what a section says.
"""

from __future__ import annotations

import base64
from functools import lru_cache
from hashlib import sha256
from importlib.resources import files
from typing import TYPE_CHECKING

from tracedbg import __version__
from tracedbg.report.html.markup import Element, Inline, element, render
from tracedbg.report.html.palette import stylesheet

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tracedbg.report.html.markup import Node
    from tracedbg.report.html.parts import Section

STYLE = "page.css"
SCRIPTS = ("theme.js", "tables.js", "flame.js", "page.js")


def page(title: str, header: Node, sections: Sequence[Section]) -> str:
    """A whole page.

    Args:
        title: of the window.
        header: what stands above everything.
        sections: in their order.
    """
    head = element(
        "head",
        element("meta", charset="utf-8"),
        element("meta", http_equiv="Content-Security-Policy", content=policy()),
        element("meta", name="viewport", content="width=device-width, initial-scale=1"),
        element("meta", name="referrer", content="no-referrer"),
        element("meta", name="generator", content=f"tracedbg {__version__}"),
        element("title", f"{title} - tracedbg"),
        element("style", Inline(style())),
    )
    body = element(
        "body",
        element("a", "Skip to the report", href="#report", class_="skip"),
        header,
        element(
            "div",
            _contents(sections),
            element("main", [section.node() for section in sections], id="report", tabindex="-1"),
            class_="layout",
        ),
        element(
            "footer",
            element(
                "p",
                f"Made by tracedbg {__version__} from what it has recorded. This file loads nothing and sends"
                " nothing.",
            ),
        ),
        element("script", Inline(script())),
    )
    return f"<!doctype html>\n{render(element('html', head, body, lang='en'))}\n"


def policy() -> str:
    """What a browser may do with the page: the style and the script that are in it, and nothing else."""
    return (
        f"default-src 'none'; style-src '{_hash(style())}'; script-src '{_hash(script())}';"
        " base-uri 'none'; form-action 'none'"
    )


@lru_cache(maxsize=1)
def style() -> str:
    """The whole style."""
    return f"\n{stylesheet()}{_asset(STYLE)}"


@lru_cache(maxsize=1)
def script() -> str:
    """The whole script."""
    return "\n" + "".join(_asset(name) for name in SCRIPTS)


def _asset(name: str) -> str:
    return files("tracedbg.report.html").joinpath("assets").joinpath(name).read_text(encoding="ascii")


def _hash(text: str) -> str:
    return f"sha256-{base64.b64encode(sha256(text.encode()).digest()).decode()}"


def _contents(sections: Sequence[Section]) -> Element:
    items = [
        element(
            "li",
            element(
                "a",
                section.title,
                element("span", section.count, class_="count") if section.count else None,
                href=f"#{section.slug}",
            ),
        )
        for section in sections
    ]
    return element("nav", element("ol", items), aria_label="Contents", class_="contents")
