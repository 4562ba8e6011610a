"""Functions of ours that stand in a traceback where the framework's own would stand."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable

    F = TypeVar("F", bound=Callable[..., Any])


def in_disguise(function: F, module: str) -> F:
    """Let a function's frames name the file of a module that is there.

    The frames are then left out of an error's traceback where those of the framework are, and the program
    prints what it would print alone.
    """
    file = getattr(sys.modules.get(module), "__file__", None)
    if file:
        function.__code__ = function.__code__.replace(co_filename=file)
    return function
