"""Keeps graphs that were compiled from other lines out of a run whose kernels are timed.

Inductor's caches find a graph again by what it computes; the lines that it then tells are those of the
program that was compiled first, or of an earlier version of it.
"""

from __future__ import annotations

import hashlib
import os
import sys
from functools import partial
from typing import TYPE_CHECKING, Any

from tracedbg.adapters.torch_kernels import _compat
from tracedbg.source import is_user_file

if TYPE_CHECKING:
    from tracedbg.hooks import Hooks

_MARK = "tracedbg-"


def keep_caches_apart(hooks: Hooks) -> None:
    """Make the user's own files a part of the key of torch's caches, from the next compile on."""
    config = sys.modules.get(_compat.TAG_MODULE)
    before = getattr(config, _compat.TAG, None)
    # With a job's id, Dynamo finds by that tag which sizes were dynamic before: it would compile otherwise.
    if before is None or getattr(config, "job_id", None) is not None:
        return
    plain, _, _ = before.partition(_MARK)
    if plain == before:
        hooks.on_remove(partial(setattr, config, _compat.TAG, before))
    tag = f"{plain}{_MARK}{_fingerprint()}"
    if tag != before:
        setattr(config, _compat.TAG, tag)


def _fingerprint() -> str:
    """Changes with any file of the user's that is loaded."""
    digest = hashlib.blake2b(digest_size=8)
    for file in sorted(filter(None, map(_file_of, list(sys.modules.values())))):
        try:
            found = os.stat(file)
        except OSError:
            continue
        digest.update(f"{file}:{found.st_mtime_ns}:{found.st_size};".encode(errors="surrogateescape"))
    return digest.hexdigest()


def _file_of(module: Any) -> str | None:
    file = getattr(module, "__dict__", {}).get("__file__")
    return file if isinstance(file, str) and is_user_file(file) else None
