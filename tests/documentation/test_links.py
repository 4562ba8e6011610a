"""Every link of the documentation points to something that is there. Nothing is asked of a network."""

from __future__ import annotations

import re
from urllib.parse import unquote, urlsplit

import pytest

from documentation.pages import DOCS, ROOT, anchors, blocks, links, pages

PAGES = [pytest.param(page, id=str(page.relative_to(ROOT))) for page in pages()]


def broken(page) -> list[str]:
    """The links of a page that lead nowhere."""
    return [
        f"{page.name}:{line}: {target}" for line, target in links(page) if not leads_somewhere(page, target)
    ]


def leads_somewhere(page, target) -> bool:
    parts = urlsplit(target)
    if parts.scheme:
        is_named = re.fullmatch(r"[\w-]+(\.[\w-]+)+(:\d+)?|localhost(:\d+)?", parts.netloc)
        return parts.scheme in ("http", "https") and bool(is_named)
    file = (page.parent / unquote(parts.path)).resolve() if parts.path else page
    if parts.path and not (file.exists() and ROOT in file.parents):
        return False
    return not parts.fragment or (file.suffix == ".md" and unquote(parts.fragment) in anchors(file))


@pytest.mark.parametrize("page", PAGES)
def test_every_link_leads_somewhere(page):
    assert broken(page) == []


def test_a_broken_link_is_noticed(tmp_path):
    page = tmp_path / "page.md"
    page.write_text(
        "# Here\n[a](nowhere.md) [b](#here) [c](#there) ![d](no.svg) [e](https://) [f](ftp://x.org)\n"
        "`[g](in-code.md)`\n```text\n[h](in-a-block.md)\n```\n[`i` [j]](page.md)\n"
    )
    assert [found.partition(": ")[2] for found in broken(page)] == [
        *("nowhere.md", "#there", "no.svg", "https://", "ftp://x.org"),
        "page.md",  # it is outside of the project
    ]


def test_every_page_is_in_the_table_of_contents():
    listed = set()
    for index in DOCS.rglob("index.md"):
        for block in blocks(index):
            if block.language == "{toctree}":
                entries = [line for line in block.text.splitlines() if line and not line.startswith(":")]
                listed |= {(index.parent / f"{entry}.md").resolve() for entry in entries}
    in_docs = {page for page in pages() if DOCS in page.parents}
    assert listed == in_docs - {DOCS / "index.md"}
