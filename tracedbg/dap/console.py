"""Commands for an editor's console, `%name arguments`: for what an editor has no window or key for.

They can be typed wherever an expression can; a Python expression never begins with `%`.
"""

from __future__ import annotations

import ast
import os
from typing import TYPE_CHECKING

from tracedbg.dap.arguments import RequestError
from tracedbg.dap.graphs import op_text
from tracedbg.dap.recorded import explained
from tracedbg.dap.stack import frame_index
from tracedbg.engine import Action, Go
from tracedbg.engine.specs import parse, written
from tracedbg.engine.tensor_text import facts
from tracedbg.errors import UsageError
from tracedbg.explain import is_retrace
from tracedbg.frames import real_path

if TYPE_CHECKING:
    from collections.abc import Callable

    from tracedbg.dap.commands import Call
    from tracedbg.dap.halted import Halted
    from tracedbg.engine import Breakpoint

_AROUND = 10


def run(call: Call, line: str) -> str:
    """Run one command; what it says.

    Raises:
        RequestError: there is none of that name, or it cannot be done.
    """
    name, _, rest = line.strip().partition(" ")
    do = _COMMANDS.get(name)
    if do is None:
        raise RequestError(f"no command %{name}; there are {', '.join('%' + one for one in NAMES)}")
    return do(call, rest.strip())


def _help(_call: Call, _rest: str) -> str:
    """What there is."""
    width = max(map(len, _USAGE))
    lines = [
        f"{'%' + usage:<{width + 1}}  {(do.__doc__ or '').splitlines()[0]}" for usage, do in _USAGE.items()
    ]
    return "\n".join(lines)


# --- going on ---------------------------------------------------------------------------------


def _go(call: Call, action: Action) -> str:
    halted = _stopped(call)
    call.afterwards.append(lambda: call.server.go(halted, action))
    return ""


def _op(call: Call, _rest: str) -> str:
    """Go on to the next op of this function, or of its caller."""
    return _go(call, Action(Go.OP_OVER))


def _opin(call: Call, _rest: str) -> str:
    """Go on to the next op, wherever it is."""
    return _go(call, Action(Go.OP))


def _graph(call: Call, _rest: str) -> str:
    """Go on to the next call of a compiled function."""
    return _go(call, Action(Go.GRAPH))


def _to(call: Call, rest: str) -> str:
    """Go on to a line of this file, or to FILE:LINE."""
    file, _, number = rest.rpartition(":")
    if not number.isdecimal():
        raise RequestError("%to needs a line: %to 12, or %to model.py:12")
    here = _stopped(call).inspector.frames[frame_index(call)].file
    at = _beside(file, here) if file else here
    return _go(call, Action(Go.TO, real_path(at), int(number)))


def _abort(call: Call, _rest: str) -> str:
    """Raise KeyboardInterrupt in the program."""
    return _go(call, Action(Go.ABORT))


# --- where to stop ----------------------------------------------------------------------------


def _break(call: Call, rest: str) -> str:
    """Stop at FILE:LINE, op:PATTERN or a filter such as nan; each may end in 'if CONDITION'."""
    try:
        made = call.server.bindings.add(call.client, parse(rest))
    except UsageError as error:
        raise RequestError(str(error)) from None
    return _line_of(made)


def _breaks(call: Call, _rest: str) -> str:
    """All breakpoints, with their numbers and hits."""
    return "\n".join(map(_line_of, call.server.engine.breakpoints.all)) or "none"


def _delete(call: Call, rest: str) -> str:
    """Take breakpoints out, by their numbers."""
    numbers = [int(word) for word in rest.split() if word.isdecimal()]
    if not numbers:
        raise RequestError("%delete needs numbers of breakpoints, which %breaks tells")
    known = {one.id for one in call.server.engine.breakpoints.all}
    if unknown := [str(number) for number in numbers if number not in known]:
        raise RequestError(f"no breakpoint {', '.join(unknown)}")
    call.server.engine.breakpoints.remove(numbers)
    return ""


