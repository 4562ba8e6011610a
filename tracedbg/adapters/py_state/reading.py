"""Finds out from a function's source what it reads and does outside of itself.

Where it is not certain that a value has a part in what the function computes, nothing is said: text that is
printed or logged, names and seeds of operations, values that only initialise a variable, and parts of an
expression that may not have been evaluated.
"""

from __future__ import annotations

import ast
import builtins
import inspect
import linecache
import textwrap
import weakref
from typing import TYPE_CHECKING

from tracedbg.adapters.py_state.conditions import is_decidable
from tracedbg.adapters.py_state.facts import NOTHING, Draw, Effect, Facts, Path, Read, Test
from tracedbg.adapters.py_state.state import Step
from tracedbg.ticker import no_collection

if TYPE_CHECKING:
    from collections.abc import Iterable
    from types import CodeType

    from tracedbg.adapters.py_state.facts import Span

_FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef)
_COMPREHENSIONS = (ast.ListComp, ast.SetComp, ast.DictComp, ast.GeneratorExp)
_IDLE = (ast.Pass, ast.Raise, ast.Assert, ast.Continue, ast.Import, ast.ImportFrom, ast.Global, ast.Nonlocal)
_LOGS = {"print", "debug", "info", "warning", "warn", "error", "exception", "log", "critical"}
_LABELS = {"name", "seed", "message"}
_CREATORS = {"Variable", "add_weight", "add_variable"}
_MUTATORS = {
    "append",
    "appendleft",
    "extend",
    "insert",
    "add",
    "update",
    "pop",
    "popleft",
    "remove",
    "discard",
    "clear",
}
_DRAWN = {
    "rand", "randn", "randint", "random", "random_sample", "uniform", "normal", "standard_normal", "choice",
    "choices", "sample", "shuffle", "permutation", "integers", "randrange", "gauss", "normalvariate",
    "getrandbits", "exponential", "poisson", "binomial", "beta", "gamma", "bytes", "randbytes", "triangular",
    "time", "time_ns", "monotonic", "monotonic_ns", "perf_counter", "perf_counter_ns", "process_time", "now",
    "utcnow", "today", "uuid1", "uuid4", "urandom", "token_hex", "token_bytes",
}  # fmt: skip
_MEANT_FOR_TRACING = ("trac", "compil")
"""Words in the text of a side effect that is there to show when the function is traced."""
MAX_TEXT = 60

_known: weakref.WeakKeyDictionary[CodeType, Facts] = weakref.WeakKeyDictionary()


def facts_of(code: CodeType) -> Facts:
    """What the function of that code reads and does outside; nothing where its source is not known."""
    facts = _known.get(code)
    if facts is None:
        found = Facts()
        definition = _definition(code)
        if definition is not None:
            _Reader(code, definition, found).run()
        has_any = found.reads or found.draws or found.effects
        facts = _known[code] = found if has_any else NOTHING
    return facts


def _definition(code: CodeType) -> ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda | None:
    """The syntax tree of a function, with the line numbers of its file."""
    first = code.co_firstlineno
    try:  # `inspect.getsourcelines` would look through all modules first: 0.2 s where TensorFlow is loaded
        lines = inspect.getblock(linecache.getlines(code.co_filename)[first - 1 :])
        text = textwrap.dedent("".join(lines))
        # CPython counts the depth of a tree in one place for all threads: a collection that calls a finalizer
        # may let another thread, such as AutoGraph's, build one in the middle of ours. That is a SystemError.
        with no_collection():
            tree = ast.parse(text)
    except (OSError, SyntaxError, ValueError, TypeError, IndexError):
        return None
    ast.increment_lineno(tree, first - 1)
    if code.co_name != "<lambda>":
        return next(
            (node for node in tree.body if isinstance(node, _FUNCTIONS) and node.name == code.co_name), None
        )
    lambdas = [node for node in ast.walk(tree) if isinstance(node, ast.Lambda) and _is_of(node, code)]
    return lambdas[0] if len(lambdas) == 1 else None


