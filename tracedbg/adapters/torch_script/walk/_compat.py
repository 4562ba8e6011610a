"""Every private name of torch that the walk relies on, and the versions it is known to hold for.

Which were run: `docs/reference/versions.md`. `test_private_names.py` in
`tests/adapters/torch_script_walk/` fails when one moves. The methods of `torch.Graph`, `torch.Node` and
`torch.Value` that are read here are those of torch's own passes in Python: `nodes`, `blocks`, `inputs`,
`outputs`, `kind`, `schema`, `sourceRange`, `createClone`, `appendNode`, `registerOutput`, `toIValue`.
"""

from __future__ import annotations

from tracedbg.adapters.torch_common.private import MovedError, Private
from tracedbg.adapters.torch_script._compat import (
    CACHED_FUNCTION,
    PYTHON_UNIT,
    SCRIPT,
    TRACE,
    TRACE_FUNCTION,
    TRACE_FUNCTION_BY_NAME,
    TRACE_METHOD,
    TRACE_METHOD_BY_NAME,
)

__all__ = [
    "CACHED_FUNCTION",
    "CALL_FUNCTION",
    "CALL_METHOD",
    "DISPATCH_MODE",
    "FROM_GRAPH",
    "GATHER",
    "GRAPH",
    "INLINE",
    "MODULE_MADE",
    "NAMES",
    "OPERATION",
    "PARSE_SCHEMA",
    "PYTHON_CLASS",
    "PYTHON_UNIT",
    "SCRIPT",
    "SYMBOLIZE",
    "TRACE",
    "TRACE_FUNCTION",
    "TRACE_FUNCTION_BY_NAME",
    "TRACE_METHOD",
    "TRACE_METHOD_BY_NAME",
    "TRACING",
    "WRAP_MODULE",
    "MovedError",
    "Private",
]

_VERSIONS = "2.7-2.15"

CALL_FUNCTION = Private("torch._C", "ScriptFunction.__call__", _VERSIONS, "a call of a compiled function")
CALL_METHOD = Private("torch._C", "ScriptMethod.__call__", _VERSIONS, "a call of a compiled method")
MODULE_MADE = Private(
    "torch.jit._script",
    "RecursiveScriptModule._finalize_scriptmodule",
    _VERSIONS,
    "the end of making a module, by scripting, by tracing and by loading",
)
OPERATION = Private(
    "torch._C", "_get_operation_overload", _VERSIONS, "(callable, ...) of an operator, by name and overload"
)
PARSE_SCHEMA = Private("torch._C", "parse_schema", _VERSIONS, "a schema: which arguments are keywords only")
GRAPH = Private("torch._C", "Graph", _VERSIONS, "a new graph, for one node")
FROM_GRAPH = Private("torch._C", "_create_function_from_graph", _VERSIONS, "a function of a graph")
INLINE = Private("torch._C", "_jit_pass_inline", _VERSIONS, "puts the graph of a callee in place of its call")
TRACING = Private("torch._C", "_get_tracing_state", _VERSIONS, "None unless this thread traces")
PYTHON_CLASS = Private(
    "torch.jit._state", "_get_python_class", _VERSIONS, "the class that a TorchScript class was made of"
)
WRAP_MODULE = Private(
    "torch.jit._recursive", "wrap_cpp_module", _VERSIONS, "a module as Python sees it, for showing it"
)
GATHER = Private("torch._C._profiler", "gather_traceback", _VERSIONS, "the stack of scripts, unread")
SYMBOLIZE = Private("torch._C._profiler", "symbolize_tracebacks", _VERSIONS, "the same, in files and lines")
DISPATCH_MODE = Private(
    "torch.utils._python_dispatch",
    "TorchDispatchMode.ignore_compile_internals",
    "2.9-2.15",
    "a mode that the compiler takes no notice of",
)

NAMES = (
    CALL_FUNCTION,
    CALL_METHOD,
    MODULE_MADE,
    OPERATION,
    PARSE_SCHEMA,
    GRAPH,
    FROM_GRAPH,
    INLINE,
    TRACING,
    PYTHON_CLASS,
    WRAP_MODULE,
    GATHER,
    SYMBOLIZE,
    DISPATCH_MODE,
)
