"""`tracedbg attach`: what a process is doing that is running already. It must not know what stacks mean."""

from __future__ import annotations

import json
import math
import os
import signal
import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING, ClassVar

from tracedbg.attach import MAX_NATIVE_RATE_HZ, MAX_RATE_HZ
from tracedbg.cli.output import check_writable, open_output, style_for
from tracedbg.cli.program import positive
from tracedbg.cli.progress import working
from tracedbg.errors import UsageError

if TYPE_CHECKING:
    import argparse
    from collections.abc import Iterator

    from tracedbg.attach.process import LiveProcess
    from tracedbg.attach.reading import Reader
    from tracedbg.cli.parser import Parser

_RATE_HZ = 50
_STDOUT = "-"


class Attach:
    """Shows what a live process is doing."""

    name: ClassVar[str] = "attach"
    help: ClassVar[str] = "show what a running process is doing: its stacks, or where some seconds of it go"

    def configure(self, parser: Parser) -> None:
        """Which process, for how long, and in what form."""
        parser.add_argument("pid", metavar="PID", type=positive, help="the number of a Python process")
        parser.add_argument(
            "--seconds",
            metavar="N",
            type=_seconds,
            help="sample it for N seconds, or until Ctrl-C, and add up (default: its stacks as they are now)",
        )
        parser.add_argument(
            "--rate",
            metavar="HZ",
            type=positive,
            help=f"samples a second (default: {_RATE_HZ}; at most {MAX_RATE_HZ},"
            f" and {MAX_NATIVE_RATE_HZ} with --native)",
        )
        parser.add_argument("--native", action="store_true", help="with the frames of C and C++")
        parser.add_argument(
            "--subprocesses", action="store_true", help="with the processes that it has started"
        )
        parser.add_argument(
            "--full", action="store_true", help="every frame of the libraries, not their number"
        )
        parser.add_argument(
            "--format",
            choices=("text", "json", "collapsed"),
            default="text",
            help="for a person, for a program, or for a flame graph",
        )
        parser.add_argument("--output", metavar="FILE", help="write to FILE instead of stdout")
        parser.add_argument(
            "--json", metavar="FILE", help="short for --format json --output FILE (-: to stdout)"
        )

    def run(self, args: argparse.Namespace) -> int:
        """Write what is seen to stdout or a file."""
        if args.json:
            if args.format == "collapsed" or args.output:
                other = "--output" if args.output else f"--format {args.format}"
                raise UsageError(f"--json and {other}: name one; --output says where it goes")
            args.format, args.output = "json", args.json
        if args.output == _STDOUT:
            args.output = None
        args.rate = _rate(args)
        if args.output:
            check_writable(args.output, "--output")
        with _cleaning_up():
            text = _look(args)
        if not args.output:
            print(text, end="", flush=True)
        else:
            with open_output(args.output) as stream:
                stream.write(text)
        return 0


class _EndedError(BaseException):
    """A signal that is to end us, once what we have started has ended."""

    def __init__(self, number: int) -> None:
        super().__init__(number)
        self.number = number


@contextmanager
def _cleaning_up() -> Iterator[None]:
    """End py-spy before SIGTERM or SIGHUP ends us, and as they do."""

    def end(number: int, _: object) -> None:
        raise _EndedError(number)

    numbers = [one for one in (signal.SIGTERM, signal.SIGHUP) if signal.getsignal(one) is signal.SIG_DFL]
    for one in numbers:
        signal.signal(one, end)
    try:
        yield
    except _EndedError as ended:
        signal.signal(ended.number, signal.SIG_DFL)
        os.kill(os.getpid(), ended.number)
    finally:
        for one in numbers:
            signal.signal(one, signal.SIG_DFL)


def _look(args: argparse.Namespace) -> str:
    from tracedbg import plugins  # noqa: PLC0415  deferred: `--help` need not load it
    from tracedbg.attach.reading import Reader  # noqa: PLC0415  deferred: likewise
    from tracedbg.attach.refusal import find_process, refused  # noqa: PLC0415  deferred: likewise
    from tracedbg.pyspy import PySpyError  # noqa: PLC0415  deferred: likewise

    process = find_process(args.pid)
    reader = Reader(plugins.activity_rules(), process)
    try:
        if args.seconds is None:
            return _stacks(process, reader, args)
        return _recorded(process, reader, args)
    except PySpyError as error:
        raise refused(error, args.pid) from error


def _stacks(process: LiveProcess, reader: Reader, args: argparse.Namespace) -> str:
    from tracedbg.attach.record import look  # noqa: PLC0415  deferred: `--help` need not load it
    from tracedbg.report.live import stacks_text  # noqa: PLC0415  deferred: likewise
    from tracedbg.report.live_data import collapsed, stacks_data  # noqa: PLC0415  deferred: likewise

    with working(f"reading process {process.pid}"):
        threads = look(process.pid, native=args.native, subprocesses=args.subprocesses)
    if args.format == "json":
        return json.dumps(stacks_data(process, threads, reader), indent=1) + "\n"
    if args.format == "collapsed":
        return collapsed((thread.name, thread.frames, 1) for thread in threads)
    return stacks_text(process, threads, reader, style_for(sys.stdout), full=args.full)


def _recorded(process: LiveProcess, reader: Reader, args: argparse.Namespace) -> str:
    from tracedbg.attach.record import Plan, record  # noqa: PLC0415  deferred: `--help` need not load it
    from tracedbg.report.live import tally_text  # noqa: PLC0415  deferred: likewise
    from tracedbg.report.live_data import collapsed, tally_data  # noqa: PLC0415  deferred: likewise

    with working(f"sampling process {process.pid} for {args.seconds:g} s, Ctrl-C ends it"):
        plan = Plan(process.pid, args.seconds, args.rate, args.native, args.subprocesses)
        tally = record(plan, reader)
    if args.format == "json":
        return json.dumps(tally_data(process, tally), indent=1) + "\n"
    if args.format == "collapsed":
        return collapsed(
            (tally.threads[thread].name, stack, number) for (thread, stack), number in tally.stacks.items()
        )
    return tally_text(process, tally, style_for(sys.stdout), asked_s=args.seconds, native=args.native)


def _rate(args: argparse.Namespace) -> int:
    most = MAX_NATIVE_RATE_HZ if args.native else MAX_RATE_HZ
    if args.rate is None:
        return _RATE_HZ
    if args.seconds is None:
        raise UsageError("--rate needs --seconds: stacks as they are now are taken once")
    if args.rate > most:
        kind = " with --native" if args.native else ""
        raise UsageError(f"--rate {args.rate}: at most {most}{kind}, above which py-spy falls behind")
    rate: int = args.rate
    return rate


def _seconds(text: str) -> float:
    number = float(text)
    if not 0 < number < math.inf:
        raise ValueError
    return number


_seconds.__name__ = "number of seconds"  # argparse: "invalid number of seconds value: '0'"
