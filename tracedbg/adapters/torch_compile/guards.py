"""Why the cached entries of a compiled function did not fit a call, as `GuardFailure`.

This is the reference of what `GuardFailure` holds for torch.compile; `tests/adapters/torch/
guard_texts.json` has a real example of each kind. `guard` is torch's own text of the condition,
without the padding and the `# code  # file:line in f` that torch appends (the line is
`user_frame`). For a tensor a sentence on parameters may follow it. A note of torch's follows after
two spaces and `# `: either `HINT: ...` or `0/1 specialization`, which says that no line of the
user's asked for the condition. Forms:

    tensor 'S' size mismatch at index I. expected N, actual M
    tensor 'S' stride mismatch at index I. expected N, actual M
    tensor 'S' rank mismatch. expected N, actual M
    tensor 'S' dtype mismatch. expected Float, actual Double
    tensor 'S' dispatch key set mismatch. expected DispatchKeySet(..), actual DispatchKeySet(..)
    tensor 'S' requires_grad mismatch. expected requires_grad=B
    expected type of 'S' to be a tensor type, ' but found <class '..'>      before 2.14
    expected type of 'S' to be <class '..'>, but found <class '..'>         since then
    Duplicate tensor found where not expected!
    GLOBAL_STATE changed: <names separated by blanks>
    ___check_type_id(S, N), type=<class '..'>
    ___check_obj_id(S, N), type=<class '..'>
    ___check_torch_function_mode_stack()
    ___dict_contains('key', S)     or `not ___dict_contains('key', S)`
    len(S) != N                    S is a dict that had N entries: this one tells what happened
    <a Python comparison of paths, sizes and constants>
    <a sentence without a path>    such as `_has_dynamo_dim_marking is present on runtime tensor ..`
    BACKEND_MATCH                  everything fits, but the entry was made by another backend
    NO_GUARD_FAILED                everything fits, and torch recompiled all the same
    <any text>, `fixed` True       the entry was invalidated, mostly as an object of its died

`source` is the path S that the guard reads (in a comparison the first one, without `len(..)`,
`type(..)`, `.size()[0]`); empty for global state. `before` and `now` are in the same words, and
empty where nobody knows: a repr for Python values, `float32[3, 4]` for tensors (`?` for a size
that fitted any; followed by ` stride=[..]`, ` device=..`, ` requires_grad=..` or led by the type
where that is what differed), a type's name for type ids, `function f (file.py:3)` for objects,
and for a duplicate tensor the paths that are one object, such as `L['a'] is L['b']`.

torch stops at the first guard of an entry that fails: it may have more that do not fit.
"""

from __future__ import annotations

import ast
import re
from typing import TYPE_CHECKING, Any

from tracedbg.adapters.torch_compile import _compat, tensors
from tracedbg.adapters.torch_compile.options import backend_text, innermost_backend
from tracedbg.adapters.torch_compile.paths import full_path
from tracedbg.adapters.torch_compile.sources import UnreadableError, read
from tracedbg.adapters.torch_compile.values import describe, type_name
from tracedbg.events import Frame, GuardFailure
from tracedbg.source import is_user_file

if TYPE_CHECKING:
    from collections.abc import Iterable
    from types import CodeType

BACKEND_MATCH = "BACKEND_MATCH"
NO_GUARD_FAILED = "NO_GUARD_FAILED"
ZERO_ONE_NOTE = "0/1 specialization"

_PATH = re.compile(r"""[LG]\[(?:'[^']*'|"[^"]*")\](?:\.\w+|\[(?:'[^']*'|"[^"]*"|-?\d+)\])*""")
_PLACE = re.compile(r"# (?P<file>[^#\s]+):(?P<line>\d+) in (?P<function>\S+)")
_HINT = re.compile(r"\((HINT: .*)\)\s*$", re.DOTALL)
_IDENTITY = re.compile(r"___check_(?P<what>type|obj)_id\((?P<source>.+), \d+\), type=<class '(?P<type>.+)'>")
_DICT_LENGTH = re.compile(r"len\(.+\) != \d+$")
_DUPLICATE = "Duplicate tensor found"
_GLOBAL_STATE = "GLOBAL_STATE changed: "


