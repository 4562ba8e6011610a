"""What the server says of itself, and how its messages begin.

It must not know how anything is done.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from tracedbg.dap.arguments import Arguments

if TYPE_CHECKING:
    from tracedbg.dap.wire import Message

Body = dict[str, Any]

COMPLETION_TRIGGERS = (".", "%")


def capabilities(filters: dict[str, str], *, can_restart: bool = False) -> Body:
    """The answer to `initialize`.

    Args:
        filters: name -> meaning of what the program can stop at.
        can_restart: whether the program can be started again: only who has started it can do that.
    """
    return {
        "supportsConfigurationDoneRequest": True,
        "supportsFunctionBreakpoints": True,
        "supportsConditionalBreakpoints": True,
        "supportsHitConditionalBreakpoints": True,
        "supportsLogPoints": True,
        "supportsInstructionBreakpoints": True,
        "supportsExceptionFilterOptions": True,
        "supportsExceptionInfoRequest": True,
        "supportsBreakpointLocationsRequest": True,
        "supportsSteppingGranularity": True,
        "supportsDisassembleRequest": True,
        "supportsReadMemoryRequest": True,
        "supportsEvaluateForHovers": True,
        "supportsSetVariable": True,
        "supportsSetExpression": True,
        "supportsCompletionsRequest": True,
        "completionTriggerCharacters": list(COMPLETION_TRIGGERS),
        "supportsLoadedSourcesRequest": True,
        "supportsDelayedStackTraceLoading": True,
        "supportsCancelRequest": True,
        "supportsTerminateRequest": True,
        "supportTerminateDebuggee": True,
        "supportsRestartRequest": can_restart,
        "exceptionBreakpointFilters": [
            {
                "filter": name,
                "label": name.replace("_", " "),
                "description": f"Stop when {meaning}",
                "default": False,
                "supportsCondition": True,
                "conditionDescription": "a Python expression over the variables of the line",
            }
            for name, meaning in filters.items()
        ],
    }


@dataclass(frozen=True)
class Request:
    """One request, as far as it can be read."""

    seq: int
    command: str
    arguments: Arguments

    @classmethod
    def read(cls, message: Message) -> Request:
        """The request in a message.

        Raises:
            RequestError: it is none.
        """
        fields = Arguments(message, "request")
        command = fields.text("command")
        return cls(fields.number("seq"), command, Arguments(message.get("arguments"), command))

    def answer(self, body: Body | None) -> Message:
        """The response that it has been done."""
        message: Message = {
            "type": "response",
            "request_seq": self.seq,
            "success": True,
            "command": self.command,
        }
        return message if body is None else {**message, "body": body}


def event(name: str, body: Body | None = None) -> Message:
    """An event."""
    message: Message = {"type": "event", "event": name}
    return message if body is None else {**message, "body": body}


def refusal(message: Message, why: str) -> Message:
    """The response to a request, however wrong, that it has not been done."""
    seq, command = message.get("seq"), message.get("command")
    return {
        "type": "response",
        "request_seq": seq if isinstance(seq, int) and not isinstance(seq, bool) else 0,
        "success": False,
        "command": command if isinstance(command, str) else "",
        "message": why,
        "body": {"error": {"id": 1, "format": "{why}", "variables": {"why": why}}},
    }
