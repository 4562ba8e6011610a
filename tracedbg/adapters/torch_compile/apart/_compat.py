"""The private names of torch that this relies on, and the versions they are known to hold for.

Which were run: `docs/reference/versions.md`. A name that is gone switches off its part, with one `Fault`;
`tests/adapters/python_lines/test_torch_compile.py` fails when one moves.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from tracedbg.adapters.torch_common.private import Private

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import CodeType

REGISTER_BYTECODE_HOOK = Private(
    "torch._dynamo.convert_frame",
    "register_bytecode_hook",
    "2.7-2.15",
    "(hook(original, generated)) -> handle with `remove`: called before the code is run for the first time",
)
OUTPUT_CODES = Private(
    "torch._dynamo.convert_frame",
    "output_codes.seen",
    "2.7-2.15",
    "weak references to all generated code",
)
SET_STRATEGY = Private(
    "torch._C._dynamo.eval_frame",
    "set_code_exec_strategy",
    "2.7-2.15",
    "(code, _FrameExecStrategy(of this frame, of the frames below))",
)
STRATEGY = Private("torch._C._dynamo.eval_frame", "_FrameExecStrategy", "2.7-2.15", "see `SET_STRATEGY`")
ACTION = Private("torch._C._dynamo.eval_frame", "_FrameAction", "2.7-2.15", "see `SET_STRATEGY`: `SKIP`")


def leaver_alone() -> Callable[[CodeType], None]:
    """What makes Dynamo leave alone the frames of a code object, and those below.

    Raises:
        MovedError: this torch cannot.
    """
    set_strategy, strategy, action = SET_STRATEGY.get(), STRATEGY.get(), ACTION.get()

    def leave_alone(code: CodeType) -> None:
        set_strategy(code, strategy(action.SKIP, action.SKIP))

    return leave_alone
