"""What a thread is doing, by the modules on its stack: importing, tracing, compiling, waiting, ...

The rules are data: those of a framework come from its adapter, those of Python itself stand here. It must
not know any framework, nor who took the stack. A frame's mark is a dictionary's lookup after the first time.
"""

from __future__ import annotations

from enum import Enum, IntEnum
from typing import TYPE_CHECKING, NamedTuple

from tracedbg.source import OWN_CODE, is_ours, is_user_file

if TYPE_CHECKING:
    import re
    from collections.abc import Callable, Iterable, Sequence

_MODULE = "<module>"
"""The function of a file's own body: what runs while it is imported."""


class Activity(str, Enum):
    """What wall time is spent on; each moment of a thread belongs to one of them."""

    PYTHON = "python"
    """Python of the user's, or of a library that no rule speaks of."""
    EAGER_OPS = "eager_ops"
    """A framework's operations, run one by one, and the Python that calls them."""
    BACKWARD = "backward"
    """Gradients, by eager autograd or a tape."""
    TRACING = "tracing"
    """A function is being traced or converted."""
    COMPILING = "compiling"
    """A traced graph is being compiled."""
    COMPILED = "compiled"
    """A traced or compiled graph is running."""
    DATA_LOADING = "data_loading"
    """Data are being loaded, or waited for."""
    WAITING = "waiting"
    """For a lock, a file, a socket, another process or a device."""
    IMPORTS = "imports"
    """Modules are being imported."""
    STARTUP = "startup"
    """Python itself is starting."""
    OVERHEAD = "overhead"
    """tracedbg's own work."""
    UNKNOWN = "unknown"
    """No stack tells."""


class Reach(IntEnum):
    """How much of what a module calls belongs to its activity."""

    OWN = 1
    """Its own code, and the standard library that it calls."""
    LIBRARIES = 2
    """Also code of `OWN` reach that it calls, but not the user's or other packages'."""
    ALL = 3
    """Whatever it calls, the user's code included: tracing runs the user's function."""
    IMPORT = 4
    """Whatever it calls up to a function of the user's."""
    START = 5


class Rule(NamedTuple):
    """Which activity the code of some file stands for. The first rule that fits a frame counts."""

    path: str | re.Pattern[str]
    """The path as imports see it, or its beginning (`package/module.py`, `package/`); or what finds it."""
    activity: Activity | None
    """None: its frames tell nothing; look at their callers."""
    phase: str = ""
    reach: Reach = Reach.OWN
    functions: tuple[str, ...] = ()
    """Only functions of these names, without their classes; none: all."""


class Doing(NamedTuple):
    """What a thread is doing."""

    activity: Activity
    phase: str = ""
    """Which part of it, where that is known: `dynamo`, `inductor`, `autograph`, ..."""


class Mark(NamedTuple):
    """What one frame says of its stack."""

    doing: Doing | None
    """None: nothing."""
    reach: int = 0
    is_users: bool = False


_WAIT = (
    ("threading.py", ("wait", "join", "acquire", "_wait_for_tstate_lock", "_shutdown")),
    ("queue.py", ("get", "put", "join")),
    ("selectors.py", ("select",)),
    ("socket.py", ("accept", "connect", "readinto", "create_connection")),
    ("ssl.py", ("read", "recv", "recv_into", "do_handshake")),
    ("subprocess.py", ("wait", "_wait", "_try_wait", "communicate", "_communicate")),
    ("multiprocessing/connection.py", ("wait", "poll", "_poll", "_recv", "_recv_bytes", "accept")),
    ("multiprocessing/popen_fork.py", ("wait", "poll")),
    ("multiprocessing/queues.py", ("get", "_feed")),
    ("multiprocessing/pool.py", ("wait", "get", "_wait_for_updates")),
    ("multiprocessing/synchronize.py", ("wait", "__enter__")),
    ("concurrent/futures/_base.py", ("result", "wait")),
    ("concurrent/futures/thread.py", ("_worker",)),
)
HELD = "stopped"
"""Of `Activity.OVERHEAD`: the debugger has stopped the program, and waits for what it is told."""
_HOLDING = ("interact",)
"""See `engine.Frontend`."""
RULES: tuple[Rule, ...] = (
    Rule("<frozen importlib.", Activity.IMPORTS, reach=Reach.IMPORT),
    Rule("importlib/_bootstrap", Activity.IMPORTS, reach=Reach.IMPORT),
    Rule("<frozen site>", Activity.STARTUP, reach=Reach.START),
    Rule(
        "site.py", Activity.STARTUP, reach=Reach.START, functions=("main", "execsitecustomize", "addpackage")
    ),
    *(Rule(path, Activity.WAITING, functions=functions) for path, functions in _WAIT),
    Rule("tracedbg/", Activity.OVERHEAD, HELD, functions=_HOLDING),
    Rule(OWN_CODE, Activity.OVERHEAD),
    Rule("tracedbg/", Activity.OVERHEAD),
)
"""What Python's own modules say."""
_NOTHING = Mark(None)
_USER = Mark(Doing(Activity.PYTHON), is_users=True)
_USER_MODULE = Mark(None, is_users=True)
_LIBRARY = Mark(Doing(Activity.PYTHON, "library"))
_OVERHEAD = Mark(Doing(Activity.OVERHEAD), Reach.OWN)
_HELD = Mark(Doing(Activity.OVERHEAD, HELD), Reach.OWN)
_UNKNOWN = Doing(Activity.UNKNOWN)


