"""Whole paths of the files that torch's profiler has shortened: it cuts off the folders of `sys.path`."""

from __future__ import annotations

import os
import sys
from collections import defaultdict

from tracedbg.adapters.torch_kernels import _compat


class Files:
    """The files of this process' modules, by the ends of their paths."""

    def __init__(self) -> None:
        self._by_name: defaultdict[str, list[str]] = defaultdict(list)
        for module in list(sys.modules.values()):
            file = getattr(module, "__dict__", {}).get("__file__")
            if isinstance(file, str):
                self._by_name[os.path.basename(file)].append(os.path.abspath(file))
        self._prefixes: list[str] = _compat.PREFIXES.get()()
        self._known: dict[str, str] = {}

    def whole(self, file: str) -> str:
        """`file` as its code has it; as it is where nobody knows better."""
        found = self._known.get(file)
        if found is None:
            found = self._known[file] = self._whole(file)
        return found

    def _whole(self, file: str) -> str:
        if not file or file.startswith(("/", "<")) or os.path.isabs(file):
            return file
        ending = os.sep + file
        ends = [path for path in self._by_name[os.path.basename(file)] if path.endswith(ending)]
        # Several packages may have such a file: the folder that was cut off is one that is searched.
        searched = [path for path in ends if path[: -len(file)] in self._prefixes]
        made = [prefix + file for prefix in self._prefixes if os.path.exists(prefix + file)]
        return next(iter([*searched, *made, *ends]), file)
