"""The SQLite export of Nsight Systems (`nsys export --type sqlite`), of any version: tables are probed.

Kernels meet their launches by correlation and process, launches their stacks by call chain, and NVTX ranges
are ops. It must not know how a line is found.
"""

from __future__ import annotations

import os
import re
import sqlite3
from collections import defaultdict
from contextlib import closing
from operator import attrgetter
from typing import TYPE_CHECKING, Any, ClassVar
from urllib.parse import quote

from tracedbg.errors import TraceFileError
from tracedbg.kernels import NO_SEQUENCE, CallFrame, Damage, Kernel, Kind, Launch, ThreadKey, Timeline
from tracedbg_kernels.columns import Names, launches_work, sort_spans

if TYPE_CHECKING:
    from collections.abc import Iterator

_MAGIC = b"SQLite format 3\0"
_THREAD_BITS = 0xFFFFFF
"""The lower bits of a `globalTid`; the upper ones are the `globalPid`."""
_KERNELS = "CUPTI_ACTIVITY_KIND_KERNEL"
_COPIES = "CUPTI_ACTIVITY_KIND_MEMCPY"
_FILLS = "CUPTI_ACTIVITY_KIND_MEMSET"
_GRAPHS = "CUPTI_ACTIVITY_KIND_GRAPH_TRACE"
_RUNTIME = "CUPTI_ACTIVITY_KIND_RUNTIME"
_WORK = {_KERNELS: Kind.KERNEL, _COPIES: Kind.COPY, _FILLS: Kind.FILL, _GRAPHS: Kind.KERNEL}
_DIRECTIONS = {1: "HtoD", 2: "DtoH", 3: "HtoA", 4: "AtoH", 8: "DtoD", 9: "HtoH", 10: "PtoP"}
_RANGES = "where eventType in (59, 60) and end is not null"
"""NVTX ranges: pushed and popped, started and ended."""
_SEQUENCE = re.compile(r", seq = (\d+)")
"""As `torch.autograd.profiler.emit_nvtx` writes it behind the name of an op."""
_PROFILER = re.compile(r"lib(?:cuda|cudart|cupti|ToolsInjection)\b")
_RUNTIME_CALL = re.compile(r"(?:^|[\s*&])(?:cuda|cu)[A-Z]\w*")
"""A function of CUDA's runtime, linked into the user's own binary."""
_PYTHON = re.compile(r"(?P<file>.+\.py)(?::(?P<line>\d+))?")
_TEXTS = frozenset({"value", "text"})
_NEEDED = frozenset({"id", "start", "end", "stackDepth"})
_Key = tuple[int, int]


class NsysSource:
    """Reads what `nsys export --type sqlite` writes."""

    name: ClassVar[str] = "nsys"

    def recognises(self, file: str, head: bytes) -> bool:
        """An SQLite database says so itself."""
        return head.startswith(_MAGIC) or file.endswith(".sqlite")

    def read(self, file: str) -> Timeline:
        """Read all of it.

        Raises:
            TraceFileError: it is no database of nsys, or has no kernels.
        """
        try:
            # Immutable: it is read where it lies, also on a disk that nothing can be written to.
            uri = f"file:{quote(os.path.abspath(file))}?mode=ro&immutable=1"
            with closing(sqlite3.connect(uri, uri=True)) as database:
                timeline = _Reading(file, database).timeline()
        except sqlite3.DatabaseError as error:
            raise TraceFileError(f"cannot read {file}: {error}{_cut_off(file)}") from error
        if not timeline.damage and _cut_off(file):
            timeline.damage.append(Damage("it is shorter than it says, and breaks off", timeline.size_bytes))
        return timeline


def _cut_off(file: str) -> str:
    """Words on a file that is shorter than its head says."""
    with open(file, "rb") as opened:
        head = opened.read(32)
    size = os.path.getsize(file)
    page = int.from_bytes(head[16:18], "big")
    whole = (1 << 16 if page == 1 else page) * int.from_bytes(head[28:32], "big")
    return f" (it breaks off at byte {size} of {whole})" if head.startswith(_MAGIC) and size < whole else ""


