"""`tracedbg run`: the user's program as it would run alone, then a report on stderr.

On a terminal the user interface shows it meanwhile. It must not know how a program is observed: it
starts plain Python with the boot folder at the head of PYTHONPATH, and reads the recording when the
program has ended.
"""

from __future__ import annotations

import os
import sys
import time
from typing import TYPE_CHECKING, ClassVar

from tracedbg import plugins
from tracedbg.cli.child import end_like, run_program
from tracedbg.cli.interface import wanted_interface
from tracedbg.cli.interpreter import named_python, same_python
from tracedbg.cli.listening import announce, listening_at
from tracedbg.cli.observation import boot_notes, has_recordings
from tracedbg.cli.observing import options_of, take_observing
from tracedbg.cli.order import Order, at_a_prompt, for_a_client, unobserved
from tracedbg.cli.output import (
    check_writable,
    complain,
    open_output,
    report_as_html,
    report_as_json,
    show_report,
    silence,
    with_native,
)
from tracedbg.cli.program import check_program
from tracedbg.cli.ranks import check_torchrun, member_of, run_folder, torchrun_command
from tracedbg.errors import TracedbgError, UsageError
from tracedbg.redaction import redacted_argv

if TYPE_CHECKING:
    import argparse
    from collections.abc import Callable

    from tracedbg.cli.child import Ended
    from tracedbg.cli.interface import Interface
    from tracedbg.cli.parser import Parser
    from tracedbg.store.run import RunFolder

_WHY_UNOBSERVED = " (was it started with -I, -E or -S, or with a PYTHONPATH of its own?)"


class Run:
    """Runs a program under observation."""

    name: ClassVar[str] = "run"
    help: ClassVar[str] = "run a program and report what was traced, and why again"

    def configure(self, parser: Parser) -> None:
        """Options of ours end where the program begins."""
        parser.usage = "tracedbg run [options] (SCRIPT | -m MODULE) [arguments]"
        parser.add_argument("--json", metavar="FILE", help="write the report to FILE as JSON, too")
        parser.add_argument(
            "--html", metavar="FILE", help="write the report to FILE as one page for a browser, too"
        )
        parser.add_argument("--out", metavar="DIR", help="record into DIR instead of .tracedbg/<time>")
        take_observing(parser)
        parser.add_argument(
            "--native",
            action="store_true",
            help="sample functions of C and C++ as well, by py-spy, 50 times a second (with --no-tui, or"
            " where there is no terminal)",
        )
        parser.add_argument(
            "--no-children",
            action="store_true",
            help="record the program's own process alone (of many ranks: one of each rank)",
        )
        parser.take_options_of(
            "--torchrun",
            metavar='"OPTIONS"',
            help="run it by torchrun with these options, such as '--nproc-per-node 4', and record each rank",
        )
        parser.add_argument("--quiet", action="store_true", help="no report on stderr")
        parser.add_argument("--no-tui", action="store_true", help="no user interface: only the report")
        parser.add_argument(
            "--listen",
            metavar="SOCKET",
            nargs="?",
            const="",
            help="wait for `tracedbg connect` at a Unix socket (as --listen=SOCKET; by itself: at a new one),"
            " and run without an interface here",
        )
        parser.add_argument(
            "--break",
            metavar="SPEC",
            dest="breaks",
            action="append",
            default=[],
            help="stop there, in the interface or at a prompt: FILE:LINE, op:PATTERN, or one of nan, inf,"
            " shape, retrace, graph_break, silent_eager, host_sync, error; each may end in 'if CONDITION';"
            " repeatable",
        )
        parser.add_argument(
            "--python-mode",
            action="store_true",
            help="with --break: run compiled functions as plain Python, with all their variables",
        )
        parser.add_argument(
            "--debug-datasets",
            action="store_true",
            help="with --break: run the functions of tf.data pipelines as plain Python",
        )
        parser.add_argument(
            "--python",
            metavar='"EXE [options]"',
            help="the Python to use (default: this one, with the options it was started with)",
        )
        parser.take_program()

    def run(self, args: argparse.Namespace) -> int:
        """Run the program; its exit code, or its death by a signal, is ours."""
        _check_listen(args)
        check_program("run", args.program)
        if args.torchrun is not None:
            check_torchrun(args)
        python = named_python(args.python) if args.python is not None else same_python()
        for name, file in (("--json", args.json), ("--html", args.html)):
            if file:
                check_writable(file, name)
        _check_breaks(args)
        member = member_of(os.environ, args.torchrun)
        is_one_of_many = member is not None or args.torchrun is not None
        options = options_of(args)
        with listening_at(args.listen) as socket:
            is_shown = not args.no_tui and socket is None and not is_one_of_many
            interface = wanted_interface() if is_shown else None
            if args.native and interface is not None:
                raise UsageError("--native needs --no-tui")
            redacted = "redact" in options
            program = redacted_argv(args.program) if redacted else args.program
            folder = run_folder(args.out, program, member, redacted=redacted)
            debug = _debugging(args, is_shown=interface is not None, socket=socket)
            command = [*python, *args.program]
            if args.torchrun is not None:
                command = torchrun_command(python, args.torchrun, args.program)
            order = Order(command, _cwd(), folder.path, {}, debug, options)
            if socket is not None:
                announce(socket, folder.path)
            ended, has_ended = _run(order, folder, interface, is_native=args.native)
        if has_ended:
            _report_whatever_happens(folder, args)
        return end_like(ended)


