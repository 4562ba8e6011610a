"""The expressions that guards read, in the user's own words: `L['batch']['x']` is `batch["x"]`.

Text in, text out: it follows no object.
"""

from __future__ import annotations

import ast
import functools
import re
from dataclasses import dataclass

_MEMBERS = {"_modules", "_parameters", "_buffers", "__dict__"}
_UNWRAP = {"___from_numpy", "type"}
_TENSOR_METHODS = {"size", "stride"}
_MODULE_NAME = re.compile(r"__import_(\w+)")
_BUILTINS = re.compile(r"__builtins_dict_\w*")
_STACK = re.compile(r"___stack(\d+)")


@dataclass(frozen=True)
class Source:
    """One expression that a guard reads."""

    text: str
    """As the user wrote it."""
    is_global: bool = False
    has_attribute: bool = False
    """Whether the value is an attribute of what the user passed or named."""
    is_constant: bool = False
    """Whether nothing of the user's is read."""


@functools.lru_cache(maxsize=4096)
def parse(expression: str) -> Source | None:
    """What `expression` reads; None if it is no Python expression."""
    node = parse_node(expression)
    return None if node is None else source_of(node)


@functools.lru_cache(maxsize=4096)
def parse_node(expression: str) -> ast.expr | None:
    """The syntax tree of `expression`; None if it is no Python expression."""
    try:
        return ast.parse(expression.strip(), mode="eval").body
    except (SyntaxError, ValueError):
        return None


def source_of(node: ast.expr) -> Source:
    """The same for a part of a syntax tree."""
    text = render(node)
    roots = {root for part in ast.walk(node) if (root := _root(part))}
    return Source(text, "G" in roots, _reads_attribute(node), is_constant=not roots)


def _root(node: ast.AST) -> str:
    """`L` or `G` where `node` is the beginning of a path: `L['x']`."""
    match node:
        case ast.Subscript(value=ast.Name(id="L" | "G" as name)):
            return name
    return ""


def _reads_attribute(node: ast.expr) -> bool:
    """Whether an attribute stands anywhere on the way from the argument to the value."""
    return any(
        isinstance(part, ast.Attribute)
        and part.attr not in _TENSOR_METHODS
        and not (isinstance(part.value, ast.Name) and part.value.id == "dict")
        for part in ast.walk(node)
    )


def render(node: ast.expr) -> str:
    """A syntax tree of torch's as text of the user's."""
    match node:
        case ast.Subscript():
            return _render_subscript(node)
        case ast.Attribute():
            return f"{render(node.value)}.{node.attr}"
        case ast.Call(keywords=[]):
            return _render_call(node)
        case ast.Constant(value=str() as text):
            return f'"{text}"' if text.isprintable() and not set(text) & {'"', "\\"} else repr(text)
    return _Renderer().unparse(node)


def _render_subscript(node: ast.Subscript) -> str:
    match node.value, node.slice:
        case ast.Name(id="L" | "G"), ast.Constant(value=str() as name):
            return _root_name(name)
        case ast.Subscript(slice=ast.Constant(value=str() as name)), ast.Constant(value=str() as key) if (
            _BUILTINS.fullmatch(name)
        ):
            return key
        case ast.Attribute(attr=group) as owner, ast.Constant(value=str() as name) if group in _MEMBERS:
            return _member(render(owner.value), name)
        case ast.Call(func=ast.Attribute(attr=method) as call, args=[]), dim if method in _TENSOR_METHODS:
            return f"{render(call.value)}.{method}({render(dim)})"
    return f"{render(node.value)}[{render(node.slice)}]"


def _render_call(node: ast.Call) -> str:
    match node:
        case ast.Call(func=ast.Name(id=name), args=[inner]) if name in _UNWRAP:
            return render(inner)
        case ast.Call(func=ast.Attribute(value=ast.Name(id="dict"), attr="__getitem__"), args=[owner, key]):
            return f"{render(owner)}[{render(key)}]"
        case ast.Call(func=ast.Name(id="___tuple_iterator_getitem"), args=[owner, key]):
            return f"{render(owner)}[{render(key)}]"
    return f"{render(node.func)}({', '.join(map(render, node.args))})"


class _Renderer(ast.NodeTransformer):
    """Puts rendered sources into an expression, and lets `ast` write the rest."""

    def unparse(self, node: ast.expr) -> str:
        return ast.unparse(self.generic_visit(_copy(node)))

    def visit_Subscript(self, node: ast.Subscript) -> ast.expr:
        return ast.Name(render(node))

    def visit_Attribute(self, node: ast.Attribute) -> ast.expr:
        return ast.Name(render(node))


def _copy(node: ast.expr) -> ast.expr:
    """A tree of its own: the parsed one is cached, and a transformer changes it."""
    return ast.parse(ast.unparse(node), mode="eval").body


def _root_name(name: str) -> str:
    if stack := _STACK.fullmatch(name):
        return f"intermediate value {stack[1]}"
    if module := _MODULE_NAME.fullmatch(name):
        return module[1].replace("_dot_", ".")
    return name


def _member(owner: str, name: str) -> str:
    """`self.lin`; an item of a container of modules is numbered: `layers[0]`."""
    return f"{owner}[{name}]" if name.isdigit() else f"{owner}.{name}"