class _Reading:
    """One reading of one database."""

    def __init__(self, file: str, database: sqlite3.Connection) -> None:
        self._file = file
        self._database = database
        self._timeline = Timeline(file, NsysSource.name, size_bytes=os.path.getsize(file))
        database.text_factory = lambda text: text.decode("utf-8", "replace")
        self._names = Names(self._timeline.names)
        self._texts: dict[int, str] = {}
        tables = [name for (name,) in database.execute("select name from sqlite_master where type = 'table'")]
        self._columns = {
            table: {row[0] for row in database.execute("select name from pragma_table_info(?)", (table,))}
            for table in tables
        }

    def timeline(self) -> Timeline:
        """All that it tells.

        Raises:
            TraceFileError: there are no kernels.
        """
        timeline = self._timeline
        if not self._columns.keys() & _WORK.keys():
            wrong = "holds no CUDA kernels" if "StringIds" in self._columns else "is no export of nsys"
            raise TraceFileError(f"{self._file} {wrong}: it has no table {_KERNELS}")
        self._texts = {row[0]: row[1] or "" for row in self._rows("StringIds", "id", "value")}
        launches = self._launches()
        for table, kind in _WORK.items():
            timeline.kernels += self._work(table, kind, launches)
        timeline.kernels.sort(key=attrgetter("start_ns"))
        ran = {kernel.launch for kernel in timeline.kernels}
        unused = [one for one in launches.values() if one not in ran and launches_work(one.api)]
        timeline.captured = sorted(unused, key=attrgetter("start_ns"))
        self._take_ranges()
        if not timeline.kernels:
            raise TraceFileError(f"{self._file} holds no CUDA kernels{_cut_off(self._file)}")
        return timeline

    def _rows(self, table: str, *columns: str, where: str = "") -> Iterator[tuple[Any, ...]]:
        """The rows of a table as far as they can be read; null for columns that this version has not."""
        known = self._columns.get(table)
        if known is None:
            return
        chosen = ", ".join(column if column in known else "null" for column in columns)
        left_out = 0
        try:
            for row in self._database.execute(f'select {chosen} from "{table}" {where}'):  # noqa: S608  our names
                if all(map(_fits, columns, row)):
                    yield row
                else:
                    left_out += 1
        except sqlite3.DatabaseError as error:
            told = f"its table {table} cannot be read to the end ({error})"
            self._timeline.damage.append(Damage(told, os.path.getsize(self._file)))
        if left_out:
            told = f"{left_out} rows of its table {table} have values of another type than they should"
            self._timeline.damage.append(Damage(told))

    def _text(self, number: int | None) -> str:
        return self._texts.get(number, "") if number is not None else ""

    def _launches(self) -> dict[_Key, Launch]:
        """The earliest call of each correlation, with the stack of whichever of its calls has one."""
        chains = self._chains()
        found: dict[_Key, Launch] = {}
        rows = self._rows(_RUNTIME, "start", "globalTid", "correlationId", "nameId", "callchainId")
        for start_ns, global_thread, correlation, name, chain in rows:
            process = (global_thread or 0) & ~_THREAD_BITS
            key = (process, correlation or 0)
            frames = chains.get(chain, ()) if chain is not None else ()
            before = found.get(key)
            if before is None or start_ns < before.start_ns:
                frames = frames or (before.frames if before is not None else ())
                thread = _thread(global_thread or 0)
                found[key] = Launch(thread, start_ns, self._text(name), "", frames, correlation or 0)
            elif frames and not before.frames:
                found[key] = before._replace(frames=frames)
        return found

    def _chains(self) -> dict[int, tuple[CallFrame, ...]]:
        """Call chain -> its stack, without the frames of CUDA and the profiler."""
        chains: dict[int, list[tuple[int, CallFrame]]] = defaultdict(list)
        for number, symbol, module, depth in self._rows(
            "CUDA_CALLCHAINS", "id", "symbol", "module", "stackDepth"
        ):
            where = self._text(module)
            name = self._text(symbol)
            if not _PROFILER.search(where) and not _RUNTIME_CALL.search(name):
                chains[number].append((depth, _frame(name, where)))
        return {number: tuple(frame for _, frame in sorted(chain)) for number, chain in chains.items()}

    def _work(self, table: str, kind: Kind, launches: dict[_Key, Launch]) -> list[Kernel]:
        rows = self._rows(
            table,
            *("start", "end", "deviceId", "streamId", "correlationId", "globalPid"),
            *("demangledName", "shortName", "copyKind", "graphId"),
        )
        return [
            Kernel(
                str(device),
                str(stream),
                start_ns,
                end_ns - start_ns,
                self._name(table, name or short, copy, graph),
                kind,
                launches.get((process or 0, correlation or 0)),
            )
            for start_ns, end_ns, device, stream, correlation, process, name, short, copy, graph in rows
        ]

    def _name(self, table: str, name: int | None, copy: int | None, graph: int | None) -> str:
        if table == _COPIES:
            return f"Memcpy {_DIRECTIONS.get(copy or 0, '')}".rstrip()
        if table == _FILLS:
            return "Memset"
        return f"CUDA graph {graph}" if table == _GRAPHS else self._text(name)

    def _take_ranges(self) -> None:
        """NVTX ranges as ops of their threads."""
        rows = self._rows("NVTX_EVENTS", "start", "end", "globalTid", "text", "textId", where=_RANGES)
        for start_ns, end_ns, global_thread, text, text_number in rows:
            name = text or self._text(text_number)
            sequence = _SEQUENCE.search(name)
            op = name.partition(", ")[0] if sequence or ", op_id = " in name else name
            spans = self._timeline.thread(_thread(global_thread or 0)).ops
            spans.add(start_ns, end_ns, self._names.row(op))
            spans.sequences.append(int(sequence[1]) if sequence else NO_SEQUENCE)
            spans.forward_threads.append(int(sequence is not None and "Backward" in op))
        for thread in self._timeline.threads.values():
            sort_spans(thread.ops)


def _fits(column: str, value: object) -> bool:
    """Whether a value is of the type that its column should have: SQLite lets in any."""
    if column in _TEXTS:
        return value is None or isinstance(value, str)
    return isinstance(value, int) or (value is None and column not in _NEEDED)


def _thread(global_thread: int) -> ThreadKey:
    return ThreadKey(str((global_thread >> 24) & _THREAD_BITS), str(global_thread & _THREAD_BITS))


def _frame(symbol: str, module: str) -> CallFrame:
    """A frame of Python has its file, maybe with the line, for a module; one of C its binary."""
    python = _PYTHON.fullmatch(module)
    if python is not None:
        return CallFrame(python["file"], int(python["line"] or 0), symbol, is_exact=bool(python["line"]))
    return CallFrame(module, 0, symbol)
