"""Takes one private name of a framework away from tracedbg, and from nobody else.

A name that a `_compat.py` lists is found no more; an attribute that an adapter reads of an object raises
there, as it would if the framework had moved it.
"""

from __future__ import annotations

import ast
import importlib
import pkgutil
import sys
from dataclasses import dataclass
from importlib.machinery import PathFinder, SourceFileLoader
from pathlib import Path
from typing import TYPE_CHECKING

import tracedbg.adapters

if TYPE_CHECKING:
    from collections.abc import Callable

ADAPTERS = Path(tracedbg.adapters.__file__).parent
PACKAGE = tracedbg.adapters.__name__
OF_PYTHON = {"_getframe", "_current_frames", "_fields", "_replace", "_name_"}
"""Names that begin with a `_` and are documented by Python."""
OURS = {"_compat", "_node", "_call"}
"""Of ours: the last two of an op of a walk, which the comparison runs again."""
GONE = "__tracedbg_test_gone__"


@dataclass(frozen=True, order=True)
class Name:
    """What is taken away."""

    framework: str
    """torch or tensorflow."""
    module: str
    """Where it is; for an attribute of objects, the module of ours that reads it."""
    path: str
    users: tuple[str, ...] = ()
    """The `_compat` modules that list it; empty for an attribute."""

    def __str__(self) -> str:
        return f"{self.module}.{self.path}"


def listed() -> list[Name]:
    """All names that some `_compat` lists, once each."""
    users: dict[tuple[str, str], set[str]] = {}
    for found in pkgutil.walk_packages(tracedbg.adapters.__path__, f"{PACKAGE}."):
        if found.name.rpartition(".")[2] != "_compat":
            continue
        for value in vars(importlib.import_module(found.name)).values():
            if hasattr(value, "module") and hasattr(value, "path") and not isinstance(value, type):
                users.setdefault((value.module, value.path), set()).add(found.name)
    return sorted(
        Name("torch" if module.startswith("torch") else "tensorflow", module, path, tuple(sorted(by)))
        for (module, path), by in users.items()
    )


def modules() -> dict[str, Path]:
    """The adapters' modules that may reach into a framework, by name."""
    files = sorted(file for file in ADAPTERS.rglob("*.py") if file.name not in ("_compat.py", "private.py"))
    names = (".".join(file.relative_to(ADAPTERS).with_suffix("").parts) for file in files)
    return {
        f"{PACKAGE}.{name}".removesuffix(".__init__"): file for name, file in zip(names, files, strict=True)
    }


def attributes(module: str, file: Path) -> list[str]:
    """The private attributes that a module of ours reads of objects which are not its own."""
    tree = ast.parse(file.read_text())
    own = _own(tree)
    found = {
        node.attr
        for node in ast.walk(tree)
        if isinstance(node, ast.Attribute) and is_foreign(node.attr, own) and not _is_self(node.value)
    }
    found |= {
        node.args[1].value
        for node in ast.walk(tree)
        if isinstance(node, ast.Call)
        and isinstance(node.func, ast.Name)
        and node.func.id in ("getattr", "hasattr", "setattr")
        and len(node.args) > 1
        and isinstance(node.args[1], ast.Constant)
        and is_foreign(str(node.args[1].value), own)
    }
    return sorted(found)


def is_foreign(attribute: str, own: set[str]) -> bool:
    return (
        attribute.startswith("_")
        and not attribute.startswith("__")
        and attribute not in own | OF_PYTHON | OURS
    )


def _own(tree: ast.AST) -> set[str]:
    """The private names that the module itself gives to what it makes."""
    found = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.ClassDef):
            found.add(node.name)
        elif isinstance(node, ast.Attribute) and _is_self(node.value):
            found.add(node.attr)
        elif isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name):
            found.add(node.target.id)
    return found


def _is_self(node: ast.AST) -> bool:
    return isinstance(node, ast.Name) and node.id in ("self", "cls")


def unlisted() -> list[Name]:
    """Private attributes that are read of the frameworks' objects, for each module of ours that reads them."""
    return [
        Name(framework_of(module), module, attribute)
        for module, file in modules().items()
        for attribute in attributes(module, file)
    ]


def framework_of(module: str) -> str:
    part = module.removeprefix(f"{PACKAGE}.")
    return "torch" if part.startswith("torch") else "tensorflow"


def take_away(name: Name) -> None:
    """From now on, in this process; no adapter has been imported yet."""
    if name.users:
        _unlist(lambda path, module: (module, path) == (name.module, name.path), str(name))
    else:
        sys.meta_path.insert(0, _Finder(name))
        _unlist(lambda path, _: path.rpartition(".")[2] == name.path, name.path)


def _unlist(is_gone: Callable[[str, str], bool], name: str) -> None:
    from tracedbg.adapters.tf_common._compat import PrivateName
    from tracedbg.adapters.torch_common.private import MovedError, Private

    for kind, method in ((Private, "find"), (PrivateName, "owner")):
        original = getattr(kind, method)

        def find(self, original=original):
            if is_gone(self.path, self.module):
                raise MovedError(f"no {name}")
            return original(self)

        setattr(kind, method, find)


class _Finder:
    """Imports one module of ours with an attribute that is no longer there."""

    def __init__(self, name: Name) -> None:
        self.name = name

    def find_spec(self, module, path=None, target=None):
        if module != self.name.module:
            return None
        spec = PathFinder.find_spec(module, path)
        spec.loader = _Loader(module, spec.origin)
        spec.loader.attribute = self.name.path
        return spec


class _Loader(SourceFileLoader):
    attribute = ""

    def get_code(self, fullname):
        tree = _Remove(self.attribute).visit(ast.parse(self.get_data(self.path)))
        return compile(ast.fix_missing_locations(tree), self.path, "exec", dont_inherit=True)

    def exec_module(self, module):
        vars(module)[GONE] = _gone
        super().exec_module(module)


class _Remove(ast.NodeTransformer):
    def __init__(self, attribute: str) -> None:
        self.attribute = attribute

    def visit_Attribute(self, node: ast.Attribute) -> ast.AST:
        self.generic_visit(node)
        if node.attr != self.attribute or not isinstance(node.ctx, ast.Load):
            return node
        return _call([node.value, ast.Constant(node.attr)])

    def visit_Call(self, node: ast.Call) -> ast.AST:
        self.generic_visit(node)
        if isinstance(node.func, ast.Name) and node.func.id in ("getattr", "hasattr"):
            asked = node.args[-1] if len(node.args) < 2 else node.args[1]
            if isinstance(asked, ast.Constant) and asked.value == self.attribute:
                return _call([*node.args, *([ast.Constant(False)] if node.func.id == "hasattr" else [])])
        return node


def _call(args: list[ast.expr]) -> ast.Call:
    return ast.Call(ast.Name(GONE, ast.Load()), args, [])


def _gone(owner, attribute, *default):
    if default:
        return default[0]
    raise AttributeError(f"{type(owner).__name__!r} object has no attribute {attribute!r}")
