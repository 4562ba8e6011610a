"""The pages of the documentation as data: their fenced blocks, links, headings and commands."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"
ENTRANCES = ("README.md", "SECURITY.md", "CONTRIBUTING.md", "CHANGELOG.md")
_FENCE = re.compile(
    r"^(?P<indent> *)(?P<ticks>`{3,})(?P<language>[^\n`]*)\n(?P<text>.*?)^ *(?P=ticks)$", re.M | re.S
)
_LINK = re.compile(r"!?\[(?:[^\[\]]|\[[^\[\]]*\]|`[^`]*`)*\]\((?P<target>[^()\s]+)\)")
_CODE = re.compile(r"`[^`\n]+`")
_PROMPT = re.compile(r"(?:node\d+)?\$ ")
_HEADING = re.compile(r"^#{1,6} +(.+?) *$", re.M)


@dataclass(frozen=True)
class Block:
    """A fenced block."""

    page: Path
    line: int
    language: str
    text: str

    def __str__(self) -> str:
        return f"{self.page.relative_to(ROOT)}:{self.line}"


def pages() -> list[Path]:
    """Everything that a person reads: the pages of `docs`, and those beside the README."""
    entrances = [ROOT / name for name in ENTRANCES if (ROOT / name).exists()]
    in_docs = [page for page in sorted(DOCS.rglob("*.md")) if "_build" not in page.parts]
    in_packages = sorted((ROOT / "tracedbg").rglob("*.md"))
    return [*entrances, *in_docs, *in_packages]


def blocks(page: Path) -> list[Block]:
    """The fenced blocks of a page."""
    text = page.read_text(encoding="utf-8")
    return [
        Block(page, text.count("\n", 0, found.start()) + 1, found["language"].strip(), found["text"])
        for found in _FENCE.finditer(text)
    ]


def links(page: Path) -> list[tuple[int, str]]:
    """Line and target of each link and picture; what stands in code is none."""
    text = _FENCE.sub(_blank, page.read_text(encoding="utf-8"))
    found = [(match.start(), match["target"]) for match in _LINK.finditer(_CODE.sub(_same_length, text))]
    found += [(match.start(), match[1]) for match in re.finditer(r"<(https?://[^>\s]*)>", text)]
    return [(text.count("\n", 0, start) + 1, target) for start, target in sorted(found)]


def anchors(page: Path) -> set[str]:
    """What `page.md#...` may name: its headings, in the way of GitHub and of MyST."""
    source = page.read_text(encoding="utf-8")
    if included := re.match(r"```\{include\} (\S+)", source):
        return anchors(page.parent / included[1])
    text = _FENCE.sub(_blank, source)
    names: dict[str, int] = {}
    for heading in _HEADING.findall(text):
        slug = re.sub(r"[^\w\- ]", "", heading.replace("`", "").lower()).replace(" ", "-")
        names[slug] = names.get(slug, -1) + 1
        if names[slug]:
            names[f"{slug}-{names[slug]}"] = 0
    return set(names)


def commands(block: Block) -> Iterator[tuple[int, str]]:
    """Line and text of each command: what follows a `$`, also of a named machine; in a script each line of tracedbg."""
    lines = iter(enumerate(block.text.splitlines(), block.line + 1))
    is_script = block.language in ("sh", "bash")
    for number, line in lines:
        prompt = _PROMPT.match(line)
        if prompt or (is_script and "tracedbg " in line):
            command = line[prompt.end() :] if prompt else line
            while command.endswith("\\"):
                command = command[:-1] + next(lines)[1].lstrip("> ")
            yield number, command


def words(command: str) -> list[str]:
    """The words of a command line, without its comment."""
    return shlex.split(command, comments=True)


def _blank(found: re.Match[str]) -> str:
    return "\n" * found[0].count("\n")


def _same_length(found: re.Match[str]) -> str:
    return " " * len(found[0])
