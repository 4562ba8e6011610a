"""Starts the debugger: as the environment says, in a `with` block, or at a `tracedbg.breakpoint()`."""

from __future__ import annotations

import atexit
import os
import sys
import tempfile
from typing import TYPE_CHECKING

from tracedbg import session
from tracedbg.debugger.options import DEBUG_VARIABLE, DebugOptions
from tracedbg.debugger.process import Debugger, current
from tracedbg.engine import Breakpoint
from tracedbg.engine.specs import parse
from tracedbg.frames import PythonView, real_path
from tracedbg.options import Options
from tracedbg.session import Session, running
from tracedbg.source import OWN_CODE

if TYPE_CHECKING:
    from types import TracebackType

    from tracedbg.engine import Engine, Frontend


def start_from_environment() -> None:
    """Debug this process as the environment says; called by the boot in the user's process."""
    text = os.environ.pop(DEBUG_VARIABLE, "")
    if not text:
        return
    options = DebugOptions.from_text(text)
    hub = session.hub()
    debugger = Debugger()
    for spec in options.breaks:
        debugger.engine.breakpoints.add(parse(spec))
    for mode in options.modes:
        debugger.switch_on(mode)
    if options.frontend == "dap":
        from tracedbg.dap.serve import serve  # noqa: PLC0415  deferred: only one of them is used

        asked_ns = hub.now_ns()
        serve(debugger.engine, options)
        hub.held_ns += hub.now_ns() - asked_ns
        debugger.start()
    else:
        debugger.engine.frontend = _prompt(debugger.engine)
        debugger.start()
    hub.own_ns = hub.now_ns() - hub.held_ns
    atexit.register(debugger.stop)
    if options.frontend == "prompt":
        atexit.register(
            _say_what_was_never_hit, debugger.engine
        )  # the last one registered is the first one run


def _prompt(engine: Engine) -> Frontend:
    from tracedbg.prompt import Prompt  # noqa: PLC0415  deferred: only one frontend is used

    return Prompt(engine)


def _say_what_was_never_hit(engine: Engine) -> None:
    for one in engine.breakpoints.all:
        if one.file and not one.hits and sys.stderr is not None:
            why = "" if one.is_bound else ": no code on that line was run or traced"
            where = f"{os.path.basename(one.file)}:{one.asked_line}"
            print(f"tracedbg: the breakpoint at {where} was never hit{why}", file=sys.stderr)  # noqa: T201


class debug:  # noqa: N801  reads as the verb that it is: `with tracedbg.debug()`
    """Debug a `with` block, in all threads of this process, at a prompt on its terminal.

    Functions that were compiled before the block are walked where that is possible: TensorFlow's are, those
    of torch.compile are if they were compiled under a debugger.

    Args:
        breaks: where to stop, as `--break` takes it: `model.py:12`, `op:*relu*`, `nan`, `retrace`.
        frontend: who answers the stops, instead of a prompt.

    Raises:
        UsageError: one of `breaks` makes no sense.
    """

    def __init__(self, *breaks: str, frontend: Frontend | None = None) -> None:
        self._breaks = breaks
        self._frontend = frontend
        self._debugger: Debugger | None = None
        self._session: Session | None = None
        self._folder: tempfile.TemporaryDirectory[str] | None = None

    def __enter__(self) -> Engine:
        wanted = [parse(spec) for spec in self._breaks]
        if not running():  # a retrace is explained from what is recorded
            self._folder = tempfile.TemporaryDirectory(prefix="tracedbg-")
            self._session = Session(self._folder.name, Options())
            self._session.start()
        self._debugger = debugger = Debugger()
        debugger.engine.frontend = self._frontend or _prompt(debugger.engine)
        for one in wanted:
            debugger.engine.breakpoints.add(one)
        debugger.start()
        return debugger.engine

    def __exit__(
        self,
        error_type: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if self._debugger is not None:
            self._debugger.stop()
        if self._session is not None:
            self._session.stop()
        if self._folder is not None:
            self._folder.cleanup()


def breakpoint() -> None:  # noqa: A001  named as what it stands in for
    """Stop here, in eager code and inside traced functions alike; there without a graph break.

    In a process that is not debugged yet it starts the debugger with a prompt, as `breakpoint()` does.
    """
    debugger = current()
    is_new = debugger is None
    if debugger is None:
        debugger = _begin()
    engine = debugger.engine
    traced = engine.traced_line()
    if traced is not None:
        # What was traced before the debugger began is not known: this line itself is not.
        _arm(engine, real_path(traced.file), traced.line + is_new)
        return
    engine.stop_here(PythonView(sys._getframe(1)), "breakpoint", "tracedbg.breakpoint()")


def _begin() -> Debugger:
    debugger = Debugger()
    debugger.engine.frontend = _prompt(debugger.engine)
    debugger.start()
    atexit.register(debugger.stop)
    return debugger


def _arm(engine: Engine, file: str, line: int) -> None:
    """The call leaves nothing in the graph: stop, from now on, wherever that line is run."""
    if not any((one.file, one.asked_line) == (file, line) for one in engine.breakpoints.all):
        engine.breakpoints.add(Breakpoint(file=file, line=line))


# Both tracers leave a function with these marks alone, and call it while they trace: torch bakes in what it
# returns (torch.compiler.assume_constant_result sets the one), AutoGraph does not convert it
# (tf.autograph.experimental.do_not_convert sets the other). Dynamo would not come so far for a function in
# our folder: it has been told to skip all of that.
vars(breakpoint).update(_dynamo_marked_constant=True, autograph_info__={})
breakpoint.__code__ = breakpoint.__code__.replace(co_filename=f"{OWN_CODE}.breakpoint>")
