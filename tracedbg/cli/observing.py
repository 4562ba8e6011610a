"""The options that say what is observed of a program, and what they come to.

It must not know how the program is run.
"""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from tracedbg import redaction
from tracedbg.cli.program import positive
from tracedbg.errors import UsageError
from tracedbg.store import DEFAULT_MAX_MB, MAX_RATE_HZ

if TYPE_CHECKING:
    from tracedbg.cli.parser import Parser

DEFAULT_RATE_HZ = 100


def take_observing(parser: Parser) -> None:
    """Take the options."""
    parser.add_argument(
        "--max-mb",
        metavar="N",
        type=positive,
        default=DEFAULT_MAX_MB,
        help="bound of each process' recording (default: %(default)s); past it, counts go on",
    )
    parser.add_argument(
        "--kernels",
        metavar="N",
        nargs="?",
        const="",
        help="time kernels by the framework's own profiler, and report the lines that they come from: for"
        " N steps of the repeated function (as --kernels=10) or seconds (as --kernels=2s); by itself: 10"
        " steps, or as many as are done in a second",
    )
    parser.add_argument(
        "--ops",
        action="store_true",
        help="record the ops that are executed, with their lines: how often, and how long; and the graphs"
        " that steps of eager code build",
    )
    parser.add_argument(
        "--ops-steps",
        metavar="FROM:TO",
        help="with --ops: keep each execution in a window, too: by steps (as 10:20), calls of a function (as"
        " train_step@10:20) or seconds (as 2s:5s)",
    )
    parser.add_argument(
        "--redact",
        action="store_true",
        help="keep the program's values out of the recording: of arguments, guards and errors stay types,"
        " shapes and dtypes, and of its command line the script (see SECURITY.md)",
    )
    parser.add_argument(
        "--rate",
        metavar="HZ",
        type=_rate,
        default=DEFAULT_RATE_HZ,
        help="how often threads are sampled, to tell where the time goes (default: %(default)s; 0: not"
        " at all)",
    )


def options_of(args: argparse.Namespace) -> dict[str, object]:
    """What `options.Options` is to be, as far as the user has said it.

    Raises:
        UsageError: an option makes no sense.
    """
    options: dict[str, object] = {"max_mb": args.max_mb, "rate_hz": args.rate}
    if getattr(args, "no_children", False):
        options["children"] = False
    if args.redact or redaction.is_wanted():
        options["redact"] = redaction.new_key()
    if args.kernels is not None:
        from tracedbg.window import WindowSpec  # noqa: PLC0415  deferred: `--help` need not load it

        WindowSpec.parse(args.kernels)
        options["kernels"] = args.kernels
    if args.ops_steps is not None and not args.ops:
        raise UsageError("--ops-steps does nothing without --ops")
    if args.ops:
        from tracedbg.op_window import OpWindow  # noqa: PLC0415  deferred: `--help` need not load it

        options["ops"] = args.ops_steps or ""
        OpWindow.parse(args.ops_steps or "")
    return options


def _rate(text: str) -> int:
    if not text.isdecimal() or int(text) > MAX_RATE_HZ:
        raise argparse.ArgumentTypeError(f"'{text}' is no rate: name 0 to {MAX_RATE_HZ} samples a second")
    return int(text)
