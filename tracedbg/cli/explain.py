"""`tracedbg explain`: what a kind of cause means in each framework, and what to change."""

from __future__ import annotations

import re
import sys
from typing import TYPE_CHECKING, ClassVar

from tracedbg.errors import UsageError

if TYPE_CHECKING:
    import argparse

    from tracedbg.cli.parser import Parser

_ASIDE = re.compile(r" \([^)]*\)")
_END = re.compile(r"\. |[;:] ")


class Explain:
    """Shows what the documentation says of a cause."""

    name: ClassVar[str] = "explain"
    help: ClassVar[str] = "say what a kind of cause means, and what to do about it"

    def configure(self, parser: Parser) -> None:
        """Which kind."""
        parser.add_argument(
            "kind",
            metavar="KIND",
            nargs="?",
            help="as the report names it, such as shape or python_value (default: list all)",
        )

    def run(self, args: argparse.Namespace) -> int:
        """Print the section of the kind, or a line for each."""
        from tracedbg.cli.output import style_for  # noqa: PLC0415  deferred: `--help` need not load it
        from tracedbg.explain.causes_page import sections  # noqa: PLC0415  deferred: likewise
        from tracedbg.report.markdown import as_text  # noqa: PLC0415  deferred: likewise

        style = style_for(sys.stdout)
        said = {kind.value: text for kind, text in sections().items()}
        if args.kind is None:
            width = max(map(len, said)) + 2
            for kind, text in said.items():
                print("\n".join(style.wrap(_first_sentence(text), 0, kind.ljust(width))))
            return 0
        if args.kind not in said:
            raise UsageError(f"no kind of cause named {args.kind!r}; known: {', '.join(said)}")
        print("\n".join([style.paint(args.kind, "bold"), "", *as_text(said[args.kind], style)]))
        return 0


def _first_sentence(markdown: str) -> str:
    """What a section begins with, as far as it stands alone."""
    text = _ASIDE.sub("", " ".join(markdown.split()))
    return _END.split(text, maxsplit=1)[0].removesuffix(".")