def _is_of(node: ast.Lambda, code: CodeType) -> bool:
    """Whether `code` may be the code of that lambda: there may be several on a line."""
    if [argument.arg for argument in node.args.args] != list(code.co_varnames[: code.co_argcount]):
        return False
    names = {part.id for part in ast.walk(node.body) if isinstance(part, ast.Name)}
    names |= {part.attr for part in ast.walk(node.body) if isinstance(part, ast.Attribute)}
    return names <= {*code.co_names, *code.co_varnames, *code.co_freevars, *code.co_cellvars}


class _Reader:
    """Reads one function."""

    def __init__(
        self, code: CodeType, definition: ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda, facts: Facts
    ) -> None:
        self._definition = definition
        self._facts = facts
        self._free = set(code.co_freevars)
        self._own = {*code.co_varnames, *code.co_cellvars}
        stored = {node.id for node in ast.walk(definition) if isinstance(node, ast.Name) and _is_store(node)}
        self._parameters = set(code.co_varnames[: code.co_argcount + code.co_kwonlyargcount]) - stored
        self._hidden: list[set[str]] = []
        """Names of nested functions and comprehensions."""
        self._held: dict[str, list[Read | Draw]] = {}
        """What went into each local variable."""
        self._blocks: list[object] = []
        """The blocks that we are in: what was read in one of them was read for certain."""
        self._home: dict[Read | Draw, object] = {}
        self._used = facts.used

    def run(self) -> None:
        """Fill in the facts."""
        if isinstance(self._definition, ast.Lambda):
            self._blocks.append(self._definition)
            self._expression(self._definition.body, [_span(self._definition)])
            return
        self._block(self._definition.body)

    # --- statements ---------------------------------------------------------------------------

    def _block(self, body: list[ast.stmt], *, is_certain: bool = True) -> None:
        self._blocks.append(body)
        for number, statement in enumerate(body, 1):
            after = [_block_span(body[number:])] if number < len(body) else []
            self._statement(statement, after, is_certain)
        self._blocks.pop()

    def _statement(self, statement: ast.stmt, after: list[Span], is_certain: bool) -> None:
        match statement:
            case ast.FunctionDef() | ast.AsyncFunctionDef():
                self._hidden.append(_names_of(statement))
                self._block(statement.body, is_certain=False)
                self._hidden.pop()
            case ast.With() | ast.AsyncWith():
                self._block(statement.body, is_certain=is_certain)
            case ast.If() | ast.While() | ast.For():
                self._header(statement, after)
                self._block(statement.body, is_certain=False)
                self._block(statement.orelse, is_certain=False)
            case ast.Try():
                handlers = [handler.body for handler in statement.handlers]
                for block in (statement.body, *handlers, statement.orelse, statement.finalbody):
                    self._block(block, is_certain=False)
            case ast.Return(value=ast.expr() as value):
                self._expression(value, [_span(statement)])
            case ast.Expr(value=value):
                if not self._call_statement(value, statement, after):
                    self._expression(value, [_span(statement)])
            case ast.Assign() | ast.AnnAssign(value=ast.expr()) | ast.AugAssign():
                self._assignment(statement, is_certain)

    def _header(self, statement: ast.If | ast.While | ast.For, after: list[Span]) -> None:
        """What decides how a branch or loop goes: ops inside of it, or after it, prove that it did."""
        inside = [_block_span(block) for block in (statement.body, statement.orelse) if block]
        if isinstance(statement, ast.For):
            found = self._expression(statement.iter, inside[:1])
            self._hold([statement.target], found, is_certain=False)
        elif _does_something([*statement.body, *statement.orelse]):
            self._test(statement.test, inside + after if isinstance(statement, ast.If) else inside[:1])

    def _assignment(self, statement: ast.Assign | ast.AnnAssign | ast.AugAssign, is_certain: bool) -> None:
        adds = isinstance(statement, ast.AugAssign)
        targets: list[ast.expr] = (
            [statement.target] if not isinstance(statement, ast.Assign) else statement.targets
        )
        for target in targets:
            path = self._path(target)
            if path is not None:
                self._effect(path, ast.unparse(statement), statement.lineno, "add" if adds else "assign")
        if statement.value is not None:
            found = self._expression(statement.value, [_span(statement)])
            self._hold(targets, found, is_certain and not adds)

    def _hold(self, targets: list[ast.expr], found: list[Read | Draw], is_certain: bool) -> None:
        for target in targets:
            for name in ast.walk(target):
                if isinstance(name, ast.Name) and _is_store(name):
                    before = [] if is_certain else self._held.get(name.id, [])
                    self._held[name.id] = [*before, *found]

    def _effect(
        self, path: Path | None, text: str, line: int, how: str, spans: list[Span] | None = None
    ) -> None:
        if not any(word in text.lower() for word in _MEANT_FOR_TRACING):
            self._facts.effects.append(Effect(path, _shortened(text), line, how, spans or []))

    def _call_statement(self, call: ast.expr, statement: ast.stmt, after: list[Span]) -> bool:
        """A call whose result nobody wants: whether there is nothing more to find in it."""
        match call:
            case ast.Call(func=ast.Attribute(value=owner, attr=method)) if method in _MUTATORS:
                path = self._path(owner)
                if path is not None:
                    self._effect(path, ast.unparse(call), statement.lineno, "mutate")
                    return True
            case ast.Call(func=ast.Name(id="print")):
                self._effect(None, ast.unparse(call), statement.lineno, "print", after)
                return True
        return False

    # --- expressions --------------------------------------------------------------------------

    def _expression(self, node: ast.AST, spans: list[Span]) -> list[Read | Draw]:  # noqa: PLR0911
        """Note what `node` reads, with `spans` as the proof; gives all that went into its value."""
        path = self._path(node)
        if path is not None:
            self._used.add(path)
            read = Read(path, getattr(node, "lineno", 0), list(spans))
            self._facts.reads.append(read)
            self._home[read] = self._blocks[-1]
            return [read]
        match node:
            case ast.Name(id=name):
                held = [] if self._is_hidden(name) else self._held.get(name, [])
                found = [item for item in held if any(self._home[item] is block for block in self._blocks)]
                for item in found:
                    item.spans.extend(spans)
                return found
            case ast.Call():
                return self._call(node, spans)
            case ast.IfExp():
                self._test(node.test, spans)
                return []
            case ast.BoolOp():
                return self._expression(node.values[0], spans)
            case ast.Lambda() | ast.ListComp() | ast.SetComp() | ast.DictComp() | ast.GeneratorExp():
                self._hidden.append(_names_of(node))
                found = self._parts(ast.iter_child_nodes(node), spans)
                self._hidden.pop()
                return found
            case ast.Attribute(value=owner):
                return [] if self._path(owner) else self._expression(owner, spans)
            case ast.Subscript(value=owner, slice=key):
                parts = (key,) if self._path(owner) else (owner, key)
                return self._parts(parts, spans)
        return self._parts(ast.iter_child_nodes(node), spans)

    def _parts(self, nodes: Iterable[ast.AST], spans: list[Span]) -> list[Read | Draw]:
        return [item for node in nodes for item in self._expression(node, spans)]

    def _call(self, call: ast.Call, spans: list[Span]) -> list[Read | Draw]:
        called = call.func
        name = called.attr if isinstance(called, ast.Attribute) else getattr(called, "id", "")
        is_tensorflows = isinstance(called, ast.Attribute) and ast.unparse(called) == "tf.print"
        if name in _CREATORS or (name in _LOGS and not is_tensorflows and not _is_math(called)):
            return []
        found: list[Read | Draw] = []
        path = self._path(called)
        if path is not None and name in _DRAWN:
            draw = Draw(path, _shortened(ast.unparse(call)), call.lineno, list(spans))
            self._facts.draws.append(draw)
            self._home[draw] = self._blocks[-1]
            found.append(draw)
        if isinstance(called, ast.Attribute):
            owner = self._path(called.value)
            if owner is not None:
                self._used.add(owner)
            else:
                found += self._expression(called.value, spans)
        elif not isinstance(called, ast.Name):
            found += self._expression(called, spans)
        arguments = [*call.args, *(word.value for word in call.keywords if word.arg not in _LABELS)]
        return found + self._parts(arguments, spans)

    def _test(self, test: ast.expr, spans: list[Span]) -> None:
        """A condition: it is followed only where all that it reads can be looked at later."""
        paths: dict[ast.AST, Path] = {}

        def is_value(node: ast.AST) -> bool:
            found = self._path(node)
            if found is not None:
                paths[node] = found
            return found is not None

        if not is_decidable(test, is_value):
            self._expression(test, [_span(test)])
            return
        self._used.update(paths.values())
        condition = Test(test, paths)
        for found in dict.fromkeys(paths.values()):
            self._facts.reads.append(Read(found, test.lineno, list(spans), condition))

    def _path(self, node: ast.AST) -> Path | None:
        """The way to a value outside, if `node` is one."""
        steps: list[Step] = []
        text = ""
        at = node
        while not isinstance(at, ast.Name):
            if isinstance(at, ast.Attribute):
                steps.append(Step(at.attr))
                text = f".{at.attr}{text}"
                at = at.value
            elif isinstance(at, ast.Subscript) and isinstance(key := _constant(at.slice), (str, int)):
                steps.append(Step(key, is_item=True))
                text = f"[{_quoted(key)}]{text}"
                at = at.value
            else:
                return None
        scope = self._scope(at.id)
        if not scope or (scope == "argument" and not steps):
            return None
        return Path(at.id, scope, tuple(reversed(steps)), at.id + text)

    def _scope(self, name: str) -> str:
        if self._is_hidden(name):
            return ""
        if name in self._free:
            return "closure"
        if name in self._own:
            return "argument" if name in self._parameters else ""
        return "" if hasattr(builtins, name) else "global"

    def _is_hidden(self, name: str) -> bool:
        return any(name in names for names in self._hidden)


