"""The graphs that there are in this process as `GraphModule`s, whoever has made them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tracedbg.adapters.instances import classes_of, instances_of

if TYPE_CHECKING:
    from collections.abc import Collection


def live_graph_modules() -> list[Any]:
    """All of them; safe in any thread."""
    import torch

    return instances_of(torch.fx.GraphModule)


def graph_modules_of(files: Collection[str]) -> dict[str, Any]:
    """Those whose code is called like one of `files`, by that. Each has a class, and code, of its own.

    To look for them takes some hundredths of a second, for many as long as for one.
    """
    import torch

    kinds: dict[type, str] = {}
    for kind in classes_of(torch.fx.GraphModule):
        code = getattr(vars(kind).get("forward"), "__code__", None)
        if code is not None and code.co_filename in files:
            kinds[kind] = code.co_filename
    return {kinds[type(one)]: one for one in instances_of(*kinds) if type(one) in kinds}
