"""The value behind a guard's source expression, such as `L['self'].layers[0].scale`.

torch's guards read raw attributes; so does this: it walks the expression itself instead of `eval`,
and gives up (`UnreadableError`) wherever reading on could run code of the user's.
"""

from __future__ import annotations

import ast
import inspect
import types
from typing import Any

from tracedbg.adapters.torch_compile.values import is_plain_tensor

_TENSOR_METHODS = {"size", "stride", "storage_offset", "dim"}
_SIZED = (dict, list, tuple, set, frozenset, str, bytes, range)


class UnreadableError(Exception):
    """The expression cannot be followed without running code of the user's, or is of no known form."""


def read(source: str, scope: dict[str, Any]) -> Any:
    """The value of `source`.

    Args:
        source: as in a guard, with `L` for locals and `G` for globals.
        scope: what `L` and `G` are.

    Raises:
        UnreadableError: see the module's docstring.
    """
    try:
        return _read(ast.parse(source, mode="eval").body, scope)
    except (SyntaxError, KeyError, IndexError, AttributeError, TypeError, ValueError) as error:
        raise UnreadableError(source) from error


def _read(node: ast.expr, scope: dict[str, Any]) -> Any:
    if isinstance(node, ast.Constant):
        return node.value
    if isinstance(node, ast.Name):
        return scope[node.id]
    if isinstance(node, ast.UnaryOp):
        return ast.literal_eval(node)
    if isinstance(node, ast.Attribute):
        return _attribute(_read(node.value, scope), node.attr)
    if isinstance(node, ast.Subscript):
        return _item(_read(node.value, scope), _read(node.slice, scope))
    if isinstance(node, ast.Call) and not node.keywords:
        return _call(node, scope)
    raise UnreadableError(ast.unparse(node))


def _attribute(owner: Any, name: str) -> Any:
    if isinstance(owner, types.ModuleType):
        return vars(owner)[name]
    try:
        found = inspect.getattr_static(owner, name)
    except AttributeError:
        return _submodule(owner, name)
    if isinstance(found, (types.MemberDescriptorType, types.GetSetDescriptorType)):
        return _c_attribute(owner, found)
    if isinstance(found, types.FunctionType):
        return found
    if hasattr(type(found), "__get__"):
        raise UnreadableError(name)
    return found


def _c_attribute(owner: Any, descriptor: Any) -> Any:
    import torch

    if isinstance(owner, torch.Tensor) and not is_plain_tensor(owner):
        raise UnreadableError(descriptor.__name__)
    with torch._C.DisableTorchFunction():
        return descriptor.__get__(owner)


def _submodule(owner: Any, name: str) -> Any:
    """`nn.Module` finds these by `__getattr__`; an object without them has no such attribute."""
    for group in ("_parameters", "_buffers", "_modules"):
        found = vars(owner).get(group)
        if type(found) is dict and name in found:
            return found[name]
    raise UnreadableError(name)


def _item(owner: Any, key: Any) -> Any:
    if isinstance(owner, dict):
        return dict.__getitem__(owner, key)
    if isinstance(owner, list):
        return list.__getitem__(owner, key)
    if isinstance(owner, tuple):
        return tuple.__getitem__(owner, key)
    raise UnreadableError(type(owner).__name__)


def _call(node: ast.Call, scope: dict[str, Any]) -> Any:
    name = ast.unparse(node.func)
    arguments = [_read(argument, scope) for argument in node.args]
    if name == "type":
        return type(arguments[0])
    if name == "len" and type(arguments[0]).__len__ in [kind.__len__ for kind in _SIZED]:
        return len(arguments[0])
    if name == "dict.keys" and isinstance(arguments[0], dict):
        return dict.keys(arguments[0])
    if name == "dict.__getitem__" and isinstance(arguments[0], dict):
        return dict.__getitem__(*arguments)
    if name == "list" and isinstance(arguments[0], (type({}.keys()), *_SIZED)):
        return list(arguments[0])
    if isinstance(node.func, ast.Attribute) and node.func.attr in _TENSOR_METHODS and not arguments:
        return _tensor_method(_read(node.func.value, scope), node.func.attr)
    raise UnreadableError(name)


def _tensor_method(tensor: Any, name: str) -> Any:
    import torch

    if not isinstance(tensor, torch.Tensor) or not is_plain_tensor(tensor):
        raise UnreadableError(name)
    with torch._C.DisableTorchFunction():
        found = getattr(torch.Tensor, name)(tensor)
        return tuple(found) if isinstance(found, tuple) else found
