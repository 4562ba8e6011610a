"""Every private name of torch that this adapter relies on, and the versions it is known to hold for.

Which were run: `docs/reference/versions.md`. A name that is gone switches off the part that needs it, with
one `Fault`, and leaves the rest at work; `tests/adapters/torch/test_private_names.py` fails when one moves,
and shows that the rest works.
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

from tracedbg.adapters.torch_common.private import Private

if TYPE_CHECKING:
    from types import CodeType

COMPILE = Private(
    "torch._dynamo.convert_frame",
    "_compile",
    "2.7-2.15",
    "one call for each compile that has a compile id; see `COMPILE_ARGUMENTS`",
)
COMPILE_ARGUMENTS = (
    "code",
    "globals",
    "locals",
    "compiler_fn",
    "one_graph",
    "cache_size",
    "compile_id",
    "skip",
)
"""Its arguments, by name, in 2.7-2.15. The cached entries: see `cache_entries`."""
RECOMPILE_LIMIT = Private(
    "torch._dynamo.convert_frame",
    "exceeds_recompile_limit",
    "2.7-2.15",
    "a pure function of cache_size and compile_id: (reached, name of the limit); asked before the compile",
)
CALL_USER_COMPILER = Private(
    "torch._dynamo.output_graph",
    "OutputGraph.call_user_compiler",
    "2.7-2.15",
    "is given the graph that was traced",
)
AOT_FORWARD = Private(
    "torch._functorch._aot_autograd.graph_compile",
    "_aot_stage2b_compile_forward_or_inference",
    "2.10-2.15",
    "(module, ...): compiles the graph of a forward; that module looks the name up at each call",
)
AOT_BACKWARD = Private(
    AOT_FORWARD.module, "_aot_stage2b_bw_compile", "2.10-2.15", "(module, ...): the same for a backward"
)
LOG_GRAPH_BREAK = Private(
    "torch._dynamo.symbolic_convert",
    "InstructionTranslatorBase.log_graph_break",
    "2.10-2.15",
    "called at each break with the exception that tells of it",
)
LOG_GRAPH_BREAK_FUNCTION = Private(
    "torch._dynamo.symbolic_convert", "log_graph_break", "2.7-2.9", "the same, before it was a method"
)
EVENT_END = Private(
    "torch._dynamo.utils",
    "ChromiumEventLogger.log_event_end",
    "2.7-2.15",
    "(self, name, end, metadata, start, ..): the end of each phase of a compile, in epoch nanoseconds",
)
INSTANT_EVENT = Private(
    "torch._dynamo.utils",
    "ChromiumEventLogger.log_instant_event",
    "2.7-2.15",
    "(self, name, ..): cache hit or miss",
)
CURRENT_COMPILE_ID = Private(
    "torch._guards",
    "CompileContext.current_compile_id",
    "2.7-2.15",
    "the object that `_compile` was given, for a backward that is compiled later too",
)
WRAP = Private(
    "torch._dynamo.eval_frame",
    "_TorchDynamoContext.__call__",
    "2.7-2.15",
    "(self, fn): makes the wrapper that `torch.compile` gives; each call calls all `self.enter_exit_hooks`",
)
WRAPPER_NAMES = ("compile_wrapper", "_fn")
"""The function of `eval_frame.py` that is the wrapper; its variables `self` and `fn` are those of `WRAP`."""
TRANSFORM = Private(
    "torch._dynamo.convert_frame",
    "transform_code_object",
    "2.7-2.15",
    "(code, transformations): `transformations(instructions, options)` turns the one bytecode into the other",
)
BYTECODE_HOOKS = Private(
    "torch._dynamo.convert_frame", "_bytecode_hooks", "2.7-2.15", "those who are shown the bytecode"
)
BYTECODE_LOG = Private("torch._dynamo.convert_frame", "bytecode_log", "2.7-2.15", "of `TORCH_LOGS=bytecode`")
SET_STANCE = Private(
    "torch._dynamo.decorators",
    "_set_stance",
    "2.7-2.15",
    "called with the stance that is from now on in force",
)
IN_MODE = Private(
    "torch._dynamo.convert_frame",
    "is_in_any_mode_without_ignore_compile_internals",
    "2.9-2.15",
    "`CatchErrorsWrapper.__call__` asks it, with the call in `frame`; if it says yes, Dynamo skips the code",
)
IN_MODE_BEFORE = Private(
    "torch._dynamo.convert_frame", "is_in_torch_dispatch_mode", "2.7-2.10", "what it asked before 2.9"
)
IN_MODE_ASKER = "should_skip_due_to_torch_dispatch_mode"
"""A function that stands between the two in 2.9 and 2.10."""
IN_MODE_CALL_ALONE = "apply_to_code"
"""A variable of that `__call__` where Dynamo skips a call under a mode alone, since 2.14; before, it never
looked at the code again."""
ANY_MODE = Private(
    "torch._dynamo.convert_frame",
    "any_torch_dispatch_mode_on_stack",
    "2.11-2.15",
    "the same, asked by default",
)
IS_GENERATOR = Private(
    "torch._dynamo.convert_frame",
    "is_generator",
    "2.7-2.15",
    "asked about the code of a call; if it says yes, Dynamo skips it, or raises",
)
SKIPPED_FOLDERS = Private(
    "torch._dynamo.trace_rules", "SKIP_DIRS", "2.7-2.15", "folders whose functions Dynamo never traces"
)
SKIPPED_FOLDERS_CHANGED = Private(
    "torch._dynamo.trace_rules", "_recompile_re", "2.7-2.15", "to be called when `SKIP_DIRS` was changed"
)
WRAPPERS = Private(
    "torch._dynamo.external_utils",
    "wrap_inline",
    "2.7-2.15",
    "its inner function is the frame where a module with a forward of torch's own was compiled",
)
WRAPPED = "fn"
"""What that inner function calls the module."""
UNSUPPORTED = Private("torch._dynamo.exc", "Unsupported", "2.7-2.15", "a soft failure: the frame runs eager")
USER_ERROR = Private("torch._dynamo.exc", "UserError", "2.7-2.15", "the same")

NAMES = (
    COMPILE,
    RECOMPILE_LIMIT,
    CALL_USER_COMPILER,
    AOT_FORWARD,
    AOT_BACKWARD,
    LOG_GRAPH_BREAK,
    EVENT_END,
    INSTANT_EVENT,
    CURRENT_COMPILE_ID,
    WRAP,
    TRANSFORM,
    BYTECODE_HOOKS,
    BYTECODE_LOG,
    SET_STANCE,
    IN_MODE,
    IS_GENERATOR,
    SKIPPED_FOLDERS,
    SKIPPED_FOLDERS_CHANGED,
    UNSUPPORTED,
    USER_ERROR,
)

ATTRIBUTES = {
    "CacheEntry": ("compile_id", "guard_manager", "backend", "code"),
    "GuardManagerWrapper": (
        "check_verbose",
        "code_parts",
        "closure_vars",
        "global_scope",
        "id_matched_objs",
        "no_tensor_aliasing_sources",
    ),
    "GuardDebugInfo": ("result", "verbose_code_parts", "user_stack"),
    "ConvertFrameReturn": ("guarded_code", "skip_reason"),
    "OutputGraph": ("shape_env",),
    "ShapeEnv": ("var_to_sources", "replacements"),
}
"""What is read of objects that a compile hands us. `user_stack` and `skip_reason` since 2.11, and
`CacheEntry.next` instead of a list of entries in 2.7: all three are read with a default."""


def unaliased(manager: Any) -> list[str]:
    """The paths of the tensors that an entry wants to be different objects: texts, and objects since 2.15."""
    found = getattr(manager, "no_tensor_aliasing_sources", ())
    return [source if isinstance(source, str) else source.name for source in found]


def cache_entries(arguments: dict[str, Any]) -> list[Any]:
    """The cached entries that a call was compared with, from the arguments of `_compile`."""
    for name in ("cache_entries_for_reasons", "cache_entries"):
        if name in arguments:
            return list(arguments[name])
    entries = []
    entry = arguments.get("cache_entry")
    while entry is not None:
        entries.append(entry)
        entry = entry.next
    return entries


def is_wrapper(code: CodeType) -> bool:
    """Whether `code` is that inner function of Dynamo's."""
    module = sys.modules.get(WRAPPERS.module)
    return code.co_name == "inner" and code.co_filename == getattr(module, "__file__", None)
