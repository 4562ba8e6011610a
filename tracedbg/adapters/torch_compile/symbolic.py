"""What a compile left open: the sizes and numbers that may be others in the next call."""

from __future__ import annotations

from typing import Any


def symbolic_sources(output: Any) -> tuple[str, ...]:
    """The expressions that the graph of an `OutputGraph` holds for any value of.

    A symbol that the user's code has pinned to one value is none of them.
    """
    shape_env = output.shape_env
    replaced = shape_env.replacements
    names = {
        _name(source): None
        for symbol, sources in shape_env.var_to_sources.items()
        if not getattr(replaced.get(symbol), "is_number", False)
        for source in sources
    }
    return tuple(names)


def _name(source: Any) -> str:
    """An attribute since 2.10, a method before."""
    name = source.name
    return str(name() if callable(name) else name)
