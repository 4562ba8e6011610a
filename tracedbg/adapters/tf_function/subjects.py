"""The functions that are traced: who they are, where they were made, and what they were traced for so far.

A subject is one function object: one `tf.function`, or one instance's view of a decorated method. It is
known by the lock of the `tf.function`, which no two share and which dies with it.
"""

from __future__ import annotations

import functools
import inspect
import itertools
from dataclasses import dataclass, field
from types import FunctionType, MethodType
from typing import TYPE_CHECKING, Any

from tracedbg.adapters.tf_common.weak import WeakTable
from tracedbg.adapters.tf_function.closures import ClosureIds
from tracedbg.adapters.tf_function.signature import Leaves
from tracedbg.events import Frame, Framework, Role, Traceable
from tracedbg.source import is_user_file

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tracedbg.hooks import Hooks

_MAX_LINKS = 32
_MAX_CLOSURE_DEPTH = 4
_DATASET = "_tf_data_function"


@dataclass(eq=False)
class Subject:
    """One function object."""

    number: int
    created_at: Frame | None = None
    traceable: Traceable | None = None
    leaves: Leaves = field(default_factory=Leaves)
    creation_scope_compiled: bool = False
    """Its trace with variable creation allowed was made."""
    settled: bool = False
    """Its trace with variable creation forbidden was made too."""

    def role(self, scope: str, *, is_dataset: bool, is_internal: bool) -> Role:
        """What a trace that starts now is for.

        TensorFlow traces a function in the scope `VARIABLE_CREATION` until a call has created variables.
        Then it traces the same call again in the scope `NO_VARIABLE_CREATION`: that one is no retrace.
        Any later trace is.
        """
        if is_internal:
            return Role.VARIABLE_CREATION
        if is_dataset:
            return Role.DATASET
        if scope == "NO_VARIABLE_CREATION" and self.creation_scope_compiled and not self.settled:
            return Role.VARIABLE_CREATION
        return Role.FORWARD

    def compiled(self, scope: str) -> None:
        """A trace in that scope was made."""
        if scope == "NO_VARIABLE_CREATION":
            self.settled = True
        elif scope == "VARIABLE_CREATION":
            self.creation_scope_compiled = True


class Subjects:
    """All function objects seen by one attachment."""

    def __init__(self, hooks: Hooks) -> None:
        self._hooks = hooks
        self._subjects: WeakTable[Subject] = WeakTable()
        self._first_made: WeakTable[Frame] = WeakTable()
        self._graphs: WeakTable[Traceable] = WeakTable()
        self._count = itertools.count(1)
        self._closures = ClosureIds()

    def made(self, function: Any, created_at: Frame | None) -> None:
        """A `tf.function` object was made at that line.

        One that an access such as `model.step` makes for an instance counts as made where its
        class' method was decorated.
        """
        chain = list(links(function.python_function))
        innermost = chain[-1]
        if any(isinstance(link, MethodType) for link in chain):
            created_at = self._first_made.get(innermost) or created_at
        elif created_at is not None and isinstance(innermost, FunctionType):
            self._first_made.setdefault(innermost, lambda: created_at)
        self._subject(function._lock).created_at = created_at

    def of(self, options: Any) -> Subject:
        """The subject that TensorFlow is about to trace with `options`, a `TracingOptions`."""
        subject = self._subject(options.lock if options.lock is not None else options.python_function)
        if subject.traceable is None:
            subject.traceable = self._traceable(options, subject)
        return subject

    def called(self, function: Any) -> Traceable:
        """Who a `tf.function` object is that may never have been traced."""
        subject = self._subject(function._lock)
        if subject.traceable is None:
            subject.traceable = self._described(
                list(links(function.python_function)), function._name, subject
            )
        return subject.traceable

    def keep_graph(self, graph: Any, traceable: Traceable) -> None:
        """Remember whose `graph` it is."""
        self._graphs.set(graph, traceable)

    def of_graph(self, graph: Any) -> Traceable | None:
        """Whose graph it is, if it was traced while we were attached."""
        return self._graphs.get(graph)

    def _subject(self, key: object) -> Subject:
        return self._subjects.setdefault(key, lambda: Subject(next(self._count)))

    def _traceable(self, options: Any, subject: Subject) -> Traceable:
        chain = list(links(options.python_function))
        if is_dataset(options):
            chain.append(_dataset_function(chain[-1]))
        return self._described(chain, options.name, subject)

    def _described(self, chain: list[Any], name: str, subject: Subject) -> Traceable:
        """The function object whose `links` are `chain`."""
        innermost = chain[-1]
        code = getattr(innermost, "__code__", None)
        name = getattr(innermost, "__qualname__", None) or name
        return Traceable(
            Framework.TF_FUNCTION,
            name.replace("<locals>.", ""),
            code.co_filename if code is not None else "",
            code.co_firstlineno if code is not None else 0,
            object_id=subject.number,
            closure_id=self._hooks.safely("closures", self._closures.of, chain, default=""),
            created_at=subject.created_at,
            is_user=code is not None and is_user_file(code.co_filename),
        )


def is_dataset(options: Any) -> bool:
    """Whether `tf.data` asks for the trace."""
    return bool((options.attributes or {}).get(_DATASET))


def links(function: Any) -> Iterator[Any]:
    """`function` and everything that it wraps, the user's own innermost function last.

    Through decorators of TensorFlow and of functools, partials, bound methods, and callable objects.
    """
    for _ in range(_MAX_LINKS):
        yield function
        decorator = getattr(function, "_tf_decorator", None)
        if decorator is not None and decorator.decorated_target is not function:
            function = decorator.decorated_target
        elif isinstance(function, functools.partial):
            function = function.func
        elif isinstance(function, MethodType):
            function = function.__func__
        elif (wrapped := inspect.getattr_static(function, "__wrapped__", None)) is not None:
            function = wrapped
        elif isinstance(call := inspect.getattr_static(type(function), "__call__", None), FunctionType):
            function = call
        else:
            return


def _dataset_function(wrapper: Any) -> Any:
    """The function that was given to `tf.data`, inside the one that it made of it.

    Where a library gave it, the user's function that it calls in turn, if there is one in its closure.
    """
    contents = _closed_over(wrapper)
    helper = contents.get("wrapper_helper")
    holder = contents.get("self") or _closed_over(helper).get("self")
    given = getattr(holder, "_func", None)
    if given is None:
        return wrapper
    outermost = function = _innermost(given)
    for _ in range(_MAX_CLOSURE_DEPTH):
        if isinstance(function, FunctionType) and is_user_file(function.__code__.co_filename):
            return function
        inner = (value for value in _closed_over(function).values() if callable(value))
        function = next(
            (link for value in inner if isinstance(link := _innermost(value), FunctionType)), None
        )
    return outermost


def _innermost(function: Any) -> Any:
    *_, last = links(function)
    return last


def _closed_over(function: Any) -> dict[str, Any]:
    """What a function closes over, by name; nothing for anything else."""
    if not isinstance(function, FunctionType):
        return {}
    cells = zip(function.__code__.co_freevars, function.__closure__ or (), strict=True)
    return {name: cell.cell_contents for name, cell in cells if _is_filled(cell)}


def _is_filled(cell: Any) -> bool:
    try:
        cell.cell_contents  # noqa: B018  reading it is the question
    except ValueError:
        return False
    return True
