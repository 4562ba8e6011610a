"""`tracedbg compare`: where traced code first computes something else than the same code run eagerly.

It must not know how the two are run: it starts the program with the comparers in it, and shows what they
have written.
"""

from __future__ import annotations

import os
import sys
import tempfile
from typing import TYPE_CHECKING, ClassVar

from tracedbg.cli.child import Ended, end_like, run_program
from tracedbg.cli.interpreter import named_python, same_python
from tracedbg.cli.observation import boot_notes, environment
from tracedbg.cli.output import check_writable, complain, open_output
from tracedbg.cli.program import check_program, positive
from tracedbg.errors import UsageError

if TYPE_CHECKING:
    import argparse

    from tracedbg.cli.parser import Parser
    from tracedbg.comparing import Found

DIFFERS = 1
_CALLS = 3


class Compare:
    """Runs a program, and each call of its traced functions eagerly as well."""

    name: ClassVar[str] = "compare"
    help: ClassVar[str] = "run a program and name the line at which traced code differs from eager code"

    def configure(self, parser: Parser) -> None:
        """Options of ours end where the program begins."""
        parser.usage = "tracedbg compare [options] (SCRIPT | -m MODULE) [arguments]"
        parser.add_argument(
            "--function",
            metavar="NAME",
            dest="functions",
            action="append",
            default=[],
            help="only traced functions of that name; `*` stands for anything; repeatable",
        )
        parser.add_argument(
            "--calls",
            metavar="N",
            type=positive,
            default=_CALLS,
            help="how many calls of each function (default: %(default)s)",
        )
        parser.add_argument(
            "--tolerance",
            metavar="X",
            type=_factor,
            default=1.0,
            help="multiply what counts as rounding by X (default: 1)",
        )
        parser.add_argument("--json", metavar="FILE", help="write the comparisons to FILE as JSON, too")
        parser.add_argument(
            "--python",
            metavar='"EXE [options]"',
            help="the Python to use (default: this one, with the options it was started with)",
        )
        parser.take_program()

    def run(self, args: argparse.Namespace) -> int:
        """Run the program; 1 if something differs, and its own exit code if that is not 0."""
        from tracedbg.comparing import COMPARE_VARIABLE, read  # noqa: PLC0415  deferred: `--help` need not load it

        check_program("compare", args.program)
        python = named_python(args.python) if args.python is not None else same_python()
        if args.json:
            check_writable(args.json, "--json")
        with tempfile.TemporaryDirectory(prefix="tracedbg-") as folder:
            output = os.path.join(folder, "compared.jsonl")
            variables = environment(folder)
            variables[COMPARE_VARIABLE] = _options(args, output)
            try:
                ended = run_program([*python, *args.program], variables)
            except OSError as error:
                raise UsageError(f"cannot start {python[0]}: {error.strerror or error}") from error
            found = read(output)
            for pid, note in boot_notes(folder).items():
                for line in note.splitlines():
                    complain(f"process {pid} was not compared: {line}")
        _tell(found, args)
        return _end(ended, found)


def _options(args: argparse.Namespace, output: str) -> str:
    from tracedbg.compare.comparer import CompareOptions  # noqa: PLC0415  deferred: `--help` need not load it

    return CompareOptions(tuple(args.functions), args.calls, args.tolerance, output).to_text()


def _factor(text: str) -> float:
    number = float(text)
    if not number > 0:
        raise ValueError
    return number


_factor.__name__ = "positive number"  # argparse: "invalid positive number value: '0'"


def _tell(found: Found, args: argparse.Namespace) -> None:
    from tracedbg.compare.text import to_text  # noqa: PLC0415  deferred: `--help` need not load it

    if found.comparisons:
        print(f"\n{to_text(found.comparisons)}", file=sys.stderr)
    elif found.left_alone:
        wanted, called = ", ".join(args.functions), ", ".join(found.left_alone)
        complain(f"no traced function named {wanted} was called from eager code; called were {called}")
    else:
        complain("no call of a traced function was compared: none was made from eager code")
    if args.json:
        import json  # noqa: PLC0415  deferred: `--help` need not load it

        from tracedbg.compare.data import FORMAT, to_data  # noqa: PLC0415  deferred: likewise

        with open_output(args.json) as stream:
            data = {"format": FORMAT, "comparisons": [to_data(one) for one in found.comparisons]}
            stream.write(json.dumps(data, indent=1) + "\n")


def _end(ended: Ended, found: Found) -> int:
    code = end_like(ended)
    if code:
        return code
    return DIFFERS if any(one.verdict == "differs" for one in found.comparisons) else 0