def _check_listen(args: argparse.Namespace) -> None:
    """Say how a path is given: `--listen PATH` takes it for the script."""
    first, *rest = args.program or [""]
    if args.listen == "" and rest and not os.path.exists(first) and os.path.isfile(rest[0]):
        raise UsageError(f"no such script: {first}; to listen there: --listen={first} {rest[0]}")


def _run(
    order: Order, folder: RunFolder, interface: Interface | None, *, is_native: bool
) -> tuple[Ended, bool]:
    """How the program ended, and whether the run has: other ranks may still write into it."""
    started_ns = time.monotonic_ns()
    has_ended = True

    def finish(ended: Ended) -> None:
        nonlocal has_ended
        took_ns = time.monotonic_ns() - started_ns
        has_ended = folder.finish(exit_code=ended.exit_code, signal=ended.signal, wall_ns=took_ns)

    try:
        if interface is not None:
            import shlex  # noqa: PLC0415  deferred: only for a person

            return interface.run(order, shlex.join(folder.info.argv), finish), has_ended
        samplers: list[int] = []
        started = _sampler(folder, samplers) if is_native else lambda _: None
        ended = run_program(order.command, order.environment(), _load_reporting, started)
    except OSError as error:
        raise UsageError(f"cannot start {order.command[0]}: {error.strerror or error}") from error
    finish(ended)
    for sampler in samplers:
        from tracedbg.cli import native  # noqa: PLC0415  deferred: only where it is asked for

        native.finish(sampler)
    return ended, has_ended


def _sampler(folder: RunFolder, samplers: list[int]) -> Callable[[int], None]:
    """What samples the program's native stacks once it has started."""
    from tracedbg.cli import native  # noqa: PLC0415  deferred: only where it is asked for

    if not native.is_possible():
        complain(native.MISSING)
        return lambda _: None

    def start(pid: int) -> None:
        sampler = native.start(pid, folder.path)
        if sampler is not None:
            samplers.append(sampler)

    return start


def _cwd() -> str:
    try:
        return os.getcwd()
    except OSError:  # it has been removed
        return ""


def _check_breaks(args: argparse.Namespace) -> None:
    """Refuse what makes no sense before anything is recorded.

    Raises:
        UsageError: a `--break` makes no sense, or an option needs one.
    """
    for name in ("python_mode", "debug_datasets"):
        if getattr(args, name) and not args.breaks:
            raise UsageError(f"--{name.replace('_', '-')} does nothing without --break")
    if args.breaks:
        from tracedbg.engine.specs import parse  # noqa: PLC0415  deferred: `--help` need not load it

        for spec in args.breaks:
            parse(spec)


def _debugging(args: argparse.Namespace, *, is_shown: bool, socket: str | None) -> str:
    """How to debug the program: as text; empty if nothing is to stop."""
    wanted = {"python_mode": args.python_mode, "debug_datasets": args.debug_datasets}
    if is_shown or socket is not None:
        return for_a_client(args.breaks, **wanted, listen_at=socket or "")
    return at_a_prompt(args.breaks, **wanted) if args.breaks else ""


def _load_reporting() -> None:
    """Import, while the program runs, what the report will need."""
    try:
        from tracedbg import explain  # noqa: F401, PLC0415  deferred: the program starts first
        from tracedbg.report import json, text  # noqa: F401, PLC0415  deferred: likewise
        from tracedbg.store import reader  # noqa: F401, PLC0415  deferred: likewise
    except Exception:  # noqa: BLE001, S110  the report will say what is wrong, when the program has ended
        pass


def _report_whatever_happens(folder: RunFolder, args: argparse.Namespace) -> None:
    """Report; the program has run, so that its own end is what we tell even if we cannot."""
    try:
        _report(folder, args)
    except TracedbgError as error:
        complain(str(error))
    except KeyboardInterrupt:
        pass  # nobody wants to read it
    except BrokenPipeError:
        silence(sys.stderr)
    except OSError as error:  # the program, or somebody else, has removed it
        complain(f"no report: cannot read {folder.path}: {error.strerror or error}")
    except Exception as error:  # noqa: BLE001  a fault of ours
        complain(
            f"no report, by a fault of tracedbg: {type(error).__name__}: {error};"
            f" the recording is in {folder.path}"
        )


def _report(folder: RunFolder, args: argparse.Namespace) -> None:
    notes = boot_notes(folder.path)
    for line in unobserved(folder.path, _WHY_UNOBSERVED):
        complain(line)
    is_written = args.json or args.html
    if not is_written and not has_recordings(folder.path):
        if args.torchrun is not None and len(notes) == 1:  # its own
            complain("torchrun has started no rank: it says why above")
        elif notes and not args.quiet:
            packages = " nor ".join(plugins.watched_packages())
            complain(f"nothing was traced: the program imported neither {packages}")
        return
    from tracedbg.explain import summarise  # noqa: PLC0415  deferred: the program starts first
    from tracedbg.store.reader import Run as Recording  # noqa: PLC0415  deferred: likewise

    with Recording.open(folder.path) as recording:
        summary = with_native(summarise(recording), folder.path)
        page = report_as_html(recording, summary) if args.html else ""
    if args.html:
        with open_output(args.html) as stream:
            stream.write(page)
    if args.json:
        with open_output(args.json) as stream:
            stream.write(report_as_json(summary))
    if not args.quiet and sys.stderr is not None:
        show_report(summary, sys.stderr)
