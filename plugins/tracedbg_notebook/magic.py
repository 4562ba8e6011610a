"""The magics: `%%tracedbg` records a cell, `%tracedbg` a statement.

A recorded cell is run by IPython itself, as it would be without us: a transformation takes our line out, and
two events of the shell begin and end the recording. So its result, its errors, the numbers of its lines and
an `await` in it are what they always are.
"""

from __future__ import annotations

import ast
import os
import shutil
import sys
from contextlib import suppress
from typing import TYPE_CHECKING, Any

import tracedbg
from tracedbg import source
from tracedbg.errors import RecordingError, UsageError
from tracedbg.recorder import complain_on_stderr
from tracedbg.report.cell import bundle
from tracedbg.report.text import WIDTH
from tracedbg.store.cells import write_cells
from tracedbg_notebook.words import NAME, Words, parse

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from types import FrameType

    from tracedbg.api import Run, record

_FIRST = f"%%{NAME}"
_ATTRIBUTE = "_tracedbg_magic"
_HELP = f"""Record what is traced, and show why functions were traced again.

    {_FIRST} [--ops[=WINDOW]] [--kernels[=WINDOW]] [--rate HZ] [--redact]
               [--limit ROWS] [--as NAME] [--html FILE] [--out DIR] [--max-mb MB]

At the top of a cell it records the cell; `%{NAME} [options] STATEMENT` records a statement.

--ops      record the ops that are executed, with their lines; =10:20: each one of these steps
--kernels  time kernels; =10: for so many steps, =2s: for so long
--rate     sample all threads so often per second, to tell where the time goes
--redact   keep the program's values out of the recording
--limit    rows of each table that is shown (default: 10)
--as       give the `tracedbg.Run` this name
--html     write the whole report into this file, as a page for a browser
--out      record into this folder, new or empty, instead of a new one below .tracedbg/
--max-mb   bound of the recording's size
"""


def load(shell: Any) -> None:
    """Add the magics to an IPython shell; nothing if it has them."""
    if getattr(shell, _ATTRIBUTE, None) is None:
        magic = Magic(shell)
        setattr(shell, _ATTRIBUTE, magic)
        magic.install()


def unload(shell: Any) -> None:
    """Take them out."""
    magic = getattr(shell, _ATTRIBUTE, None)
    if magic is not None:
        magic.remove()
        setattr(shell, _ATTRIBUTE, None)


class Shown:
    """A run, as it is shown below a cell."""

    def __init__(self, run: Run, limit: int, *, color: bool) -> None:
        self._run = run
        self._limit = limit
        self._color = color

    def _repr_mimebundle_(self, include: object = None, exclude: object = None) -> dict[str, str]:  # noqa: ARG002
        """See IPython: what is shown, by type."""
        width = shutil.get_terminal_size().columns if sys.stdout.isatty() else WIDTH
        summary = self._run.summary()
        return bundle(summary, self._run.folder, limit=self._limit, color=self._color, width=width)


