"""Takes the calls of `tf.function`s that the program makes from eager code, and compares them.

The program gets the result of its own call, and goes on from the state that call has left.
"""

from __future__ import annotations

import contextvars
import io
import threading
from contextlib import contextmanager, redirect_stdout
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from tracedbg.adapters.tf_common._compat import EAGER_FLAG
from tracedbg.adapters.tf_common.tensors import TfTensors
from tracedbg.adapters.tf_common.weak import WeakTable
from tracedbg.adapters.tf_eager import TfEagerWalker
from tracedbg.adapters.tf_function.compare._compat import CALL, NO_TAPE
from tracedbg.adapters.tf_function.compare.outcome import Runs, compare_runs
from tracedbg.adapters.tf_function.compare.randoms import Draws
from tracedbg.adapters.tf_function.compare.recorder import Recorder, Recording
from tracedbg.adapters.tf_function.compare.state import State
from tracedbg.adapters.tf_function.subjects import links
from tracedbg.adapters.tf_function.walk import TfFunctionWalker
from tracedbg.compare.records import Comparison, Verdict
from tracedbg.frames import real_path
from tracedbg.source import code_name

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from types import ModuleType

    from tracedbg.compare.comparer import CompareOptions, Report
    from tracedbg.hooks import Hooks


def install(module: ModuleType, hooks: Hooks, options: CompareOptions, report: Report) -> None:
    """Put everything into TensorFlow."""
    recorder = Recorder()
    TfEagerWalker().attach(module, hooks, recorder)
    TfFunctionWalker().attach(module, hooks, recorder)
    calls = Calls(hooks, options, report, recorder)
    hooks.patch(*CALL.owner(), calls.wrap)
    hooks.on_remove(calls.end)


@dataclass
class Progress:
    """How far one function object has been compared."""

    name: str
    file: str
    line: int
    calls: int = 0
    """That the program has made."""
    compared: int = 0
    differs: bool = False
    left_out: Comparison | None = None
    """Why its calls were not compared so far."""


@dataclass(frozen=True)
class Attempt:
    """A call that is to be compared."""

    function: Any
    args: tuple[Any, ...]
    kwargs: dict[str, Any]
    progress: Progress
    iterators: list[Any]
    before: State


