"""Every private name that stopping at eager ops relies on, and the versions it is known to hold for.

Which were run: `docs/reference/versions.md`. `tests/adapters/torch_eager/test_compat.py` fails when
one moves.
"""

from __future__ import annotations

from tracedbg.adapters.torch_common.private import Private

STACK_SIZE = Private(
    "torch._C", "_len_torch_dispatch_stack", "2.7-2.15", "how many modes are on, in this thread"
)
STACK_AT = Private("torch._C", "_get_dispatch_stack_at", "2.7-2.15", "one of them, from the bottom")
PUSH = Private("torch._C", "_push_on_torch_dispatch_stack", "2.7-2.15", "puts one on top")
POP = Private(
    "torch._C",
    "_pop_torch_dispatch_stack",
    "2.7-2.15",
    "takes off the topmost that is none of torch's own, as long as there is one",
)
MODE_KEY = "_mode_key"
"""The attribute by which torch tells its own modes (fake, proxy, functional) from others."""
NODE = Private("torch._C", "_current_autograd_node", "2.7-2.15", "the node that the backward runs; or None")
SEQUENCE = Private(
    "torch._C._autograd",
    "_get_sequence_nr",
    "2.7-2.15",
    "number that this thread's next node will have: an op's own node is made before a mode sees the op",
)
NODE_SEQUENCE = "_sequence_nr"
"""The method of a node that tells its number."""
IGNORES_COMPILES = "ignore_compile_internals"
"""The class method by which a mode says that Dynamo may compile under it; since 2.7."""

GUARD = Private(
    "torch._C",
    "_ForceDispatchKeyGuard",
    "2.7-2.15",
    "puts a thread's dispatch keys back at the end of a call of a compiled function",
)
EXTENT_FUNCTION, EXTENT_FILE = "compile_wrapper", "torch/_dynamo/eval_frame.py"
"""The function in which that guard stands, by its name and the end of its file."""

NAMES = (STACK_SIZE, STACK_AT, PUSH, POP, NODE, SEQUENCE, GUARD)

THREAD_START = "_bootstrap_inner"
"""The method of `threading.Thread` in which a thread runs, whatever `run` is; CPython 3.3 to 3.14."""
