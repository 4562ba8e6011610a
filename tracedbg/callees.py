"""What code written in C does a Python frame call right now: a library's op, a wait, or something else.

An op that is called from the user's own line has no Python frame. What is known of it: the source text
of the call, and the modules that its names stand for. It must not look at a program's local variables,
call any of its objects, or know any framework by name.
"""

from __future__ import annotations

import ast
import linecache
import re
import sys
from enum import Enum
from types import BuiltinFunctionType, FunctionType, ModuleType
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Sequence
    from types import CodeType

_WAITING_MODULES = re.compile(
    "time|_thread|select|_socket|socket|ssl|_ssl|_io|io|posix|nt|os|signal|fcntl|mmap"
    "|_multiprocessing|_posixsubprocess|_queue|_winapi"
)
"""What they do without the interpreter's lock is to wait: for a time, a lock, a file, a socket, a process."""
_WAITING_METHODS = re.compile(
    "read|read1|readinto|readlines?|write|writelines|flush|truncate|acquire|wait|join|sleep"
    "|recv|recv_into|recv_bytes|send|sendall|accept|connect|get|put|poll|select|result|communicate"
)
_FUNCTIONS = (FunctionType, BuiltinFunctionType, type)
_TWO_BYTES = 2
"""Of an instruction."""


class Callee(Enum):
    """Whose code it is."""

    OP = "op"
    """An operation of a framework, as far as can be told."""
    WAIT = "wait"
    OTHER = "other"
    """Of another library, or of Python."""


class Callees:
    """Tells callees, and remembers them for each instruction.

    Args:
        frameworks: the packages whose functions are ops.
        most: instructions that are remembered.
    """

    def __init__(self, frameworks: Sequence[str], most: int = 20_000) -> None:
        self._frameworks = frozenset(frameworks)
        self._most = most
        self._known: dict[tuple[int, int], tuple[CodeType, Callee]] = {}

    def of(self, code: CodeType, instruction: int, names: dict[str, Any]) -> Callee:
        """What the instruction calls.

        Args:
            code: of the frame.
            instruction: its `f_lasti`.
            names: its `f_globals`.
        """
        key = (id(code), instruction)
        known = self._known.get(key)
        if known is not None and known[0] is code:
            return known[1]
        if len(self._known) >= self._most:
            self._known.clear()
        found = self._find(code, instruction, names)
        self._known[key] = (code, found)
        return found

    def _find(self, code: CodeType, instruction: int, names: dict[str, Any]) -> Callee:
        called = _expression(code, instruction)
        if isinstance(called, ast.Call):
            path = _path(called.func)
            module = _module(path, names) if path else ""
            if module:
                return self._of_module(module)
            if isinstance(called.func, ast.Attribute) and _WAITING_METHODS.fullmatch(called.func.attr):
                return Callee.WAIT
        elif isinstance(called, ast.With):
            return Callee.WAIT  # enters or leaves: a lock, a file
        return self._of_operator(names)

    def _of_module(self, module: str) -> Callee:
        top = module.partition(".")[0]
        if top in self._frameworks:
            return Callee.OP
        return Callee.WAIT if _WAITING_MODULES.fullmatch(module) else Callee.OTHER

    def _of_operator(self, names: dict[str, Any]) -> Callee:
        """Of a value that nobody has looked at: by what the file imports."""
        if not self._frameworks.intersection(sys.modules):
            return Callee.OTHER
        tops = set()
        for value in tuple(names.values()):
            module = value.__name__ if type(value) is ModuleType else getattr(type(value), "__module__", "")
            tops.add(str(module).partition(".")[0])
        return Callee.OTHER if "numpy" in tops and not self._frameworks & tops else Callee.OP


def _expression(code: CodeType, instruction: int) -> ast.AST | None:
    """The expression that an instruction is of; None where there is no source, or an older Python."""
    positions = getattr(code, "co_positions", None)
    if positions is None or instruction < 0:
        return None
    wanted = instruction // _TWO_BYTES
    found = next((one for number, one in enumerate(positions()) if number == wanted), None)
    if found is None or None in found:
        return None
    text = _text(code.co_filename, *found)
    if text.startswith("with "):
        return ast.With([], [])
    try:
        return ast.parse(f"({text})", mode="eval").body
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return None


def _text(file: str, line: int, end_line: int, column: int, end_column: int) -> str:
    lines = [text.encode() for text in linecache.getlines(file)[line - 1 : end_line]]
    if not lines:
        return ""
    lines[-1] = lines[-1][:end_column]
    lines[0] = lines[0][column:]
    return b"".join(lines).decode(errors="replace")


def _path(function: ast.expr) -> list[str]:
    """`torch.nn.functional.relu` in its parts; empty where it is called on a value."""
    parts: list[str] = []
    while isinstance(function, ast.Attribute):
        parts.append(function.attr)
        function = function.value
    return [function.id, *reversed(parts)] if isinstance(function, ast.Name) else []


def _module(path: list[str], names: dict[str, Any]) -> str:
    """The module that what is called belongs to; empty where its first name is not known here.

    Of modules, attributes are looked at, past any `__getattr__`; of other values, nothing but their type.
    """
    first, *rest = path
    if first in names:
        value = names[first]
    elif rest:
        value = sys.modules.get(first)
    else:
        builtins = names.get("__builtins__")
        value = (builtins if isinstance(builtins, dict) else getattr(builtins, "__dict__", {})).get(first)
    owner = ""
    for number, part in enumerate(rest, 1):
        if type(value) is not ModuleType:
            return _type_module(value) if number == len(rest) else ""
        owner, value = value.__name__, value.__dict__.get(part)
    if value is None:
        return owner
    if isinstance(value, _FUNCTIONS):
        return str(value.__module__ or owner)
    return owner or _type_module(value)


def _type_module(value: object) -> str:
    return "" if value is None else str(type(value).__module__)
