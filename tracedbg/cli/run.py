"""`tracedbg run`: the user's program as it would run alone, then a report on stderr.

It must not know how a program is observed: it starts plain Python with the boot folder at the head
of PYTHONPATH, and reads the recording when the program has ended.
"""

from __future__ import annotations

import sys
import time
from typing import TYPE_CHECKING, ClassVar

from tracedbg import plugins
from tracedbg.cli.child import end_like, run_program
from tracedbg.cli.interpreter import named_python, same_python
from tracedbg.cli.observation import boot_notes, environment, has_recordings
from tracedbg.cli.output import check_writable, complain, open_output, report_as_json, show_report, silence
from tracedbg.cli.program import check_program, positive
from tracedbg.debugger import DebugOptions, modes
from tracedbg.errors import TracedbgError, UsageError
from tracedbg.store import DEFAULT_MAX_MB

if TYPE_CHECKING:
    import argparse

    from tracedbg.cli.parser import Parser
    from tracedbg.store.run import RunFolder


class Run:
    """Runs a program under observation."""

    name: ClassVar[str] = "run"
    help: ClassVar[str] = "run a program and report what was traced, and why again"

    def configure(self, parser: Parser) -> None:
        """Options of ours end where the program begins."""
        parser.usage = "tracedbg run [options] (SCRIPT | -m MODULE) [arguments]"
        parser.add_argument("--json", metavar="FILE", help="write the report to FILE as JSON, too")
        parser.add_argument("--out", metavar="DIR", help="record into DIR instead of .tracedbg/<time>")
        parser.add_argument(
            "--max-mb",
            metavar="N",
            type=positive,
            default=DEFAULT_MAX_MB,
            help="bound of each process' recording (default: %(default)s); past it, counts go on",
        )
        parser.add_argument("--quiet", action="store_true", help="no report on stderr")
        parser.add_argument("--no-tui", action="store_true", help="no user interface: only the report")
        parser.add_argument(
            "--break",
            metavar="SPEC",
            dest="breaks",
            action="append",
            default=[],
            help="stop there, at a prompt: FILE:LINE, op:PATTERN, or one of nan, inf, shape, retrace,"
            " graph_break, silent_eager, host_sync, error; each may end in 'if CONDITION'; repeatable",
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
        check_program("run", args.program)
        python = named_python(args.python) if args.python is not None else same_python()
        if args.json:
            check_writable(args.json, "--json")
        from tracedbg.store.run import create_run  # noqa: PLC0415  deferred: `--help` need not load it

        debug = _debugging(args)
        folder = create_run(args.out, args.program)
        started_ns = time.monotonic_ns()
        try:
            ended = run_program(
                [*python, *args.program],
                environment(folder.path, max_mb=args.max_mb, debug=debug),
                _load_reporting,
            )
        except OSError as error:
            raise UsageError(f"cannot start {python[0]}: {error.strerror or error}") from error
        folder.finish(
            exit_code=ended.exit_code, signal=ended.signal, wall_ns=time.monotonic_ns() - started_ns
        )
        _report_whatever_happens(folder, args)
        return end_like(ended)


def _debugging(args: argparse.Namespace) -> DebugOptions | None:
    """How to debug the program; None if nothing is to stop.

    Raises:
        UsageError: a `--break` makes no sense.
    """
    for name in ("python_mode", "debug_datasets"):
        if getattr(args, name) and not args.breaks:
            raise UsageError(f"--{name.replace('_', '-')} does nothing without --break")
    if not args.breaks:
        return None
    from tracedbg.engine.specs import parse  # noqa: PLC0415  deferred: `--help` need not load it

    for spec in args.breaks:
        parse(spec)
    return DebugOptions(breaks=tuple(args.breaks), modes=modes(args.python_mode, args.debug_datasets))


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
    _say_what_went_unobserved(notes)
    if not args.json and not has_recordings(folder.path):
        if notes and not args.quiet:
            packages = " nor ".join(plugins.watched_packages())
            complain(f"nothing was traced: the program imported neither {packages}")
        return
    from tracedbg.explain import summarise  # noqa: PLC0415  deferred: the program starts first
    from tracedbg.store.reader import Run as Recording  # noqa: PLC0415  deferred: likewise

    with Recording.open(folder.path) as recording:
        summary = summarise(recording)
    if args.json:
        with open_output(args.json) as stream:
            stream.write(report_as_json(summary))
    if not args.quiet and sys.stderr is not None:
        show_report(summary, sys.stderr)


def _say_what_went_unobserved(notes: dict[str, str]) -> None:
    if not notes:
        complain(
            "the program ran unobserved: its Python did not run tracedbg's start file"
            " (was it started with -I, -E or -S, or with a PYTHONPATH of its own?)"
        )
    for pid, note in notes.items():
        for line in note.splitlines():
            complain(f"process {pid} was not observed: {line}")
