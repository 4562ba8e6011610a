"""tracedbg: a debugger and profiler for traced versus eager code.

Importing it imports neither a framework nor Textual, and next to nothing else.
"""

from __future__ import annotations

TYPE_CHECKING = False  # `typing` would be half of the import's time
if TYPE_CHECKING:
    from typing import Any

    from tracedbg.api import (
        Counts,
        Run,
        breakpoint,  # noqa: A004  named as what it stands in for
        count,
        debug,
        record,
    )

__version__ = "0.1.0"
__all__ = ["Counts", "Run", "__version__", "breakpoint", "count", "debug", "record"]


def __getattr__(name: str) -> Any:
    """Load the public names when they are first used."""
    if name in __all__:
        from tracedbg import api  # noqa: PLC0415  deferred: it loads the recorder

        return getattr(api, name)
    message = f"module {__name__!r} has no attribute {name!r}"
    raise AttributeError(message)


def load_ipython_extension(shell: Any) -> None:
    """`%load_ext tracedbg`: the magics `%%tracedbg` and `%tracedbg`; IPython calls it."""
    from tracedbg_notebook.magic import load  # noqa: PLC0415  deferred: it loads the recorder

    load(shell)


def unload_ipython_extension(shell: Any) -> None:
    """`%unload_ext tracedbg`: takes them out again."""
    from tracedbg_notebook.magic import unload  # noqa: PLC0415  likewise

    unload(shell)


def __dir__() -> list[str]:
    return sorted(__all__)
