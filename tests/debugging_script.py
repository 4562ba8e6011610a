"""A frontend that answers from a list, and remembers what it was shown."""

from __future__ import annotations

from tracedbg.engine import Action, Go


class Script:
    """Answers stops from a list, and continues when that is at its end."""

    def __init__(self, *answers, look=None):
        self.answers = list(answers)
        self.look = look
        self.stops = []
        self.seen = []
        self.said = []

    def interact(self, stop):
        self.stops.append(stop)
        if self.look is not None:
            self.seen.append(self.look(stop))
        return Action(self.answers.pop(0)) if self.answers else Action(Go.CONTINUE)

    def say(self, text, stop=None):
        self.said.append(text)


def line_of(file, mark):
    """The number of the line of `file` that ends in `# @mark`."""
    with open(file, encoding="utf-8") as opened:
        lines = opened.read().splitlines()
    (found,) = [number for number, text in enumerate(lines, 1) if text.endswith(f"# @{mark}")]
    return found
