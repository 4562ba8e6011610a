"""What the nodes of a graph keep for the backward, by line of the forward.

It looks at what is kept as it is: nothing is unpacked, so no hook of the program's is called.
"""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING, Any
from weakref import WeakKeyDictionary

from tracedbg.adapters.torch_common.quiet import call_quietly
from tracedbg.adapters.torch_steps import _compat

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tracedbg.adapters.torch_steps.walk import Walked
    from tracedbg.events import Frame

_NAMES: WeakKeyDictionary[type, tuple[str, ...]] = WeakKeyDictionary()
"""The attributes of each type of node that hold what it keeps."""


def saved_bytes(walked: Walked) -> dict[Frame, int]:
    """Line -> bytes: each storage counts once, for the first node that keeps it; leaves do not count."""
    return call_quietly(_saved_bytes, walked)


def _saved_bytes(walked: Walked) -> dict[Frame, int]:
    found: defaultdict[Frame, int] = defaultdict(int)
    known = {place for leaf in walked.leaves if (place := _storage(leaf)[0])}
    for node in walked.nodes:
        for kept in _kept(node.node):
            place, size_bytes = _storage(kept)
            if place and place not in known:
                known.add(place)
                found[node.line] += size_bytes
    return dict(found)


def _kept(node: Any) -> Iterator[Any]:
    """The tensors that a node keeps; those of a backward that has run are gone."""
    for name in _names(type(node)):
        try:
            saved = getattr(node, name)
            several = saved if isinstance(saved, (list, tuple)) else (saved,)
            for one in several:
                data = getattr(one, _compat.SAVED_DATA, None)
                for part in data if isinstance(data, (list, tuple)) else (data,):
                    if _is_tensor(part):
                        yield part
        except (RuntimeError, AttributeError, ValueError):
            continue


def _names(kind: type) -> tuple[str, ...]:
    found = _NAMES.get(kind)
    if found is None:
        found = _NAMES[kind] = tuple(name for name in dir(kind) if name.startswith(_compat.RAW_SAVED))
    return found


def _is_tensor(value: Any) -> bool:
    import torch

    return isinstance(value, torch.Tensor)


def _storage(tensor: Any) -> tuple[int, int]:
    """Address and size of what a tensor is stored in; (0, 0) where it has no such thing."""
    try:
        storage = tensor.untyped_storage()
        return storage.data_ptr(), storage.nbytes()
    except (RuntimeError, NotImplementedError, AttributeError, TypeError):
        return 0, 0