class Calls:
    """See the module."""

    def __init__(self, hooks: Hooks, options: CompareOptions, report: Report, recorder: Recorder) -> None:
        self._hooks = hooks
        self._options = options
        self._report = report
        self._recorder = recorder
        recorder.replay = _run_python.__code__
        self._tensors = TfTensors()
        self._progress: WeakTable[Progress] = WeakTable()
        self._all: list[Progress] = []
        self._lock = threading.Lock()
        """One comparison at a time: a switch of the whole process is turned for it."""
        self._busy = threading.local()
        self._original: Any = None

    def wrap(self, original: Any) -> Any:
        """In the place of `Function.__call__`."""
        self._original = original

        def __call__(function, *args, **kwargs):  # noqa: N807  its name, in tracebacks too
            if getattr(self._busy, "is_busy", False):
                return original(function, *args, **kwargs)
            attempt = None
            with self._hooks.guarded("begin"), self._alone():
                attempt = self._begin(function, args, kwargs)
            with self._alone():
                result = original(function, *args, **kwargs)
            if attempt is not None:
                with self._hooks.guarded("compare"), self._alone(), self._lock:
                    self._compare(attempt, result)
            return result

        return __call__

    def end(self) -> None:
        """The program has ended: tell of functions that no call of could be compared."""
        for progress in self._all:
            if progress.left_out is not None and not progress.compared:
                self._report.compared(progress.left_out)

    @contextmanager
    def _alone(self) -> Iterator[None]:
        """Functions that are called inside belong to the call that is compared."""
        self._busy.is_busy = True
        try:
            yield
        finally:
            self._busy.is_busy = False

    def _begin(self, function: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Attempt | None:
        import tensorflow as tf

        if not tf.executing_eagerly() or function._run_functions_eagerly:
            return None
        progress = self._progress.get(function)
        if progress is None:
            progress = self._progress.set(function, _progress(function))
            self._all.append(progress)
        if not self._options.wants(progress.name):
            self._report.called(progress.name)
            return None
        progress.calls += 1
        if progress.differs or progress.compared >= self._options.calls:
            return None
        if tf.distribute.has_strategy():
            self._leave_out(progress, "it is called under a distribution strategy")
            return None
        iterators = [one for one in tf.nest.flatten((args, kwargs)) if hasattr(one, "_iterator_resource")]
        try:
            before = State(iterators)
        except tf.errors.OpError as error:
            self._leave_out(
                progress, f"an iterator among its arguments cannot be set back: {_first_line(error)}"
            )
            return None
        return Attempt(function, args, kwargs, progress, iterators, before)

    def _leave_out(self, progress: Progress, why: str) -> None:
        progress.left_out = Comparison(
            progress.name, progress.file, progress.line, progress.calls, Verdict.SKIPPED, notes=(why,)
        )

    def _compare(self, attempt: Attempt, result: Any) -> None:
        progress = attempt.progress
        after = State(attempt.iterators)
        if after.variables.keys() - attempt.before.variables.keys():
            self._leave_out(progress, "it made variables in this call: nobody knows what they were before it")
            return
        try:
            runs = _apart(lambda: self._run_again(attempt, result, after))
            comparison = compare_runs(runs, progress, self._options.limits, self._tensors)
        finally:
            after.restore()
        progress.compared += 1
        progress.differs = comparison.verdict is Verdict.DIFFERS
        self._report.compared(comparison)

    def _run_again(self, attempt: Attempt, result: Any, after: State) -> Runs:
        function, args, kwargs = attempt.function, attempt.args, attempt.kwargs
        recorder = self._recorder

        def walk(recording: Recording) -> tuple[Any, State]:
            attempt.before.restore()
            with self._alone(), recorder.into(recording):
                made = self._original(function, *args, **kwargs)
            return made, State()

        walked = Recording()
        walk_result, walk_state = walk(walked)
        walked.mark_constants(_captured(function))
        draws = Draws(walked.ops)
        eager = Recording()
        eager_result, error = None, None
        attempt.before.restore()
        try:
            with self._alone(), draws.given(), recorder.into(eager), _eagerly():
                eager_result = _run_python(function, args, kwargs)
        except Exception as raised:
            error = raised
        eager_state = State()
        return Runs(
            result, after, walked, walk_result, walk_state, eager, eager_result, eager_state, error,
            Draws(walked.ops).names, walk, attempt.before,
        )  # fmt: skip


def _run_python(function: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    """Run a function as if `tf.function` were not there; what it prints has been printed already."""
    with redirect_stdout(io.StringIO()):
        return function._python_function(*args, **kwargs)


@contextmanager
def _eagerly() -> Iterator[None]:
    """Functions run eagerly in the whole process; without the warning of `tf.config` that datasets do not."""
    owner, attribute = EAGER_FLAG.owner()
    before = getattr(owner, attribute)
    setattr(owner, attribute, True)
    try:
        yield
    finally:
        setattr(owner, attribute, before)


def _apart(run: Callable[[], Any]) -> Any:
    """`run()`, where no tape of the program's records it: in another thread if there is one."""
    if NO_TAPE.get()():
        return run()
    made: list[Any] = []
    raised: list[BaseException] = []
    variables = contextvars.copy_context()

    def work() -> None:
        try:
            made.append(variables.run(run))
        except BaseException as error:
            raised.append(error)

    thread = threading.Thread(target=work, name="tracedbg-compare")
    thread.start()
    thread.join()
    if raised:
        raise raised[0]
    return made[0]


def _captured(function: Any) -> set[int]:
    """Identities of the tensors that graphs of a function have taken in from outside."""
    return {
        id(tensor)
        for concrete in function._list_all_concrete_functions()
        for tensor in concrete.captured_inputs
        if tensor.dtype.name not in {"resource", "variant"}
    }


def _progress(function: Any) -> Progress:
    innermost = list(links(function._python_function))[-1]
    code = getattr(innermost, "__code__", None)
    if code is None:
        return Progress(str(getattr(function, "_name", "a function")), "", 0)
    return Progress(code_name(code), real_path(code.co_filename), code.co_firstlineno)


def _first_line(error: BaseException) -> str:
    return str(error).partition("\n")[0]
