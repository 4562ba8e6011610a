"""Where Dynamo cut a function in two, as `GraphBreak`.

Counted once for each (file, line, kind) of a compile: Dynamo analyses a frame again after each
break, and tells of a break in a nested call once more for every function around it. Whoever wants
to count over a program takes the distinct (file, line, kind), too: a function that breaks inside
another is compiled on its own afterwards, and breaks again at the same line.
"""

from __future__ import annotations

import re
from types import FunctionType
from typing import TYPE_CHECKING, Any

from tracedbg.adapters.torch_compile.functions import user_stack
from tracedbg.events import Frame, GraphBreak
from tracedbg.source import line_text

if TYPE_CHECKING:
    from tracedbg.events import Traceable

_CODE = re.compile(r"/gb/(gb\d{4})")
_EXPLANATION = re.compile(
    r"^  Explanation: (.*?)(?=^  Hint: |^  Developer debug context: |\Z)", re.DOTALL | re.MULTILINE
)


def graph_break(
    error: BaseException, function: Traceable, call_stack: tuple[Frame, ...], trace_id: int
) -> GraphBreak:
    """The break that Dynamo's exception `error` tells of.

    Args:
        error: mostly `Unsupported`, with the stack of what was being traced.
        function: what was being compiled.
        call_stack: the user's frames that called it, the innermost first.
        trace_id: the compile.
    """
    text = str(error)
    traced = [Frame(at.filename, at.lineno or 0, at.name) for at in getattr(error, "real_stack", None) or ()]
    traced.reverse()
    frame = next(iter((*user_stack(traced), *traced)), Frame(function.file, function.line, function.name))
    code = _CODE.search(text)
    return GraphBreak(
        code=code[1].upper() if code else "",
        kind=getattr(error, "gb_type", None) or type(error).__name__,
        reason=_reason(text),
        frame=frame,
        function=function,
        stack=user_stack((*traced, *call_stack)),
        ran_eager=line_text(frame.file, frame.line),
        trace_id=trace_id,
    )


def disabled_function(error: BaseException) -> Any:
    """The function of the user's that `torch.compiler.disable` excludes, where that is the break; else None.

    Source: `torch/_dynamo/variables/functions.py`, `SkipFunctionVariable.call_function`, which raises.
    """
    if "torch.compiler.disable" not in (getattr(error, "gb_type", None) or ""):
        return None
    at = error.__traceback__
    while at is not None:
        value = getattr(at.tb_frame.f_locals.get("self"), "value", None)
        function = getattr(value, "_torchdynamo_orig_callable", None)
        if isinstance(function, FunctionType) and getattr(value, "_torchdynamo_disable", False):
            return function
        at = at.tb_next
    return None


def is_within_block(kind: str) -> bool:
    """Whether a break of that kind is inside a `with` block that Dynamo cannot leave and enter again."""
    return kind == "Unsupported context manager" or "ContextWrappingVariable" in kind


def _reason(text: str) -> str:
    """Torch's explanation in one line; the first line where it has none."""
    found = _EXPLANATION.search(text)
    return " ".join((found[1] if found else text.partition("\n")[0]).split())
