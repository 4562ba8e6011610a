"""The expression that a frame is at, in the user's own words."""

from __future__ import annotations

import ast
import itertools
import linecache
from typing import TYPE_CHECKING

from tracedbg.source import line_text

if TYPE_CHECKING:
    from types import FrameType

_MAX = 120


def expression(frame: FrameType) -> str:
    """The expression of the instruction that `frame` is at; its whole line where Python does not tell."""
    code = frame.f_code
    if not hasattr(code, "co_positions"):  # Python 3.10
        return _shorten(line_text(code.co_filename, frame.f_lineno))
    at = itertools.islice(code.co_positions(), frame.f_lasti // 2, None)
    line, end_line, column, end_column = next(at, (None, None, None, None))
    if line is None or end_line is None or column is None or end_column is None:
        return _shorten(line_text(code.co_filename, frame.f_lineno))
    lines = [linecache.getline(code.co_filename, number).encode() for number in range(line, end_line + 1)]
    lines[-1] = lines[-1][:end_column]
    lines[0] = lines[0][column:]
    head = lines[0].strip()
    if len(lines) > 1 and head.endswith(b":"):  # all of a loop
        lines = [head.rstrip(b":")]
    text = b" ".join(part.strip() for part in lines).decode(errors="replace")
    return _shorten(text or line_text(code.co_filename, frame.f_lineno))


def is_call_of_constants(text: str) -> bool:
    """Whether `text` calls something with literals alone, such as `torch.tensor(1.0, dtype=dtype)`."""
    try:
        call = ast.parse(text, mode="eval").body
        arguments = call.args if isinstance(call, ast.Call) else [call]
        for argument in arguments:
            ast.literal_eval(argument)
    except (SyntaxError, ValueError):
        return False
    return True


def _shorten(text: str) -> str:
    return text if len(text) <= _MAX else f"{text[: _MAX - 4]} ..."
