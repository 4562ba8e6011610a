"""What the programs of this folder have in common: the example as a module, and counts of the framework's own."""

import importlib.util
import io
import json
import sys
import warnings
from contextlib import redirect_stderr
from pathlib import Path

EXAMPLES = Path(__file__).parents[3] / "docs" / "examples"


def example(name):
    spec = importlib.util.spec_from_file_location(name, EXAMPLES / f"{name}.py")
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    spec.loader.exec_module(module)
    return module


def shown(function):
    """The result of a call, the lines of ours on stderr, and its RetraceWarnings with their files."""
    stream = io.StringIO()
    with redirect_stderr(stream), warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        result = function()
    ours = [one for one in caught if one.category.__name__ == "RetraceWarning"]
    told = [f"{Path(one.filename).name}:{one.lineno}: {one.message}" for one in ours]
    lines = stream.getvalue().splitlines()
    return result, [line for line in lines if line.startswith(("tracedbg:", "  "))], told


def error_of(function):
    """The error that a call raises, as text."""
    try:
        function()
    except Exception as error:
        return f"{type(error).__name__}: {error}"
    return ""


def dynamo_counts():
    """What torch itself has compiled and broken since the last time; its caches are emptied."""
    import torch
    from torch._dynamo.utils import counters

    found = {
        "frames": dict(counters["frames"]),
        "graphs": counters["stats"]["unique_graphs"],
        "breaks": sum(counters["graph_break"].values()),
    }
    counters.clear()
    torch._dynamo.reset()
    return found


def sinks():
    """How many observers are left."""
    from tracedbg import session

    return len(session._observers._observers)


def end(**found):
    print("RESULT", json.dumps(found))
