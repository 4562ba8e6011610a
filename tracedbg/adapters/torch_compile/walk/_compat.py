"""Every private name of torch that the walker relies on, and the versions it is known to hold for.

Which were run: `docs/reference/versions.md`. A name that is gone switches off the part that needs it, with
one `Fault`; `tests/adapters/torch_walk/test_private_names.py` takes each away in turn.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from tracedbg.adapters.torch_common.private import MovedError, Private
from tracedbg.adapters.torch_compile._compat import CALL_USER_COMPILER
from tracedbg.source import code_name

if TYPE_CHECKING:
    from types import CodeType

STARTS_LINE = Private(
    "torch._dynamo.symbolic_convert",
    "InstructionTranslatorBase.starts_line",
    "2.7-2.15",
    "(self, lineno): Dynamo is about to trace a line; `self.lineno` is still the one before",
)
RUN = Private(
    "torch._dynamo.symbolic_convert",
    "InstructionTranslatorBase.run",
    "2.7-2.15",
    "(self): traces one function from its first to its last instruction, inlined ones too",
)
INSTALL_GLOBAL = Private(
    "torch._dynamo.output_graph",
    "OutputGraph.install_global_unsafe",
    "2.7-2.15",
    "(self, name, value): puts what was compiled of a graph where the generated code finds it",
)
COMPILE_ID = Private(
    "torch._guards",
    "CompileContext.current_compile_id",
    "2.7-2.15",
    "the id of the compile that this thread is in",
)
TRACING = Private(
    "torch._guards",
    "TracingContext.try_get",
    "2.7-2.15",
    "of this thread; its `loc_in_frame` is (file, line, function) of what Dynamo traces just now",
)
BACKWARD = Private(
    "torch._functorch._aot_autograd.runtime_wrappers",
    "_AutogradBackwardCompiler",
    "2.12-2.15",
    "one for each backward: has its graph as `lazy_backward_info.bw_module`, and what was compiled of it",
)
GET_BACKWARD = "get_or_compile"
COMPILED_BACKWARD = Private(
    BACKWARD.module,
    f"{BACKWARD.path}.{GET_BACKWARD}",
    "2.12-2.15",
    "(self, *, saved_tensors_use_once): what was compiled, for autograd: it takes a list, and empties it",
)

NAMES = (
    CALL_USER_COMPILER,
    STARTS_LINE,
    RUN,
    INSTALL_GLOBAL,
    COMPILE_ID,
    TRACING,
    BACKWARD,
    COMPILED_BACKWARD,
)
COMPILED = "__compiled_fn"
"""How the names of those globals begin, in 2.7-2.15."""
RESUME = "__resume_at"
"""How the names of the globals begin that are the rest of a function after a graph break, in 2.7-2.15."""

ATTRIBUTES = {
    "InstructionTranslatorBase": ("f_code", "f_globals", "symbolic_locals", "output", "lineno"),
    "OutputGraph": ("current_tracer", "global_scope", "compiler_fn", "side_effects", "shape_env"),
    "SideEffects": ("store_attr_mutations", "is_modified"),
    "VariableTracker": ("source",),
    "TensorVariable": ("proxy",),
    "SymNodeVariable": ("proxy",),
    "ConstantVariable": ("value",),
}
"""What is read of objects of Dynamo's; those of variables (`refs.py`) with a default."""


HIDDEN_VARIABLES = ("___", "__nested_", "__is_tracing_", "graph_out_")
"""How the variables begin that Dynamo adds to a function, in 2.7-2.15."""
RESUME_NAME = re.compile(r"torch_dynamo_resume_in_(?P<name>.*)_at_(?P<line>\d+)$", re.DOTALL)
"""How the functions are called that are the rest of one, in 2.7-2.15."""


def users_name(code: CodeType) -> str:
    """The user's name of a function; that of the whole one for the rest of it."""
    return RESUME_NAME.sub(r"\g<name>", code_name(code))


def is_resume(code: CodeType) -> bool:
    """Whether it is the rest of a function after a graph break."""
    return RESUME_NAME.search(code.co_name) is not None


def source_name(source: Any) -> str:
    """The expression for a source: an attribute since 2.10, a method before."""
    name = source.name
    return str(name() if callable(name) else name)


def input_source(node: Any) -> str | None:
    """The expression for where an input of Dynamo's graph comes from: in `meta["grapharg"]`, in 2.7-2.15."""
    source = getattr(node.meta.get("grapharg"), "source", None)
    return None if source is None else source_name(source)


def is_generated(code: CodeType) -> bool:
    """Whether Dynamo has made `code`: it calls what was compiled, or the rest after a graph break."""
    return any(name.startswith((COMPILED, RESUME)) for name in code.co_names)


__all__ = ["CALL_USER_COMPILER", "MovedError", "Private"]