class Magic:
    """What is installed in one shell."""

    def __init__(self, shell: Any) -> None:
        self._shell = shell
        self._open: list[tuple[Any, Words, record, Run]] = []
        """Recordings of cells that run, the innermost last, with what the shell calls each cell."""

    def install(self) -> None:
        """Add everything."""
        shell = self._shell
        shell.register_magic_function(self.magic, "line_cell", NAME)
        shell.input_transformers_cleanup.append(self.take_out)
        shell.events.register("pre_run_cell", self.before_cell)
        shell.events.register("post_run_cell", self.after_cell)
        source.name_by(self._title)

    def remove(self) -> None:
        """Take everything out."""
        shell = self._shell
        shell.magics_manager.magics["line"].pop(NAME, None)
        shell.magics_manager.magics["cell"].pop(NAME, None)
        with suppress(ValueError):
            shell.input_transformers_cleanup.remove(self.take_out)
        shell.events.unregister("pre_run_cell", self.before_cell)
        shell.events.unregister("post_run_cell", self.after_cell)
        source.name_by(None)

    def _title(self, file: str) -> str:
        """`Cell In[3]`, as IPython calls it in a traceback; empty for anything else."""
        title_of = getattr(self._shell.compile, "format_code_name", None)  # IPython 8 or newer
        return " ".join((title_of and title_of(file)) or ())

    # --- a cell --------------------------------------------------------------------------------

    def take_out(self, lines: list[str]) -> list[str]:
        """Make our line a comment, so that the lines below keep their numbers.

        IPython must not do it to find out whether a cell is complete (`has_side_effects`): in a terminal, a
        cell that begins with a magic ends with an empty line. A line that makes no sense is left: `magic`
        says why.
        """
        if not _is_ours(lines) or _words(lines) is None:
            return lines
        rest = lines[1:]
        return rest if rest and rest[0].startswith("%%") else [f"# {lines[0]}", *rest]

    def before_cell(self, info: Any) -> None:
        """A cell is about to run: record it, if it begins with our line."""
        lines = info.raw_cell.splitlines(keepends=True)
        for transform in self._shell.input_transformers_cleanup:
            if transform != self.take_out:
                lines = transform(lines)
        words = _words(lines) if _is_ours(lines) else None
        if words is not None:
            recording = tracedbg.record(**words.arguments)
            try:
                run = recording.__enter__()
            except RecordingError as error:
                complain_on_stderr(f"{error}; the cell runs without")
                return
            self._open.append((info, words, recording, run))

    def after_cell(self, result: Any) -> None:
        """A cell has ended: if it was recorded, show it."""
        info = getattr(result, "info", None)
        if not self._open or (info is not None and info is not self._open[-1][0]):
            return
        _, words, recording, run = self._open.pop()
        was_run = result is None or result.error_before_exec is None
        self._end(words, recording, run, is_shown=was_run)

    def _end(self, words: Words, recording: record, run: Run, *, is_shown: bool = True) -> None:
        recording.__exit__(None, None, None)
        if not is_shown:
            return
        keep_cells(self._title, run)
        if words.variable:
            self._shell.push({words.variable: run})
        if words.page:
            _write_page(run, words.page)
        from IPython.display import display  # noqa: PLC0415  who is here has it

        display(Shown(run, words.limit, color=self._is_coloured()))

    def _is_coloured(self) -> bool:
        """Whether the text is for a terminal with colours that are wanted."""
        if os.environ.get("NO_COLOR") or os.environ.get("TERM") == "dumb":
            return False
        return sys.stdout.isatty() and str(self._shell.colors).lower() != "nocolor"

    # --- a statement ---------------------------------------------------------------------------

    def magic(self, line: str, cell: str | None = None) -> Any:
        """See `_HELP`, which IPython shows for `%tracedbg?`."""
        from IPython.core.error import UsageError as Wrong  # noqa: PLC0415  who is here has it

        try:
            words = parse(line)
            (_check_statement if cell is None else _check_cell)(words)
            recording = tracedbg.record(**words.arguments)
            if cell is not None:
                return self._run_again(line, cell)
            run = recording.__enter__()
        except (UsageError, RecordingError) as error:
            raise Wrong(str(error)) from None
        try:
            return self._run_statement(words.statement, sys._getframe(1))
        finally:
            self._end(words, recording, run)

    magic.__doc__ = _HELP

    def _run_again(self, line: str, cell: str) -> None:
        """The cell came by `run_cell_magic`, and not as a text: begin with that."""
        if self.take_out not in self._shell.input_transformers_cleanup:
            raise UsageError(
                f"{_FIRST} is not in the shell's input transformers any more: %reload_ext {NAME}"
            )
        self._shell.run_cell(f"{_FIRST} {line}\n{cell}", store_history=False)

    def _run_statement(self, text: str, frame: FrameType) -> Any:
        """Run it where the magic stands; its value, if it has one."""
        shell = self._shell
        here: FrameType | None = frame
        while here is not None and here.f_globals is not shell.user_global_ns:
            here = here.f_back
        code = shell.transform_cell(text)
        tree = shell.transform_ast(shell.compile.ast_parse(code))
        file = f"<{NAME}>" if here is None else here.f_code.co_filename
        if here is not None:
            ast.increment_lineno(tree, here.f_lineno - 1)
        names = shell.user_ns if here is None else here.f_locals
        body: list[ast.stmt] = tree.body
        last = body.pop() if body and isinstance(body[-1], ast.Expr) else None
        exec(shell.compile(ast.Module(body, []), file, "exec"), shell.user_global_ns, names)  # noqa: S102
        if not isinstance(last, ast.Expr):
            return None
        value = shell.compile(ast.Expression(last.value), file, "eval")
        return eval(value, shell.user_global_ns, names)  # noqa: S307  it is the user's own code


setattr(Magic.take_out, "has_side_effects", True)  # noqa: B010  a function has no such attribute for mypy


def _write_page(run: Run, file: str) -> None:
    try:
        with open(file, "w", encoding="utf-8") as page:
            page.write(run.to_html())
    except OSError as error:
        complain_on_stderr(f"cannot write {file}: {error.strerror}; the run is kept in {run.folder}")


def keep_cells(title: Callable[[str], str], run: Run) -> None:
    """Keep the cells that a recording names with it: no other process could tell their source."""
    titles = {file: title(file) for file in sorted(set(_files(run.to_json())))}
    cells = {file: (found, _lines(file, run)) for file, found in titles.items() if found}
    if cells:
        write_cells(run.folder, cells)


def _lines(file: str, run: Run) -> list[str]:
    """The source of a cell; none where the program's values are to be kept out."""
    return [] if run.is_redacted else [line.rstrip("\n") for line in source.lines(file)]


def _files(data: Any) -> Iterator[str]:
    """All files that a report names."""
    if isinstance(data, dict):
        for key, value in data.items():
            if key == "file" and isinstance(value, str):
                yield value
            else:
                yield from _files(value)
    elif isinstance(data, list):
        for value in data:
            yield from _files(value)


def _is_ours(lines: list[str]) -> bool:
    return bool(lines) and lines[0].split(maxsplit=1)[:1] == [_FIRST]


def _words(lines: list[str]) -> Words | None:
    """What the first line asks for; None where it makes no sense, or there is nothing to run."""
    try:
        words = parse(lines[0].removeprefix(_FIRST))
        _check_cell(words)
        tracedbg.record(**words.arguments)
    except UsageError:
        return None
    return words


def _check_statement(words: Words) -> None:
    if not words.statement:
        raise UsageError(f"%{NAME} needs a statement; {_FIRST} records a cell")


def _check_cell(words: Words) -> None:
    if words.statement:
        raise UsageError(f"{_FIRST}: {words.statement!r} is no option; %{NAME} records a statement")
