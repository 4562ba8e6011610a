"""Every error of tracedbg, in one tree. It knows nothing else of the project.

    TracedbgError
    ├── UsageError              the command line or an argument is wrong
    │   └── UnknownPluginError  no adapter, kernel source or command of that name
    ├── RunError                a recording cannot be read
    │   ├── NotARunError        the folder is not a run
    │   ├── NewerSchemaError    it was written by a newer tracedbg
    │   ├── DamagedRunError     a file of it is not what it should be
    │   └── DamagedDatasetError a dataset of many ranks cannot be read
    ├── RecordingError          a recording cannot be written
    ├── TraceFileError          a profiler's file cannot be read
    ├── ProcessError            a live process cannot be looked into
    ├── MissingExtraError       an optional package is not installed
    └── RetraceError            `run.assert_no_retraces()` or a callback found some

and one warning, `RetraceWarning`: a callback saw a retrace after its warm-up.

Each class has a slug with an entry in `docs/reference/messages.md`.
"""

from __future__ import annotations

from typing import ClassVar


class TracedbgError(Exception):
    """Base of all errors that tracedbg raises on purpose. Its text is meant for the user."""

    slug: ClassVar[str] = "error"
    exit_code: ClassVar[int] = 2


class UsageError(TracedbgError):
    """The command line, or an argument of the API, is wrong."""

    slug = "usage"


class UnknownPluginError(UsageError):
    """No plugin of that name is installed."""

    slug = "unknown-plugin"

    def __init__(self, kind: str, name: str, installed: list[str]) -> None:
        known = ", ".join(sorted(installed)) or "none"
        super().__init__(f"no {kind} named {name!r}; installed: {known}")


class RunError(TracedbgError):
    """A recording cannot be read."""

    slug = "run"


class NotARunError(RunError):
    """The path is not the folder of a run."""

    slug = "not-a-run"


class NewerSchemaError(RunError):
    """The recording was written by a newer tracedbg."""

    slug = "newer-schema"


class DamagedRunError(RunError):
    """A file of the recording is not what it should be."""

    slug = "damaged-run"


class DamagedDatasetError(RunError):
    """A dataset that was exported from recordings cannot be read."""

    slug = "damaged-dataset"


class RecordingError(TracedbgError):
    """A recording cannot be written."""

    slug = "recording"


class TraceFileError(TracedbgError):
    """A profiler's file cannot be read at all."""

    slug = "trace-file"


class ProcessError(TracedbgError):
    """A live process cannot be looked into."""

    slug = "process"


class MissingExtraError(TracedbgError):
    """An optional package is not installed."""

    slug = "missing-extra"

    def __init__(self, what: str, extra: str) -> None:
        super().__init__(
            f"{what} needs packages that are not installed: python -m pip install 'tracedbg[{extra}]'"
        )


class RetraceError(TracedbgError, AssertionError):
    """A block that was to be free of retraces had some."""

    slug = "retrace"


class RetraceWarning(UserWarning):
    """A function was traced again after the warm-up; it is told at the user's line that caused it."""

    slug: ClassVar[str] = "retraced"
