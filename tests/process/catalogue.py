"""What the differential suite runs: each kind of program that breaks such tools, and the programs of that kind.

`test_catalogue.py` holds it together with the programs, and with the page that shows it.
"""

from __future__ import annotations

import ast
from pathlib import Path

from process import small_programs
from process.levels import PROGRAMS

SMALL = "small_programs.py"
KINDS: dict[str, dict[str, list[str]]] = {
    "multiprocessing of all kinds, other processes": {
        SMALL: [*small_programs.PROCESSES, "forks", "runs a shell"],
        "torch_processes.py": ["work", "rank", "forked_in_a_loop", "loaded", "failed"],
        "children.py": ["work", "rank"],
        "ranked.py": ["train", "die_once"],
        "torch_surroundings.py": ["shared"],
        "tf_sections.py": ["forked"],
        "test_same_as_plain.py": ["test_a_pool_of_workers_pickles_functions_of_main"],
    },
    "threads": {
        SMALL: ["ends with a thread running", "leaves a daemon thread", "exits in a thread"],
        "torch_sections.py": ["threads"],
        "torch_compiler.py": ["threads"],
        "torch_endings.py": ["threads_that_fail", "thread_after_main", "daemon_thread"],
        "tf_sections.py": ["threads"],
    },
    "asyncio": {
        SMALL: ["runs asyncio"],
        "torch_sections.py": ["asynchronous"],
        "torch_surroundings.py": ["coroutines"],
    },
    "`os._exit` and `os.exec`": {
        SMALL: ["leaves by os._exit", "executes another Python"],
        "torch_endings.py": ["leaves", "replaced"],
        "tf_endings.py": ["leaves", "replaced"],
    },
    "exit codes and what is printed at the end": {
        SMALL: [
            "falls off the end",
            "exits with a number",
            "exits with a text",
            "exits with None",
            "exits with True",
            "exits with a number over 255",
            "exits with -1",
            "raises",
            "raises from a cause",
            "raises a group of its own",
            "has a syntax error",
            "imports what is missing",
            "asks for too much memory",
        ],
        "torch_endings.py": ["exits", "op_error"],
        "tf_endings.py": ["exits_in_graph"],
    },
    "exceptions in compiled functions and in backward": {
        "torch_endings.py": ["compiled_error", "backward_error"],
        "torch_ends.py": ["train"],
        "torch_compiler.py": ["errors", "limits"],
        "tf_sections.py": ["errors"],
        "tf_compiler.py": ["tracebacks"],
        "tf_endings.py": ["tracing_error", "graph_error", "backward_error"],
    },
    "excepthooks, `atexit` order, finalizers": {
        SMALL: [
            "replaces the excepthook",
            "replaces the excepthook of threads",
            "replaces the unraisablehook",
            "raises in __del__ at its end",
            "raises in an excepthook",
            "runs atexit in order",
            "raises in atexit",
            "registers atexit in atexit",
        ],
        "torch_endings.py": ["hooks"],
        "torch_ends.py": ["hook"],
        "tf_endings.py": ["hooks"],
    },
    "signals": {
        SMALL: [
            name
            for name in small_programs.SIGNALS
            if name not in ("is interrupted in asyncio", "is interrupted twice")
        ]
        + ["is terminated", "writes to a closed pipe"],
        "torch_endings.py": ["terminated", "handled"],
        "tf_endings.py": ["terminated"],
        "test_signals.py": ["test_quit_from_the_keyboard_reaches_the_program_once"],
    },
    "Ctrl-C, once and twice, also typed at a terminal": {
        SMALL: [
            "interrupts itself",
            "raises KeyboardInterrupt",
            "is interrupted in asyncio",
            "is interrupted twice",
        ],
        "torch_endings.py": ["interrupted"],
        "tf_endings.py": ["interrupted"],
        "torch_loop.py": [],
        "interrupted_loop.py": ["step"],
        "test_signals.py": ["test_each_ctrl_c_reaches_the_program_once"],
        "test_terminal.py": ["test_ctrl_c_at_a_terminal_interrupts_a_training_as_it_would_alone"],
    },
    "`kill -9`, segfault, abort, `faulthandler` with all threads": {
        SMALL: [
            "is killed",
            "aborts",
            "segfaults",
            "segfaults with faulthandler",
            "reads a null pointer",
            "dumps all threads",
            "is ended by the dump of a watchdog",
            "dumps on a signal and goes on",
        ],
        "torch_endings.py": ["killed", "aborted", "crashed"],
        "tf_endings.py": ["killed", "aborted", "crashed"],
        "torch_surroundings.py": ["dumped", "watched"],
    },
    "closed stdin, stdout and stderr; descriptors that the program closes or chooses": {
        SMALL: [
            "closes stdout",
            "closes stderr and fails",
            "closes all that is open",
            "puts files at numbers of its choice",
            "may open few files",
            "writes past its limit",
            "sends stdout elsewhere",
        ],
        "torch_endings.py": ["silent"],
        "tf_endings.py": ["silent"],
        "torch_surroundings.py": ["descriptors", "printed"],
        "test_same_as_plain.py": ["test_closed_streams_stay_closed"],
    },
    "huge and non-UTF-8 output": {
        SMALL: [
            "prints bytes that are no text",
            "prints a surrogate",
            "prints a lot",
            "prints lines of any length and code",
        ]
    },
    "relative imports, zip applications, `.pyc`, odd names and encodings": {
        SMALL: ["imports its package's parts", "imports a module of a zip file", "reads its own source"],
        "test_same_as_plain.py": [
            "test_a_module_finds_the_interpreter_as_it_would_be",
            "test_a_zip_application_runs",
            "test_compiled_scripts_links_and_other_folders_run",
            "test_odd_names_and_encodings_run",
        ],
    },
    "a current folder that is gone, a changed `sys.path`, another environment": {
        SMALL: ["changes sys.path", "forgets all modules"],
        "torch_surroundings.py": ["places"],
        "test_same_as_plain.py": ["test_a_current_folder_that_is_gone_is_no_obstacle"],
    },
    "`settrace`, coverage, cProfile, debugpy, audit hooks": {
        SMALL: [
            "sets a trace function",
            "profiles itself",
            *(name for name in small_programs.TOOLS if name != "traces its memory"),
            "hears audit events",
        ],
        "torch_tools.py": [
            "traced",
            "profiled",
            "by_cprofile",
            "covered",
            "by_timer",
            "frames",
            "impatient",
        ],
        "torch_surroundings.py": ["audited"],
        "test_coverage_and_debugpy.py": [
            "test_coverage_counts_the_same_lines_and_branches",
            "test_debugpy_stops_where_it_stops_alone",
        ],
    },
    "a `sitecustomize` of its own, import hooks": {
        SMALL: [
            "replaces the import function",
            "changes the source of what it imports",
            "clears what finds modules",
            "reloads what it has imported",
            "imports from threads at once",
            "looks at its modules' specs",
        ],
        "test_same_as_plain.py": [
            "test_the_users_own_sitecustomize_runs",
            "test_the_users_import_hooks_see_what_they_would_see",
        ],
    },
    "`python -O`, other options, frozen modules": {
        "torch_ends.py": ["Late"],
        "test_same_as_plain.py": ["test_a_program_finds_the_interpreter_as_it_would_be"],
    },
    "dispatch modes and profilers of its own": {
        "torch_sections.py": ["modes", "profilers"],
        "torch_compiler.py": ["hooks"],
    },
    "tensor subclasses, extension types, ops of its own": {
        "torch_sections.py": ["subclasses"],
        "torch_compiler.py": ["wrapped", "own_ops"],
        "tf_compiler.py": ["composite"],
    },
    "vmap, grad, higher derivatives, checkpoint": {
        "torch_sections.py": ["transforms", "checkpoints", "backwards"],
        "torch_compiler.py": ["backwards"],
        "tf_compiler.py": ["derivatives"],
    },
    "garbage collection, lifetimes and weak references": {
        SMALL: ["freezes its garbage", "looks at all objects"],
        "torch_sections.py": ["lifetimes", "finalizers"],
        "torch_endings.py": ["small_steps"],
        "torch_surroundings.py": ["collection"],
        "tf_sections.py": ["lifetimes"],
        "tf_compiler.py": ["lifetimes"],
    },
    "random numbers": {
        "torch_sections.py": ["random_streams"],
        "tf_sections.py": ["random_streams"],
    },
    "memory, and its peak": {
        SMALL: ["traces its memory"],
        "torch_tools.py": ["memory"],
        "torch_surroundings.py": ["growth"],
    },
    "warnings as errors": {
        SMALL: ["warns", "turns warnings into errors"],
        "torch_surroundings.py": ["strict"],
        "tf_compiler.py": ["strict"],
    },
    "recursion limits": {
        SMALL: ["runs out of recursion"],
        "torch_sections.py": ["settings"],
        "torch_endings.py": ["recursion"],
    },
    "deterministic algorithms": {
        "torch_sections.py": ["determinism"],
        "tf_compiler.py": ["switches"],
    },
    "counts of compiles and traces, and what compilers say of them": {
        "torch_sections.py": ["compile_counts", "scripts"],
        "torch_compiler.py": ["logs", "ways", "graphs"],
        "tf_sections.py": ["retraces", "calls_back"],
        "tf_compiler.py": ["retracing", "autograph"],
    },
    "XLA": {"tf_compiler.py": ["xla"]},
    "models that are trained, copied, saved and fed": {
        "torch_compiler.py": ["copies"],
        "tf_sections.py": ["eager_loop", "keras", "datasets", "distributed"],
        "tf_compiler.py": ["saved", "training"],
    },
    "both frameworks in one program": {
        "tf_sections.py": ["both"],
        "tf_compiler.py": [],
    },
}
LEVELS_OF = {
    SMALL: "default, --ops",
    "test_same_as_plain.py": "default, --ops",
    "test_signals.py": "default",
    "test_terminal.py": "default, --ops",
    "test_coverage_and_debugpy.py": "default, --ops",
    "interrupted_loop.py": "default, --ops",
    "children.py": "default",
    "ranked.py": "default",
    "torch_processes.py": "default, --ops --rate 1000",
    "torch_compiler.py": "default, --ops",
    "torch_surroundings.py": "default, --ops",
    "tf_compiler.py": "default, --ops",
    "tf_endings.py": "default, --ops",
}
EVERY_LEVEL = "default, --ops, --ops --rate 1000"
_LISTS = ("SECTIONS", "ENDINGS")


