"""Every private name of torch that looking at the graphs of steps relies on, and for which versions.

Which were run: `docs/reference/versions.md`. `tests/adapters/torch_steps/test_compat.py` fails when one
moves.
"""

from __future__ import annotations

from tracedbg.adapters.torch_common.private import Private

MAKE_GRADS = Private(
    "torch.autograd",
    "_make_grads",
    "2.7-2.15",
    "(outputs, grads, ...): what `torch.autograd.backward` and `grad` call, once each, before they call the"
    " engine by `_engine_run_backward`: no frame of ours is on the stack while that runs",
)
RUNNING = Private(
    "torch._C",
    "_current_graph_task_id",
    "2.7-2.15",
    "the number of the backward that this thread runs just now; -1 in none: a backward inside one is no step",
)
MODE_COUNT = Private(
    "torch._C",
    "_len_torch_dispatch_stack",
    "2.7-2.15",
    "how many modes this thread has, torch's own too",
)
MODE = Private(
    "torch._C", "_get_dispatch_mode", "2.7-2.15", "this thread's mode of a kind of torch's own, or None"
)
MODE_KEYS = Private("torch._C", "_TorchDispatchModeKey", "2.7-2.15", "those kinds")
TRACING = ("FAKE", "PROXY", "FUNCTIONAL")
"""The kinds under which torch runs a backward to see what it does: it is no step of the program."""
MODULE_CALL = Private(
    "torch.nn", "Module._call_impl", "2.7-2.15", "what runs each call of a module; compiled ones, too"
)
LEAF = "torch::autograd::AccumulateGrad"
"""The name of the nodes that stand for leaves; their `variable` is the leaf."""
SEQUENCE = "_sequence_nr"
"""The method of a node that tells its number in the order of the forward, within a thread."""
RAW_SAVED = "_raw_saved_"
"""What attributes of a node begin with that hold `SavedTensor`s; in custom functions too."""
SAVED_DATA = "data"
"""What a `SavedTensor` holds, as it is: of one with hooks what these have made of it. Nothing is unpacked.
Where a torch has it not, nothing is said of what is kept."""

NAMES = (MAKE_GRADS, RUNNING, MODE_COUNT, MODE, MODE_KEYS, MODULE_CALL)
