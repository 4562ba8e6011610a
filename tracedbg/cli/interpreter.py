"""Which Python runs the user's program, and with which options. It must not know what for."""

from __future__ import annotations

import os
import sys

from tracedbg.errors import UsageError

_WITH_VALUE = ("-X", "-W", "--check-hash-based-pycs")
_ISOLATING = {
    "I": "ignores PYTHONPATH and the user's folders",
    "E": "ignores PYTHONPATH",
    "S": "does not import site",
}
_OURS_ALONE = frozenset("IESs")
"""Options that `tracedbg` itself may be started with (distributions do) and that are not passed on."""


def same_python() -> list[str]:
    """This interpreter, with the options that the user gave it: `python -O -X dev -m tracedbg run ...`.

    Options that isolate (`-I`, `-E`, `-S`, `-s`) concern tracedbg alone, and would keep it from
    observing the program.

    Raises:
        UsageError: Python does not know where its own executable is.
    """
    if not sys.executable:
        raise UsageError("Python does not know its own executable; name one with --python EXE")
    kept: list[str] = []
    for option in _options(sys.orig_argv[1:]):
        if option[0] in _WITH_VALUE or option[0].startswith("--"):
            kept += option
        else:
            letters = "".join(letter for letter in option[0][1:] if letter not in _OURS_ALONE)
            kept += [f"-{letters}"] if letters else []
    return [sys.executable, *kept]


def named_python(text: str) -> list[str]:
    """The command line of `--python "EXE [options]"`, with the executable's full path.

    Raises:
        UsageError: there is no such program, or an option keeps us from observing it.
    """
    import shlex  # noqa: PLC0415  deferred: most runs use this interpreter
    import shutil  # noqa: PLC0415  deferred: likewise

    try:
        words = shlex.split(text)
    except ValueError as error:
        raise UsageError(f"--python {text!r}: {error}") from error
    if not words:
        raise UsageError("--python needs the name of a Python")
    executable = shutil.which(os.path.expanduser(words[0]))
    if executable is None:
        raise UsageError(f"no Python at {words[0]!r}; name an executable with --python EXE")
    for option in _options(words[1:]):
        for letter in option[0][1:] if not option[0].startswith("--") else ():
            if letter in _ISOLATING:
                raise UsageError(
                    f"Python with -{letter} cannot be observed: it {_ISOLATING[letter]}; leave -{letter} out"
                )
    return [executable, *words[1:]]


def _options(words: list[str]) -> list[tuple[str, ...]]:
    """The interpreter's own options at the head of a command line, each with its value.

    `-Xdev` is given as `("-X", "dev")`, so that a value is never mistaken for letters.
    """
    options: list[tuple[str, ...]] = []
    rest = iter(words)
    for word in rest:
        if not word.startswith("-") or word in ("-", "--") or word[:2] in ("-m", "-c"):
            break
        if word in _WITH_VALUE:
            options.append((word, next(rest, "")))
        elif word[:2] in _WITH_VALUE:
            options.append((word[:2], word[2:]))
        elif word.startswith("--"):
            options.append((word,))
        else:
            letters = word[1:]
            for stop in "mc":  # `-Bm tracedbg`: the program begins here
                letters = letters.partition(stop)[0]
            if letters:
                options.append((f"-{letters}",))
            if letters != word[1:]:
                break
    return options
