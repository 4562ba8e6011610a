"""The keys of the interface, in one table: bindings, the footer and the help come from here.

It must not know what an action does.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from textual.binding import Binding

if TYPE_CHECKING:
    from textual.binding import BindingType


@dataclass(frozen=True)
class Key:
    """What keys do on a screen."""

    keys: str
    """As Textual names them: the first one is shown, the others are second names."""
    action: str
    text: str
    """In a word or two, for the footer."""
    help: str
    """In a sentence."""
    in_footer: bool = False

    @property
    def names(self) -> list[str]:
        """As they stand on a keyboard."""
        return [key_name(key) for key in self.keys.split(",")]


@dataclass(frozen=True)
class Group:
    """The keys that hold in one place."""

    name: str
    title: str
    keys: tuple[Key, ...]


APP = Group(
    "app",
    "Everywhere",
    (
        Key("1", "show('debug')", "Debug", "Go to the Debug screen: source, ops, values, console."),
        Key("2", "show('traces')", "Traces", "Go to Traces: what was traced, how often, and why again."),
        Key("3", "show('graph')", "Graph", "Go to Graph: the ops of a graph by line of source."),
        Key("4", "show('time')", "Time", "Go to Time: where the time of tracing and compiling went."),
        Key("5", "show('ranks')", "Ranks", "Go to Ranks: the processes of a run, and what differs."),
        Key("question_mark,f1", "help", "Help", "Show these keys.", in_footer=True),
        Key("ctrl+p,colon", "command_palette", "Commands", "Find a command, a function, a theme, an export."),
        Key("ctrl+z", "suspend_process", "Suspend", "Back to the shell for a while; fg returns."),
        Key("q,ctrl+q", "quit", "Quit", "Leave; asks first if the program still runs.", in_footer=True),
    ),
)
DEBUG = Group(
    "debug",
    "Debug",
    (
        Key(
            "c,f5",
            "continue",
            "Continue",
            "Go on to the next breakpoint; begin, if it waits.",
            in_footer=True,
        ),
        Key("b,f9", "breakpoint", "Breakpoint", "Set or remove a breakpoint at the cursor.", in_footer=True),
        Key("n,f10", "next", "Next", "To the next line of this function.", in_footer=True),
        Key("s,f11", "in", "In", "To the next line, in whatever is called.", in_footer=True),
        Key("r,f,shift+f11", "out", "Out", "To the next line of the caller.", in_footer=True),
        Key("i", "op", "Next op", "To the next op.", in_footer=True),
        Key("I", "graph", "Into compiled", "To the next call of a compiled function.", in_footer=True),
        Key("B", "breakpoint_op", "Break on op", "Stop at ops by their name."),
        Key("E", "breakpoint_edit", "Edit breakpoint", "Condition, hits, log message of a breakpoint."),
        Key("t", "to_cursor", "To cursor", "Run to the line or the op at the cursor."),
        Key("u", "frame(1)", "Caller", "Look at the caller's frame."),
        Key("d", "frame(-1)", "Called", "Look at the frame that it called."),
        Key("T", "thread", "Other thread", "Look at the next thread that stands still."),
        Key(
            "ctrl+c,p", "pause", "Pause", "Stop at the next line; in the console, Ctrl+C goes to the program."
        ),
        Key("slash", "search", "Search", "Search in the pane."),
        Key("full_stop", "search_again(1)", "Next match", "To the next match."),
        Key("comma", "search_again(-1)", "Match before", "To the match before."),
        Key("exclamation_mark", "repl", "REPL", "Evaluate in the frame; % commands as in the prompt."),
        Key("W", "watch", "Watch", "Evaluate an expression at each stop."),
        Key("S", "sources", "Generated sources", "Read code that a framework has generated."),
        Key("tab", "pane(1)", "Next pane", "To the next pane.", in_footer=True),
        Key("shift+tab", "pane(-1)", "Pane before", "To the pane before."),
        Key("right_square_bracket", "tab(1)", "Next tab", "To the next tab of the pane."),
        Key("left_square_bracket", "tab(-1)", "Tab before", "To the tab before."),
        Key("z", "zoom", "Zoom", "Show the pane alone, or all again.", in_footer=True),
    ),
)
_NEED_A_PROGRAM = frozenset(
    (
        "continue",
        "next",
        "in",
        "out",
        "op",
        "graph",
        "to_cursor",
        "frame(1)",
        "frame(-1)",
        "thread",
        "pause",
        "repl",
        "sources",
    )
)
LOOKED_AT = Group(
    "looked_at",
    DEBUG.title,
    tuple(
        replace(one, in_footer=one.in_footer or one.action == "search")
        for one in DEBUG.keys
        if one.action not in _NEED_A_PROGRAM
    ),
)
"""Those of the Debug screen that do something where no program runs, or no longer."""
RECORDED = Group(
    "recorded",
    "Traces, Graph, Time, Ranks",
    (
        Key("slash", "search", "Search", "Search in the pane.", in_footer=True),
        Key("full_stop", "search_again(1)", "Next match", "To the next match."),
        Key("comma", "search_again(-1)", "Match before", "To the match before."),
        Key("ampersand", "filter", "Filter", "Show only the rows that have a text.", in_footer=True),
        Key("y", "copy", "Copy row", "Copy the row at the cursor.", in_footer=True),
        Key("e", "goto", "Source line", "Show the row's line of source.", in_footer=True),
        Key("tab", "pane(1)", "Next pane", "To the next pane.", in_footer=True),
        Key("shift+tab", "pane(-1)", "Pane before", "To the pane before."),
        Key("right_square_bracket", "tab(1)", "Next tab", "To the next tab of the pane."),
        Key("left_square_bracket", "tab(-1)", "Tab before", "To the tab before."),
        Key("z", "zoom", "Zoom", "Show the pane alone, or all again.", in_footer=True),
    ),
)
LISTS = Group(
    "lists",
    "In a pane with lines",
    (
        Key("down,j", "move(1)", "Down", "One line down."),
        Key("up,k", "move(-1)", "Up", "One line up."),
        Key("pagedown,ctrl+f,space", "page(1)", "Page down", "A page down."),
        Key("pageup,ctrl+b", "page(-1)", "Page up", "A page up."),
        Key("home,g", "first", "First", "To the first line."),
        Key("end,G", "last", "Last", "To the last line."),
        Key("left,h", "sideways(-8)", "Left", "Scroll to the left."),
        Key("right,l", "sideways(8)", "Right", "Scroll to the right."),
        Key("enter", "choose", "Choose", "Open what is at the cursor."),
    ),
)
VALUES = Group(
    "values",
    "In Variables",
    (
        Key("right,l", "open", "Open", "Show what is inside."),
        Key("left,h", "close", "Close", "Fold it again."),
        Key("equals_sign,e", "set", "Set", "Give it another value."),
        Key("o", "origin", "Op that made it", "Go to the op that made the value."),
        Key("w", "watch", "Watch", "Watch it."),
    ),
)
TENSOR = Group(
    "tensor",
    "In Tensor",
    (
        Key("less_than_sign", "slice(-1)", "Slice before", "To the slice before, where there are many."),
        Key("greater_than_sign", "slice(1)", "Next slice", "To the next slice."),
        Key("plus", "zoom(1)", "Closer", "Fewer elements, larger."),
        Key("minus", "zoom(-1)", "Farther", "More elements, smaller."),
        Key("left,h", "pan(0,-1)", "Left", "Columns to the left."),
        Key("right,l", "pan(0,1)", "Right", "Columns to the right."),
        Key("shift+up,K", "pan(-1,0)", "Up", "Rows above."),
        Key("shift+down,J", "pan(1,0)", "Down", "Rows below."),
        Key("v", "numbers", "Numbers", "Numbers instead of colours, and back."),
    ),
)
STACK = Group(
    "stack",
    "In Stack",
    (
        Key(
            "v",
            "libraries",
            "Frames of libraries",
            "Show frames of libraries too, or no longer.",
        ),
    ),
)
WATCHES = Group(
    "watches",
    "In Watches",
    (
        Key("a", "add", "Add", "Watch one more expression."),
        Key("e", "edit", "Edit", "Change the one at the cursor."),
        Key("x,delete", "delete", "Delete", "Watch it no longer."),
    ),
)
BREAKPOINTS = Group(
    "breakpoints",
    "In Breakpoints",
    (
        Key("space", "switch", "On or off", "Switch the one at the cursor on or off."),
        Key("e", "edit", "Edit", "Its condition, hits and log message."),
        Key("x,delete", "delete", "Delete", "Remove it."),
        Key("a", "add", "Op by name", "A new one on ops by their name."),
    ),
)
REPL = Group(
    "repl",
    "In the REPL",
    (
        Key("up", "history(-1)", "Before", "The expression before."),
        Key("down", "history(1)", "After", "The one after it."),
        Key("tab", "complete", "Complete", "Complete the name at the cursor."),
        Key("escape", "escape", "Leave", "Leave the line."),
    ),
)
LISTING = Group(
    "listing",
    "In a filtered list",
    (Key("escape", "unfilter", "All rows", "Show all rows again."),),
)
TRACES = Group(
    "traces",
    "In Traces",
    (
        Key(
            "n",
            "trouble(1)",
            "Next retraced",
            "To the next function with a retrace or a graph break.",
        ),
        Key("N", "trouble(-1)", "Retraced before", "To the one before."),
        Key(
            "m",
            "mark",
            "Compare with",
            "Compare the others with it; again: each with the one before.",
        ),
        Key("o", "order", "Order", "The most retraced functions first, or the costliest."),
    ),
)
GRAPH = Group(
    "graph",
    "In Graph",
    (Key("o", "other_side", "Forward/backward", "To the op's other side: forward, or backward."),),
)
TREE = Group(
    "tree",
    "In a tree of ops",
    (
        Key("right,l,plus", "unfold", "Unfold", "Show what is inside."),
        Key("left,h,minus", "fold", "Fold", "Fold it again."),
        Key("asterisk", "unfold_all", "Unfold all", "Show all there is; the lines alone, if all is shown."),
    ),
)
FLAME = Group(
    "flame",
    "In Flame graph",
    (
        Key("right,l", "beside(1)", "Right", "To the bar on the right."),
        Key("left,h", "beside(-1)", "Left", "To the bar on the left."),
        Key("down,j", "deeper", "Deeper", "To the bar below."),
        Key("up,k", "outer", "Outer", "To the bar above."),
        Key("enter,plus", "into", "Zoom in", "Give the bar the whole width."),
        Key("backspace,minus,escape", "out", "Zoom out", "And back."),
    ),
)
TIMELINE = Group(
    "timeline",
    "In Timeline",
    (
        Key("plus,equals_sign", "zoom_time(0.5)", "Closer", "Half the time, twice as wide."),
        Key("minus", "zoom_time(2.0)", "Farther", "Twice the time."),
        Key("right,l", "shift(0.25)", "Later", "To what is later."),
        Key("left,h", "shift(-0.25)", "Earlier", "To what is earlier."),
        Key("0", "whole", "All of it", "The whole run."),
    ),
)
GROUPS = (
    APP, DEBUG, RECORDED, LISTS, VALUES, TENSOR, STACK, WATCHES, BREAKPOINTS, REPL,
    LISTING, TRACES, GRAPH, TREE, FLAME, TIMELINE,
)  # fmt: skip

_NAMES = {
    "question_mark": "?",
    "colon": ":",
    "slash": "/",
    "full_stop": ".",
    "comma": ",",
    "exclamation_mark": "!",
    "ampersand": "&",
    "equals_sign": "=",
    "less_than_sign": "<",
    "greater_than_sign": ">",
    "plus": "+",
    "minus": "-",
    "asterisk": "*",
    "escape": "Esc",
    "left_square_bracket": "[",
    "right_square_bracket": "]",
    "pagedown": "PageDown",
    "pageup": "PageUp",
}


def key_name(key: str) -> str:
    """A key as it stands on a keyboard."""
    *held, last = key.split("+")
    name = _NAMES.get(last) or (last.capitalize() if len(last) > 1 else last.upper() if held else last)
    return "+".join([*(one.capitalize() for one in held), name])


def bindings(group: Group) -> list[BindingType]:
    """For a widget's `BINDINGS`."""
    return [Binding(one.keys, one.action, one.text, show=one.in_footer) for one in group.keys]


def as_markdown() -> str:
    """The table as a page of the documentation; `python -m tracedbg_tui.keys` writes it."""
    lines = [
        "# Keys of the user interface",
        "",
        "From the table in `tui/tracedbg_tui/keys.py`; `?` shows it in the interface. Terminals keep some",
        "function keys for themselves: each has a letter. While the console has the keys, they go to the",
        "program; `Tab` leads out.",
    ]
    for group in GROUPS:
        lines += ["", f"## {group.title}", "", "| Keys | |", "|---|---|"]
        lines += [f"| {' '.join(f'`{name}`' for name in one.names)} | {one.help} |" for one in group.keys]
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    import sys

    sys.stdout.write(as_markdown())
