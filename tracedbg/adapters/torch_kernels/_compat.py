"""Every private name of torch that timing kernels relies on, and the versions it is known to hold for.

Which were run: `docs/reference/versions.md`. `tests/adapters/torch_kernels/test_compat.py` fails when one
moves.
"""

from __future__ import annotations

from tracedbg.adapters.torch_common.private import Private

PREPARE = Private(
    "torch.autograd.profiler",
    "_prepare_profiler",
    "2.7-2.15",
    "called by every profiler of the program's before it starts; a second one at a time is an error",
)
IS_RUNNING = Private("torch.autograd", "_profiler_enabled", "2.7-2.15", "whether one is running")
PREFIXES = Private(
    "torch.profiler.python_tracer",
    "_prefix_regex",
    "2.7-2.15",
    "what the C++ tracer cuts off the names of files, as it was when a profiler first ran in the process",
)
BACKWARD = Private(
    "torch.autograd",
    "_tensor_or_tensors_to_tuple",
    "2.7-2.15",
    "what `torch.autograd.backward` and `grad` call, once each, before they begin: no frame of ours stays",
)
TREE = "experimental_event_tree"
"""The method of `profile.kineto_results` that gives the events as a tree, with the lines of calls."""
WRAP = Private(
    "torch._dynamo.eval_frame",
    "_TorchDynamoContext.__call__",
    "2.7-2.15",
    "(self, fn): makes the wrapper that `torch.compile` gives; each call calls all `self.enter_exit_hooks`",
)
EVENT_START = Private(
    "torch._dynamo.utils",
    "ChromiumEventLogger.log_event_start",
    "2.7-2.15",
    "called at the beginning of each phase of a compile: also of a backward's, in the first backward pass",
)
POST_COMPILE = Private(
    "torch._inductor.output_code",
    "CompiledFxGraph.post_compile",
    "2.7-2.15",
    "called for each graph, compiled or cached; it has `inductor_provenance_stack_traces_str` (2.9-2.15) and "
    "`current_callable`, the function of the generated file",
)
PROVENANCE = ("trace", "provenance_tracking_level")
KERNEL_PROFILE = ("cpp", "enable_kernel_profile")
"""Settings of `torch._inductor.config`. The second is part of the key of Inductor's cache: graphs that were
cached without the first are not found."""

TAG_MODULE, TAG = "torch.compiler.config", "cache_key_tag"
"""A setting, since 2.7, that is a part of the keys of all caches of compiled graphs."""

LOG_VARIABLE, LOG_LEVEL = "KINETO_LOG_LEVEL", "99"
"""Kineto reads it when it is first used, and would write two lines on stderr for each window."""

COMPILERS = (
    "torch/_dynamo/convert_frame.py",
    "torch/_inductor/compile_fx.py",
    "torch/_inductor/graph.py",
    "torch/_inductor/codecache.py",
)
"""Ends of the files whose functions compile: ops below them are none of the program's."""

NAMES = (PREPARE, IS_RUNNING, PREFIXES, BACKWARD)
"""Those of torch itself; `WRAP` and `POST_COMPILE` are looked for when Dynamo and Inductor are loaded."""
