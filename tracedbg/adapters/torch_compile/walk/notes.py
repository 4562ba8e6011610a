"""Where what was compiled could differ from what a walk shows."""

from __future__ import annotations

import re
import sys
from typing import Any

_EXACT = frozenset({"eager", "aot_eager", "eager_noexcept", "aot_eager_default_partitioner"})
_RANDOM = re.compile(
    r"(^|_)(dropout|rand|randn|randint|randperm|bernoulli|multinomial|normal|uniform|exponential|rrelu)(_|$)"
    r"|rand_like|randn_like|randint_like"
)
FUSED = (
    "compiled code may add and multiply floats in another order, or in one kernel: "
    "results can differ in the last digits"
)
RANDOM = (
    "random ops draw other numbers when compiled by inductor: "
    "set torch._inductor.config.fallback_random = True before compiling to have the same"
)


def notes_of(graph_module: Any, backend: Any) -> tuple[str, ...]:
    """See `Walk.notes`."""
    name = backend_name(backend)
    if name in _EXACT:
        return ()
    config = sys.modules.get("torch._inductor.config")
    same_stream = getattr(config, "fallback_random", False)
    return (FUSED, RANDOM) if not same_stream and _is_random(graph_module) else (FUSED,)


def backend_name(backend: Any) -> str:
    """What the user would call a backend."""
    inner = getattr(backend, "_torchdynamo_orig_backend", backend)
    name = getattr(inner, "compiler_name", None) or getattr(inner, "__name__", type(inner).__name__)
    return str(name)


def _is_random(module: Any) -> bool:
    from torch import fx

    inner = (held for held in module.modules() if isinstance(held, fx.GraphModule))
    return any(_draws(node) for graph in inner for node in graph.graph.nodes)


def _draws(node: Any) -> bool:
    if node.op not in ("call_function", "call_method"):
        return False
    name = node.target if isinstance(node.target, str) else getattr(node.target, "__name__", "")
    if _RANDOM.search(name) is None:
        return False
    return "dropout" not in name or _is_training(node)


def _is_training(node: Any) -> bool:
    """Whether a dropout leaves anything out."""
    given = dict(zip(("input", "p", "training"), node.args, strict=False)) | dict(node.kwargs)
    return given.get("p") != 0.0 and given.get("training") is not False