def programs() -> dict[str, set[str]]:
    """Each file with what it has: small programs by what they do, others by the names of their sections."""
    found = {SMALL: set(small_programs.PROGRAMS)}
    for path in PROGRAMS.glob("*.py"):
        tree = ast.parse(path.read_text())
        lists = [
            {name.id for name in ast.walk(node.value) if isinstance(name, ast.Name)}
            for node in tree.body
            if isinstance(node, ast.Assign) and getattr(node.targets[0], "id", "") in _LISTS
        ]
        loops = [
            {name.id for name in ast.walk(node.iter) if isinstance(name, ast.Name)}
            for node in tree.body
            if isinstance(node, ast.For) and isinstance(node.iter, ast.Tuple)
        ]
        found[path.name] = set().union(*(lists or loops))
    return found


def definitions(file: str) -> set[str]:
    """The functions and classes of a program or of a file of tests."""
    path = PROGRAMS / file if (PROGRAMS / file).exists() else Path(__file__).parent / file
    kinds = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)
    return {node.name for node in ast.walk(ast.parse(path.read_text())) if isinstance(node, kinds)}


def table() -> str:
    """The page's table."""
    lines = ["| kind | programs | levels |", "|---|---|---|"]
    for kind, files in KINDS.items():
        for at, (file, names) in enumerate(files.items()):
            what = f"`{file}`" + (": " if names else "") + ", ".join(names).replace("_", "\\_")
            lines.append(f"| {'' if at else kind} | {what} | {LEVELS_OF.get(file, EVERY_LEVEL)} |")
    return "\n".join(lines) + "\n"
