"""What a user wants to see as their own: the root of the project, and what is to be skipped. Data only."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class View:
    """Which frames count as the user's line."""

    project_roots: tuple[str, ...] = ()
    """Folders or packages (`vllm/model_executor`) that alone count. Empty: all but frameworks."""
    skip: tuple[str, ...] = ()
    """Wrappers to pass over: a file, a function or `file:function`; `*` stands for anything."""