def _is_store(name: ast.Name) -> bool:
    return isinstance(name.ctx, ast.Store | ast.Del)


def _names_of(node: ast.AST) -> set[str]:
    """The names that a nested function or comprehension has for itself."""
    outer: set[str] = set()
    own: set[str] = set()
    for part in ast.walk(node):
        match part:
            case ast.Name(id=name) if _is_store(part):
                own.add(name)
            case ast.arg(arg=name):
                own.add(name)
            case ast.Global(names=names) | ast.Nonlocal(names=names):
                outer.update(names)
    return own - outer


def _does_something(body: list[ast.stmt]) -> bool:
    """Whether a branch does more than to log, or to raise."""
    return not all(isinstance(statement, _IDLE) or _is_log(statement) for statement in body)


def _is_log(statement: ast.stmt) -> bool:
    match statement:
        case ast.Expr(value=ast.Constant()):
            return True
        case ast.Expr(value=ast.Call(func=ast.Name(id=name))):
            return name in _LOGS
        case ast.Expr(value=ast.Call(func=ast.Attribute(value=ast.Name(id=owner), attr=name))):
            return name in _LOGS and owner != "tf"
    return False


def _is_math(called: ast.expr) -> bool:
    """Whether `log` is a logarithm: `tf.math.log`, `np.log`."""
    return isinstance(called, ast.Attribute) and called.attr == "log" and not _is_logger(called.value)


def _is_logger(owner: ast.expr) -> bool:
    return "log" in ast.unparse(owner).lower()


def _constant(node: ast.expr) -> object:
    match node:
        case ast.Constant(value=value):
            return value
        case ast.UnaryOp(op=ast.USub(), operand=ast.Constant(value=int() as value)):
            return -value
    return None


def _quoted(key: str | int) -> str:
    return f'"{key}"' if isinstance(key, str) and key.isprintable() and '"' not in key else repr(key)


def _shortened(text: str) -> str:
    return text if len(text) <= MAX_TEXT else text[: MAX_TEXT - 3] + "..."


def _span(node: ast.stmt | ast.expr) -> Span:
    return node.lineno, _end(node)


def _block_span(body: list[ast.stmt]) -> Span:
    return body[0].lineno, _end(body[-1])


def _end(node: ast.stmt | ast.expr) -> int:
    return node.end_lineno or node.lineno