def _line_of(one: Breakpoint) -> str:
    state = f"{one.hits} hits" if one.is_bound else "no code there yet"
    return f"{one.id}: {written(one)} ({state})"


# --- looking ----------------------------------------------------------------------------------


def _ops(call: Call, rest: str) -> str:
    """The ops of the graph around the next one, or from FIRST on."""
    view = _stopped(call).stop.view
    graph = call.server.graphs.see(view)
    if graph is None:
        raise RequestError("this is eager code, which has no list of ops")
    words = rest.split()
    if not all(word.isdecimal() for word in words) or len(words) > 2:  # noqa: PLR2004  first and count
        raise RequestError("%ops takes the number of the first op and how many: %ops 100 20")
    at = view.op.index if view.op else None
    first = int(words[0]) if words else max(0, (at or 0) - _AROUND)
    count = int(words[1]) if len(words) > 1 else 2 * _AROUND + 1
    sites = graph.sites[first : first + count]
    lines = [f"{graph.function} [{graph.name}]: {len(graph.sites)} ops"]
    for index, site in enumerate(sites, first):
        mark = ">" if index == at else " "
        place = f"  {os.path.basename(site.file)}:{site.line}" if site.file else ""
        lines.append(f"{mark}{index:>5}  {op_text(site)}{place}")
    return "\n".join(lines)


def _notes(call: Call, _rest: str) -> str:
    """Where the compiled code could differ from what is shown."""
    walk = _stopped(call).stop.view.walk
    return "\n".join(walk.notes if walk is not None else ()) or "nothing is known to differ"


def _tensor(call: Call, rest: str) -> str:
    """All about the tensor that an expression gives."""
    inspector = _stopped(call).inspector
    found = facts(inspector.summary(inspector.value(rest, frame_index(call))))
    width = max(len(name) for name, _ in found)
    return "\n".join(f"{name:<{width}}  {inspector.text(value)}" for name, value in found)


def _compare(call: Call, rest: str) -> str:
    """How two tensors differ: %compare LEFT, RIGHT."""
    try:
        pair = ast.parse(f"({rest})", mode="eval").body
    except SyntaxError:
        pair = None
    if not isinstance(pair, ast.Tuple) or len(pair.elts) != 2:  # noqa: PLR2004  left and right
        raise RequestError("%compare needs two expressions: %compare x, y")
    left, right = map(ast.unparse, pair.elts)
    return _stopped(call).inspector.compare_text(left, right, frame_index(call))


def _retraces(_call: Call, _rest: str) -> str:
    """Why functions were traced again, and what to do."""
    lines = []
    for trace, causes in explained():
        if is_retrace(trace, causes):
            lines.append(f"{trace.started.traceable.name} was traced again")
            lines += [f"  {cause.message}; {cause.advice}" for cause in causes]
    return "\n".join(lines) or "nothing was traced again"


def _stopped(call: Call) -> Halted:
    if call.halted is None:
        raise RequestError("no thread stands still")
    return call.halted


def _beside(file: str, here: str) -> str:
    """`file`, in the folder of `here` if it is a bare name of a file there."""
    beside = os.path.join(os.path.dirname(here), file)
    return beside if os.path.exists(beside) else file


_USAGE: dict[str, Callable[[Call, str], str]] = {
    "op": _op,
    "opin": _opin,
    "graph": _graph,
    "to [FILE:]LINE": _to,
    "abort": _abort,
    "break SPEC": _break,
    "breaks": _breaks,
    "delete NUMBER...": _delete,
    "ops [FIRST [COUNT]]": _ops,
    "notes": _notes,
    "tensor EXPRESSION": _tensor,
    "compare LEFT, RIGHT": _compare,
    "retraces": _retraces,
    "help": _help,
}
_COMMANDS = {usage.partition(" ")[0]: do for usage, do in _USAGE.items()}
NAMES = tuple(_COMMANDS)
