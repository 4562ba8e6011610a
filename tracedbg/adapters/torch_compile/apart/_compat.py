"""The private names of torch that this relies on, and the versions they are known to hold for.

Known by running: 2.13.0. A name that is gone switches off its part, with one `Fault`;
`tests/adapters/python_lines/test_torch_compile.py` fails when one moves.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from tracedbg.adapters.torch_compile._compat import MovedError, Private

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import CodeType

REGISTER_BYTECODE_HOOK = Private(
    "torch._dynamo.convert_frame",
    "register_bytecode_hook",
    "2.5-2.13",
    "(hook(original, generated)) -> handle with `remove`: called before the code is run for the first time",
)
OUTPUT_CODES = Private(
    "torch._dynamo.convert_frame",
    "output_codes.seen",
    "2.5-2.13",
    "weak references to all generated code",
)
SET_STRATEGY = Private(
    "torch._C._dynamo.eval_frame",
    "set_code_exec_strategy",
    "2.7-2.13",
    "(code, _FrameExecStrategy(of this frame, of the frames below))",
)
STRATEGY = Private("torch._C._dynamo.eval_frame", "_FrameExecStrategy", "2.7-2.13", "see `SET_STRATEGY`")
ACTION = Private("torch._C._dynamo.eval_frame", "_FrameAction", "2.7-2.13", "see `SET_STRATEGY`: `SKIP`")
SKIP_CODE = Private(
    "torch._C._dynamo.eval_frame", "skip_code", "2.5-2.6", "(code): of this frame only; before `SET_STRATEGY`"
)


def leaver_alone() -> Callable[[CodeType], None]:
    """What makes Dynamo leave alone the frames of a code object, and those below where torch can.

    Raises:
        MovedError: this torch cannot.
    """
    try:
        set_strategy, strategy, action = SET_STRATEGY.get(), STRATEGY.get(), ACTION.get()
    except MovedError:
        skip: Callable[[CodeType], None] = SKIP_CODE.get()
        return skip

    def leave_alone(code: CodeType) -> None:
        set_strategy(code, strategy(action.SKIP, action.SKIP))

    return leave_alone