class Classifier:
    """Tells what stacks are doing, by rules.

    Args:
        rules: those of the frameworks; Python's own come after them.
        is_user: whether a file is the user's own.
    """

    def __init__(self, rules: Sequence[Rule] = (), is_user: Callable[[str], bool] = is_user_file) -> None:
        self._rules = (*rules, *RULES)
        self._is_user = is_user
        self._by_file: dict[str, tuple[Rule, ...]] = {}
        self._marks: dict[tuple[str, str], Mark] = {}

    def classify(self, frames: Iterable[tuple[str, str]], *, is_idle: bool = False) -> Doing:
        """What a thread of that stack is doing.

        Args:
            frames: file and function of each, innermost first.
            is_idle: the thread is not running. Python that does not run waits.
        """
        return judge([self.mark(file, function) for file, function in frames], is_idle=is_idle)

    def mark(self, file: str, function: str) -> Mark:
        """What a frame of that function says; to be kept per code object, and given to `judge`."""
        mark = self._marks.get((file, function))
        if mark is None:
            mark = self._marks[file, function] = self._find(file, function.rpartition(".")[2])
        return mark

    def _find(self, file: str, function: str) -> Mark:
        if is_ours(file):
            return _HELD if function in _HOLDING else _OVERHEAD
        rules = self._by_file.get(file)
        if rules is None:
            rules = self._by_file[file] = self._rules_of(file.replace("\\", "/"), self._is_user(file))
        is_user = not rules and self._is_user(file)
        if function == _MODULE and not file.startswith("<frozen"):
            return _USER_MODULE if is_user else _NOTHING
        for rule in rules:
            if not rule.functions or function in rule.functions:
                if rule.activity is None:
                    return _NOTHING
                return Mark(Doing(rule.activity, rule.phase), rule.reach)
        if is_user:
            return _USER
        return _LIBRARY if _is_package(file.replace("\\", "/")) else _NOTHING

    def _rules_of(self, file: str, is_user: bool) -> tuple[Rule, ...]:
        return tuple(rule for rule in self._rules if _fits(rule.path, file, is_user))


def judge(marks: Iterable[Mark], *, is_idle: bool = False) -> Doing:
    """What a stack is doing, by the marks of its frames, innermost first.

    The innermost frame that says something counts, until a caller's reach covers it.
    """
    best: Doing | None = None
    reach, has_user = 0, False
    stack = tuple(marks)
    if own := _own_work(stack):
        return own
    for mark in stack:
        if mark.reach:
            if mark.reach > reach and not (has_user and mark.reach == Reach.IMPORT):
                best, reach = mark.doing, mark.reach
        elif mark.is_users:
            if reach >= Reach.ALL:
                break
            if best is None and mark.doing is None:
                continue  # a file's own body, perhaps being imported: what called it tells
            has_user = True
            best, reach = best or mark.doing, Reach.LIBRARIES
        elif mark.doing is not None:
            best, reach = best or mark.doing, max(reach, Reach.LIBRARIES)
    if best is None:
        return _UNKNOWN if not stack else _resting(_USER.doing, is_idle)
    return _resting(best, is_idle)


def _own_work(stack: Iterable[Mark]) -> Doing | None:
    """What we do ourselves, also where an import or a trace has called us; None where something else runs."""
    own: Doing | None = None
    for mark in stack:
        if mark.doing is None or mark.doing.activity is Activity.WAITING:
            continue
        if mark.doing.activity is not Activity.OVERHEAD:
            break
        own = mark.doing
        if own.phase:
            break
    return own


def _fits(path: str | re.Pattern[str], file: str, is_user: bool) -> bool:
    if not isinstance(path, str):
        return path.search(file) is not None
    if file.startswith("<"):
        return file.startswith(path)
    folder, slash, rest = path.partition("/")
    if rest:
        return f"/{path}" in file  # also where the package is worked on, outside of site-packages
    if slash:
        return f"-packages/{folder}/" in file
    return not is_user and not _is_package(file) and file.endswith(f"/{path}")


def _resting(doing: Doing | None, is_idle: bool) -> Doing:
    if doing is None:
        return _UNKNOWN
    return Doing(Activity.WAITING) if is_idle and doing.activity is Activity.PYTHON else doing


def _is_package(file: str) -> bool:
    return "/site-packages/" in file or "/dist-packages/" in file
