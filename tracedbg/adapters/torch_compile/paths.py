"""The file that torch means, where it has shortened a path to what differs from its own."""

from __future__ import annotations

import os
import sys


def full_path(short: str, likely: str) -> str:
    """The whole path that ends in `short`, or `short` where there is none.

    Source: `torch/utils/_traceback.py`, `shorten_filename`: it cuts off the folder in common
    with torch's own, and one character more, which is a letter where that folder is the root.

    Args:
        short: the path as torch shows it.
        likely: a file that it probably is.
    """
    if os.path.isabs(short) or likely.endswith(short):
        return likely if likely.endswith(short) else short
    folder = os.path.dirname(os.path.dirname(sys.modules["torch"].__file__ or ""))
    while folder != os.path.dirname(folder):
        candidate = os.path.join(folder, short)
        if os.path.exists(candidate):
            return candidate
        folder = os.path.dirname(folder)
    files = (getattr(module, "__file__", None) or "" for module in list(sys.modules.values()))
    return next((file for file in files if file.endswith(short)), short)
