"""Every private name of torch that this adapter relies on, and the versions it is known to hold for.

Which were run: `docs/reference/versions.md`. A name that is gone switches off the part
that needs it, with one `Fault`, and leaves the rest at work: `test_private_names.py` in
`tests/adapters/torch_script/` fails when one moves, and shows that the rest works.
"""

from __future__ import annotations

from tracedbg.adapters.torch_common.private import MovedError, Private

__all__ = ["MovedError", "Private"]

_VERSIONS = "2.7-2.15"

SCRIPT = Private(
    "torch.jit._script", "_script_impl", _VERSIONS, "all of `torch.jit.script(obj)`, for helpers too"
)
SCRIPT_MODULE = Private(
    "torch.jit._recursive",
    "create_script_module_impl",
    _VERSIONS,
    "all of scripting one module; called anew for each submodule",
)
SCRIPT_METHOD = Private(
    "torch.jit._recursive",
    "compile_unbound_method",
    _VERSIONS,
    "called by the compiler for a method that another one calls",
)
SCRIPT_CLASS = Private(
    "torch.jit._recursive", "_compile_and_register_class", _VERSIONS, "all of scripting a class"
)
SCRIPT_CLASS_DIRECTLY = Private(
    "torch.jit._script", "_compile_and_register_class", _VERSIONS, "the same, as `torch.jit.script` calls it"
)
PARSE_FUNCTION = Private("torch.jit._script", "get_jit_def", _VERSIONS, "the first step of a compile")
PARSE_METHOD = Private("torch.jit._recursive", "get_jit_def", _VERSIONS, "the same for a method")
PARSE_CLASS = Private("torch.jit._recursive", "get_jit_class_def", _VERSIONS, "the same for a class")
TRACE = Private("torch.jit._trace", "_trace_impl", _VERSIONS, "all of `torch.jit.trace(func)`, and its check")
TRACE_FUNCTION = Private("torch._C", "_create_function_from_trace", _VERSIONS, "traces a function")
TRACE_FUNCTION_BY_NAME = Private(
    "torch._C", "_create_function_from_trace_with_dict", _VERSIONS, "the same for `example_kwarg_inputs`"
)
TRACE_METHOD = Private("torch._C", "ScriptModule._create_method_from_trace", _VERSIONS, "traces a method")
TRACE_METHOD_BY_NAME = Private(
    "torch._C",
    "ScriptModule._create_method_from_trace_with_dict",
    _VERSIONS,
    "the same for `example_kwarg_inputs`",
)
CACHED_FUNCTION = Private(
    "torch.jit._state", "_try_get_jit_cached_function", _VERSIONS, "what a function was compiled to, or None"
)
COMPILED_TYPES = Private(
    "torch.jit._recursive",
    "concrete_type_store.methods_compiled",
    _VERSIONS,
    "the types of modules whose methods need no compile any more",
)
SCRIPT_CLASSES = Private("torch.jit._state", "_get_script_class", _VERSIONS, "what a class was compiled to")
PYTHON_UNIT = Private(
    "torch.jit._state",
    "_python_cu",
    _VERSIONS,
    "holds what was compiled: find_function(name)",
)
TRACER_WARNING = Private(
    "torch.jit",
    "TracerWarning",
    _VERSIONS,
    "made for each warning of the tracer, before any filter is asked whether to show it",
)

NAMES = (
    SCRIPT,
    SCRIPT_MODULE,
    SCRIPT_METHOD,
    SCRIPT_CLASS,
    SCRIPT_CLASS_DIRECTLY,
    PARSE_FUNCTION,
    PARSE_METHOD,
    PARSE_CLASS,
    TRACE,
    TRACE_FUNCTION,
    TRACE_FUNCTION_BY_NAME,
    TRACE_METHOD,
    TRACE_METHOD_BY_NAME,
    CACHED_FUNCTION,
    COMPILED_TYPES,
    SCRIPT_CLASSES,
    PYTHON_UNIT,
    TRACER_WARNING,
)

CALLERS = {
    "torch.jit._script._script_impl": ("obj",),
    "torch.jit._recursive.make_stub": ("func", "name"),
    "torch.jit._recursive.create_script_module": ("concrete_type",),
    "torch.jit._recursive.create_script_module_impl.init_fn": ("sub_concrete_type",),
    "torch.jit._recursive.compile_unbound_method": ("concrete_type",),
    "torch.jit._recursive._compile_and_register_class": ("obj",),
    "torch.jit._trace._trace_impl": ("func", "example_inputs", "check_trace", "strict", "traced"),
    "torch.jit._trace.trace_module": (
        "mod",
        "method_name",
        "example_inputs",
        "check_trace",
        "strict",
        "module",
    ),
}
"""Functions of torch whose local variables are read while they call one of the above."""

TRACE_MODULE = "torch.jit._trace"
CHECK = "_check_trace"
"""Name of the function in it that traces a second time."""
TENSOR_MODULE = "torch._tensor"
"""Where torch warns in Python about `len(tensor)` and `for row in tensor`, for the line that calls."""
