"""tracedbg: a debugger and profiler for traced versus eager code.

Importing it imports neither a framework nor Textual.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

__version__ = "0.1.0"
__all__ = ["Run", "__version__", "record"]

if TYPE_CHECKING:
    from tracedbg.api import Run, record


def __getattr__(name: str) -> Any:
    """Load the public names when they are first used: `import tracedbg` stays cheap."""
    if name in __all__:
        from tracedbg import api  # noqa: PLC0415  deferred: it loads the recorder

        return getattr(api, name)
    message = f"module {__name__!r} has no attribute {name!r}"
    raise AttributeError(message)


def __dir__() -> list[str]:
    return sorted(__all__)
