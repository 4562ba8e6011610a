"""What a page quotes of a program's output, beside what comes out: the same but for times and addresses."""

from __future__ import annotations

import re
from pathlib import Path

LEFT_OUT = "..."
_VARIES = (
    (r"\s+", " "),
    (r"\d+(\.\d+)?(?= +[▏▎▍▌▋▊▉█])", "N"),  # a time before its bar
    (r"[▏▎▍▌▋▊▉█]+", ""),
    (r"\b\d+(\.\d+)? ?(ms|us|s)\b", "N s"),
    (r"\b\d+(\.\d+)? of N s\b", "N of N s"),
    (r"\bseconds +\d+(\.\d+)? +\d+(\.\d+)?", "seconds N N"),
    (r"\bloss \d+\.\d+", "loss N"),
    (r"(under |[-+]|\b)\d+(\.\d+)?%", "N%"),
    (r"\b\d+ samples", "N samples"),
    (r"__inference_(\w+)_\d+", r"__inference_\1"),
)
"""What differs from run to run, or with the machine, and what stands for it. Counts and values do not: they stay."""


def normal(text: str) -> str:
    """Text without what differs from run to run."""
    for pattern, instead in _VARIES:
        text = re.sub(pattern, instead, text)
    return " ".join(text.split())


def missing(quoted: list[str], said: str) -> list[str]:
    """The pieces that are quoted, between lines that are left out, and were not said so."""
    everything = normal(said)
    pieces = "\n".join(quoted).split(f"\n{LEFT_OUT}\n") if quoted else []
    whole = [piece.removeprefix(f"{LEFT_OUT}\n").removesuffix(f"\n{LEFT_OUT}") for piece in pieces]
    return [piece for piece in whole if piece != LEFT_OUT and normal(piece) not in everything]


def quoted_of(page: Path, name: str) -> list[str]:
    """The lines of the block that stands below the comment `<!-- name -->`."""
    found = re.search(rf"<!-- {re.escape(name)} -->\n\n```text\n(.*?)\n```", page.read_text(), re.DOTALL)
    return found[1].splitlines()
