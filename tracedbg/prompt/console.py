"""One stop at the prompt: shows it, and runs commands until one lets the program go on.

The commands stand in `stepping`, `looking` and `breaking`.
"""

from __future__ import annotations

import re

from tracedbg.engine import FILTERS, Action, Go
from tracedbg.engine import objects as contents
from tracedbg.prompt import words
from tracedbg.prompt.breaking import Breaking
from tracedbg.prompt.command import CommandError, command, commands_of
from tracedbg.prompt.looking import Looking
from tracedbg.prompt.source_text import short_path, source_line
from tracedbg.prompt.stepping import Stepping

_PROMPT = "(tracedbg) "
_PYTHON = re.compile(r"[A-Za-z_]\w*(\s*(=(?!=)|[-+*/@%&|^]=)|[.\[])")
"""What assigns to a name, or looks into it, is Python even if a command is called so: `c = 3`, `b.shape`."""
_SHOWN = re.compile(r"(pp?)\s*\(")
"""`p(x)` shows `x`, as it does in pdb."""
_LEAVES = re.compile(r"(exit|quit)\s*\(\s*\)")
"""The builtins of these names would close stdin."""


class Console(Stepping, Looking, Breaking):
    """See the module."""

    def run(self) -> Action:
        """Show the stop, and do what is asked; how to go on."""
        self.show_stop()
        while self.action is None:
            try:
                line = self.owner.terminal.read(_PROMPT, self.completion)
                self.onecmd("EOF" if line is None else line)
            except KeyboardInterrupt:
                self.write("KeyboardInterrupt (c: go on, q: end the program)")
        return self.action or Action(Go.CONTINUE)

    def show_stop(self) -> None:
        """Why and where the thread has stopped."""
        stop, view, paint = self.stop, self.stop.view, self.owner.terminal.paint
        if stop.thread_id != self.owner.last_thread:
            self.write(paint(f"[thread {words.thread_name(stop.thread_id)}]", "yellow"))
            self.owner.last_thread = stop.thread_id
        why, where = words.reason(stop), words.place(view)
        if stop.reason != "step" or stop.text or where:
            first, *rest = why.split("\n")
            self.write(paint(f"* {first}" + (f"  ({where})" if where else ""), "bold"))
            self.write(f"  {line}" for line in rest)
        if self.frames:
            self.show_frame()
        else:
            self.write(f"> {short_path(view.file)}:{view.line}")
            self.write(source_line(view.file, view.line))
        self.write(words.op_line(view))
        walk = view.walk
        if walk is not None and walk.graph not in self.owner.told:
            self.owner.told.add(walk.graph)
            if walk.notes:
                self.do_notes("")
        if stop.filter == "error" and view.op is not None:
            self.do_inputs("")
        self.show_displayed(self.owner.displayed)

    def onecmd(self, line: str) -> bool:
        """Do what a line says; True once the program goes on."""
        text = line.strip()
        try:
            if not text:
                return self._again()
            if text.startswith("!") or _PYTHON.match(text):
                self.run_statement(text.removeprefix("!").strip())
                return False
            return self._do("quit" if _LEAVES.fullmatch(text) else _SHOWN.sub(r"\1 (", text))
        except CommandError as error:
            self.complain(str(error))
            return False

    def _do(self, text: str) -> bool:
        """Do what a command says; what is none is Python."""
        name, _, argument = text.partition(" ")
        done = getattr(self, f"do_{'help' if name == '?' else name}", None)
        if done is None:
            self.run_statement(text)
            return False
        if argument.strip() and not done.arguments:
            raise CommandError(f"{name!r} is a command that takes nothing; '!{text}' is run as Python")
        if name in self.steps:
            self.owner.last_step = text
        return bool(done(argument.strip()))

    def _again(self) -> bool:
        return bool(self.owner.last_step) and self.onecmd(self.owner.last_step)

    @command("Help", "[COMMAND]")
    def do_help(self, argument: str) -> None:
        """Show the commands, or what one of them does."""
        known = commands_of(type(self))
        if argument:
            found = [one for one in known if argument in one.names]
            if not found:
                raise CommandError(f"no command named {argument!r}; 'help' shows all")
            (one,) = found
            self.write([f"{', '.join(one.names)} {one.arguments}".rstrip(), one.help])
            return
        groups: dict[str, list[str]] = {}
        for one in known:
            groups.setdefault(one.group, []).append("/".join(one.names))
        for group, names in groups.items():
            self.write(f"{group}:\n  {'  '.join(names)}")
        self.write("Anything else, or !STATEMENT, is run as Python in the current frame.")
        self.write("An empty line repeats the last step.")

    do_h = do_help

    # --- completion ----------------------------------------------------------------------------

    def completion(self, text: str, state: int) -> str | None:
        """Complete a word for readline: commands first, then filters or names of the frame."""
        try:
            import readline  # noqa: PLC0415  deferred: only called by it

            found = self.candidates(readline.get_line_buffer(), text)
        except Exception:  # noqa: BLE001  a completion that fails is none
            return None
        return found[state] if state < len(found) else None

    def candidates(self, line: str, text: str) -> list[str]:
        """What `text`, the last word of `line`, could become."""
        before = line[: len(line) - len(text)].split()
        if not before:
            known = [name for one in commands_of(type(self)) for name in one.names]
        elif before[0] in ("b", "break", "tbreak", "catch", "uncatch"):
            known = ["op:", *FILTERS]
        elif before[0] in ("help", "h"):
            known = [name for one in commands_of(type(self)) for name in one.names]
        else:
            known = self._names(text)
        return sorted({name for name in known if name.startswith(text)})

    def _names(self, text: str) -> list[str]:
        """Names of the frame, or the attributes that are simply there after a dot."""
        owner, dot, _ = text.rpartition(".")
        if not dot:
            return self.inspector.names(self.current)
        head, *rest = owner.split(".")
        value = {**self.frame.names(), **self.frame.variables()}.get(head)
        for name in rest:
            value = dict(contents.attributes(value)).get(name)
        inherited = [
            name
            for base in type(value).__mro__
            for name in vars(base)
            if not name.startswith("_") and base is not object
        ]
        return [f"{owner}.{name}" for name in [*dict(contents.attributes(value)), *inherited]]