class Call:
    """The call that no entry fitted: its variables, code and backend."""

    def __init__(
        self, f_locals: dict[str, Any], f_globals: dict[str, Any], code: CodeType, backend: Any
    ) -> None:
        self.f_locals = f_locals
        self.scope = {"L": f_locals, "G": f_globals}
        self.code = code
        self.backend = backend

    def now(self, source: str) -> str:
        """The value of `source` in words; empty where it cannot be read."""
        try:
            return describe(read(source, self.scope))
        except UnreadableError:
            return ""


def guard_failures(entries: Iterable[Any], call: Call) -> tuple[GuardFailure, ...]:
    """One `GuardFailure` or more for every entry of `entries`, in their order."""
    return tuple(failure for entry in entries for failure in _entry_failures(entry, call))


def _entry_failures(entry: Any, call: Call) -> list[GuardFailure]:
    name = str(entry.compile_id)
    manager = entry.guard_manager
    if (reason := getattr(manager, "invalidation_reason", None)) is not None:
        return [GuardFailure(name, str(reason), source=_first_path(str(reason)), fixed=True)]
    verdict = manager.check_verbose(call.f_locals)
    if verdict.result:
        return [_backend_failure(name, entry, call)]
    stack = getattr(verdict, "user_stack", None) or ()
    parts = _failed_parts(verdict.verbose_code_parts, manager, call)
    return [_failure(name, part, stack, manager, call) for part in parts]


def _backend_failure(name: str, entry: Any, call: Call) -> GuardFailure:
    cached, seen = innermost_backend(entry.backend), innermost_backend(call.backend)
    if cached is seen or cached == seen:
        return GuardFailure(name, NO_GUARD_FAILED)
    return GuardFailure(name, BACKEND_MATCH, before=backend_text(cached), now=backend_text(seen))


def _failed_parts(parts: list[str], manager: Any, call: Call) -> list[str]:
    """The texts of what failed: of a guard with several conditions those that do not hold.

    Source: `torch/_dynamo/guards.py`, `get_guard_fail_reason_helper`.
    """
    if len(parts) <= 1:
        return parts
    scope = {**call.scope, **(manager.closure_vars or {})}
    failed = []
    for part in parts:
        verdict = eval(part, dict(manager.global_scope), scope)  # noqa: S307  torch's own text, as torch does it
        if isinstance(verdict, str):
            failed.append(verdict)
        elif verdict is False:
            failed.append(part)
    return failed or parts[:1]


def _failure(name: str, part: str, stack: Iterable[Any], manager: Any, call: Call) -> GuardFailure:
    guard, comment = _split(part)
    source, before, now = _values(guard, manager, call)
    note = _note(comment)
    frame = None if note == ZERO_ONE_NOTE else _stack_frame(stack) or _comment_frame(comment, call.code)
    return GuardFailure(name, f"{guard}  # {note}" if note else guard, source, before, now, frame)


def _values(guard: str, manager: Any, call: Call) -> tuple[str, str, str]:
    """The path that a guard reads, and its value before and now."""
    if wrong := tensors.mismatch(guard):
        return _tensor_values(wrong, manager, call)
    if found := _IDENTITY.match(guard):
        return _identity_values(found, manager, call)
    if guard.startswith(_DUPLICATE):
        return _duplicate_values(manager, call)
    if guard.startswith(_GLOBAL_STATE):
        return ("", *_global_state(guard.removeprefix(_GLOBAL_STATE).split()))
    return _comparison_values(guard, call)


def _tensor_values(found: tensors.Mismatch, manager: Any, call: Call) -> tuple[str, str, str]:
    before = tensors.expected(found, manager.code_parts)
    try:
        value = read(found.source, call.scope)
    except UnreadableError:
        return found.source, before, ""
    return found.source, before, tensors.seen(found, value)


