"""What the user asked `torch.compile` for, read from the backend object that Dynamo carries."""

from __future__ import annotations

import types
from typing import Any

from tracedbg.adapters.torch_compile.values import describe, type_name
from tracedbg.source import is_user_file


def innermost_backend(backend: Any) -> Any:
    """The backend that the user gave, inside Dynamo's wrappers."""
    while (inner := getattr(backend, "_torchdynamo_orig_backend", None)) is not None:
        backend = inner
    return backend


def options_of(backend: Any, *, fullgraph: bool) -> tuple[tuple[str, str], ...]:
    """`backend`, and those of `dynamic`, `fullgraph`, `mode` and `options` that were given."""
    inner = innermost_backend(backend)
    found = {"backend": backend_name(inner)}
    dynamic = getattr(inner, "dynamic", None)
    if dynamic is not None:
        found["dynamic"] = str(dynamic)
    if fullgraph:
        found["fullgraph"] = "True"
    for key, value in (getattr(inner, "kwargs", None) or {}).items():
        found[str(key)] = describe(value)
    if config := getattr(inner, "config", None):
        found["config"] = describe(config)
    return tuple(found.items())


def backend_name(inner: Any) -> str:
    """`inductor`, or the name of the function that is the backend."""
    name = getattr(inner, "compiler_name", None) or getattr(inner, "__name__", None)
    return str(name) if name else type_name(type(inner))


def backend_text(inner: Any) -> str:
    """The name, and where a function of the user's is defined."""
    function = getattr(inner, "compiler_fn", inner)
    text = backend_name(inner)
    if isinstance(function, types.FunctionType) and is_user_file(function.__code__.co_filename):
        return describe(function).removeprefix("function ")
    return text