def _identity_values(found: re.Match[str], manager: Any, call: Call) -> tuple[str, str, str]:
    source = found["source"]
    try:
        value = read(source, call.scope)
    except UnreadableError:
        return source, "", ""
    if found["what"] == "type":
        return source, found["type"].removeprefix("__main__."), type_name(type(value))
    reference = getattr(manager, "id_matched_objs", {}).get(source)
    cached = reference() if reference is not None else None
    return source, "" if cached is None else describe(cached), describe(value)


def _duplicate_values(manager: Any, call: Call) -> tuple[str, str, str]:
    paths: dict[int, list[str]] = {}
    for source in _compat.unaliased(manager):
        try:
            paths.setdefault(id(read(source, call.scope)), []).append(source)
        except UnreadableError:
            continue
    for same in paths.values():
        if len(same) > 1:
            return same[0], "", " is ".join(same)
    return "", "", ""


def _global_state(names: list[str]) -> tuple[str, str]:
    """What the global switches that a guard names are now; a switch was the other way before."""
    now = {name: value for name in names if (value := tensors.global_state(name)) is not None}
    before = {name: not value for name, value in now.items() if isinstance(value, bool)}
    return _named(before), _named(now)


def _named(values: dict[str, Any]) -> str:
    if len(values) == 1:
        return str(next(iter(values.values())))
    return ", ".join(f"{name}={value}" for name, value in values.items())


def _comparison_values(guard: str, call: Call) -> tuple[str, str, str]:
    """`L['n'] == 3` and the like; sizes and `len(..)` are compared as the expression says."""
    source = _first_path(guard)
    try:
        tree = ast.parse(guard, mode="eval").body
    except SyntaxError:
        return source, "", call.now(source) if source else ""
    if not isinstance(tree, ast.Compare) or len(tree.ops) != 1:
        return source, "", call.now(source) if source else ""
    sides = (tree.left, tree.comparators[0])
    reads = [ast.unparse(side) for side in sides if _PATH.search(ast.unparse(side))]
    constants = [ast.unparse(side) for side in sides if not _PATH.search(ast.unparse(side))]
    if len(reads) == 1 and constants:
        # `len(S) != N` is what happened, and not the condition: a dict of N entries was expected
        is_value = isinstance(tree.ops[0], (ast.Eq, ast.Is)) or _DICT_LENGTH.match(guard)
        return source, constants[0] if is_value else "", call.now(reads[0])
    return source, "", ", ".join(f"{text} = {now}" for text in reads if (now := call.now(text)))


def _first_path(text: str) -> str:
    """The first path in `text`, without the tensor's method that is called on it."""
    found = _PATH.search(text)
    if found is None:
        return ""
    if text[found.end() : found.end() + 1] == "(":
        return found[0].rpartition(".")[0]
    return found[0]


def _split(part: str) -> tuple[str, str]:
    """A guard's text into the condition and torch's comment on it."""
    cuts = [match.start() for match in re.finditer(r"\s\s+# ", part)]
    for cut in cuts:
        try:
            ast.parse(part[:cut].strip(), mode="eval")
        except SyntaxError:
            continue
        return part[:cut].strip(), part[cut:].strip()
    if cuts:
        return part[: cuts[0]].strip(), part[cuts[0] :].strip()
    return part.strip(), ""


def _note(comment: str) -> str:
    if "0/1 specialization" in comment:
        return ZERO_ONE_NOTE
    found = _HINT.search(comment)
    return found[1] if found else ""


def _stack_frame(stack: Iterable[Any]) -> Frame | None:
    """The innermost frame of the user's in torch's stack, which has the innermost last."""
    frames = [Frame(at.filename, at.lineno or 0, at.name) for at in stack]
    return next((frame for frame in reversed(frames) if is_user_file(frame.file)), None)


def _comment_frame(comment: str, code: CodeType) -> Frame | None:
    found = _PLACE.search(comment)
    if found is None:
        return None
    file = full_path(found["file"], code.co_filename)
    return Frame(file, int(found["line"]), found["function"]) if is_user_file(file) else None
