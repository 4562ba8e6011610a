"""How many calls ran compiled, how many eager, since which, and why."""

from __future__ import annotations

import sys
import threading
from contextlib import contextmanager

import pytest

from adapters.sink import attached
from tracedbg.events import Calls, Fallback
from tracedbg.source import is_ours

torch = pytest.importorskip("torch")
pytestmark = [pytest.mark.torch, pytest.mark.usefixtures("fresh_dynamo")]
LIMIT = 3
RELEASE = tuple(int(part) for part in torch.__version__.split(".")[:2])


@pytest.fixture
def limit(fresh_dynamo):
    with fresh_dynamo.config.patch(recompile_limit=LIMIT):
        yield LIMIT


def watched():
    from tracedbg.adapters.torch_compile import TorchCompileAdapter

    return attached(torch._dynamo.convert_frame, TorchCompileAdapter())


def counted(sink, name):
    """(compiled, eager, first eager call), of all events together; None: one of them does not know."""
    found = [event for event in sink.of(Calls) if event.function.name.endswith(name)]
    assert found, sink.of(Calls)
    firsts = [event.first_eager_call for event in found if event.first_eager_call is not None]
    assert len(firsts) <= 1
    numbers = zip(*((event.compiled, event.eager) for event in found), strict=True)
    sums = tuple(None if None in column else sum(column) for column in numbers)
    return *sums, firsts[0] if firsts else None


def kinds(sink):
    return [event.kind for event in sink.of(Fallback)]


def test_calls_that_hit_the_cache_are_counted_and_run_no_code_of_ours():
    seen = []

    def profile(frame, event, argument):
        seen.extend([frame.f_code] if is_ours(frame.f_code.co_filename) else [])

    with watched() as sink:
        f = torch.compile(lambda x: x + 1, backend="eager")
        x = torch.ones(2)
        f(x)
        sys.setprofile(profile)
        try:
            for _ in range(9):
                f(x)
        finally:
            sys.setprofile(None)
    assert seen == []
    assert counted(sink, "<lambda>") == (10, 0, None)


def test_past_the_limit_each_call_that_fits_no_graph_is_eager(limit):
    with watched() as sink:
        f = torch.compile(lambda x: x + 1, backend="eager", dynamic=False)
        for size in range(1, limit + 3):
            f(torch.ones(size))
        f(torch.ones(1))
        f(torch.ones(99))
    assert kinds(sink) == ["recompile_limit"]
    assert counted(sink, "<lambda>") == (limit + 1, 3, limit + 1)


def test_function_objects_of_one_code_are_counted_together(limit):
    def f(x):
        return x + 1

    with watched() as sink:
        for _ in range(5):
            torch.compile(f, backend=lambda gm, _: gm.forward)(torch.ones(2))
    assert counted(sink, ".f") == (limit, 2, limit + 1)


@pytest.mark.parametrize("how", ["torch.compile", "module.compile"])
def test_a_module_is_counted_as_its_forward(how, limit):
    class Layer(torch.nn.Module):
        def __init__(self, number):
            super().__init__()
            self.number = number

        def forward(self, x):
            return x + self.number

    with watched() as sink:
        for number in range(limit + 2):
            layer = Layer(number)
            if how == "torch.compile":
                layer = torch.compile(layer, backend="eager")
            else:
                layer.compile(backend="eager")
            layer(torch.ones(2))
    assert counted(sink, "Layer.forward") == (limit, 2, limit + 1)


def test_a_module_of_torchs_own_is_counted_too():
    with watched() as sink:
        layer = torch.compile(torch.nn.Linear(2, 2), backend="eager")
        for _ in range(3):
            layer(torch.ones(1, 2))
    assert counted(sink, "Linear.forward") == (3, 0, None)


def test_calls_that_raise_while_compiling_are_neither(limit):
    with watched() as sink:
        f = torch.compile(lambda x: x + 1, backend="eager", dynamic=False, fullgraph=True)
        for size in range(1, limit + 1):
            f(torch.ones(size))
        for _ in range(2):
            with pytest.raises(torch._dynamo.exc.FailOnRecompileLimitHit):
                f(torch.ones(99))
    assert counted(sink, "<lambda>") == (limit, 0, None)


def test_a_first_call_without_ops_has_all_calls_eager():
    def f(k, v=None):
        return k if v is None else k @ v

    with watched() as sink:
        compiled = torch.compile(f, backend="eager")
        compiled(torch.ones(2, 2))
        for _ in range(4):
            compiled(torch.ones(2, 2), torch.ones(2, 2))
    assert kinds(sink) == ["skipped"]
    assert counted(sink, ".f") == (0, 5, 1)


@contextmanager
def logging_ops():
    from torch.utils._python_dispatch import TorchDispatchMode

    class LogOps(TorchDispatchMode):
        def __torch_dispatch__(self, func, types, args=(), kwargs=None):
            return func(*args, **(kwargs or {}))

    with LogOps():
        yield


def test_a_call_under_a_dispatch_mode_is_eager_and_before_2_14_the_last_that_dynamo_looks_at():
    compiled = []

    def backend(graph, _):
        compiled.append(graph)
        return graph.forward

    with watched() as sink:
        f = torch.compile(lambda x: x + 1, backend=backend)
        with logging_ops():
            f(torch.ones(3))
            f(torch.ones(4))
        f(torch.ones(3))
    (fallback,) = sink.of(Fallback)
    assert fallback.kind == "dispatch_mode"
    does = "skips such calls" if compiled else "skips it, and never looks at it again"
    assert fallback.reason == f"called under a TorchDispatchMode (LogOps): Dynamo {does}"
    assert fallback.call_stack[0].file == __file__
    assert counted(sink, "<lambda>") == (len(compiled), 3 - len(compiled), 1)
    assert len(compiled) == (RELEASE >= (2, 14))


def test_a_mode_that_lets_the_compiler_through_is_no_fallback():
    from torch.utils._python_dispatch import TorchDispatchMode

    class Quiet(TorchDispatchMode):
        @classmethod
        def ignore_compile_internals(cls):
            return True

        def __torch_dispatch__(self, func, types, args=(), kwargs=None):
            return func(*args, **(kwargs or {}))

    with watched() as sink:
        f = torch.compile(lambda x: x + 1, backend="eager")
        with Quiet():
            f(torch.ones(3))
    assert kinds(sink) == []
    assert counted(sink, "<lambda>") == (1, 0, None)


def test_a_break_inside_a_with_block_has_the_whole_function_eager():
    class Quiet:
        def __enter__(self):
            return self

        def __exit__(self, *_):
            return False

    def f(x):
        with Quiet():
            x = x + 1
            torch._dynamo.graph_break()
        return x * 2

    def g(x):
        try:
            torch._dynamo.graph_break()
        finally:
            x = x + 1
        return x

    with watched() as sink:
        for function in (f, g):
            compiled = torch.compile(function, backend="eager")
            compiled(torch.ones(2))
            compiled(torch.ones(2))
    assert kinds(sink) == ["with_block", "unsupported"]
    assert counted(sink, ".f") == counted(sink, ".g") == (0, 2, 1)


def test_a_break_that_dynamo_can_resume_after_is_no_fallback():
    def f(x):
        x = x + 1
        torch._dynamo.graph_break()
        return x * 2

    with watched() as sink:
        compiled = torch.compile(f, backend="eager")
        compiled(torch.ones(2))
        compiled(torch.ones(2))
    assert kinds(sink) == []
    assert counted(sink, ".f") == (2, 0, None)
    (rest,) = {event.function for event in sink.of(Calls) if event.function.owner}
    assert counted(sink, rest.name) == (2, 0, None)


def test_a_function_that_is_excluded_is_told_of_once_and_its_callers_stay_compiled():
    @torch.compiler.disable
    def helper(x):
        return x.sin()

    with watched() as sink:
        for function in (lambda x: helper(x + 1) * 2, lambda y: helper(y + 2) * 3):
            torch.compile(function, backend="eager")(torch.ones(2))
    (fallback,) = sink.of(Fallback)
    assert (fallback.kind, fallback.function.name.rpartition(".")[2]) == ("disabled", "helper")
    assert counted(sink, "<lambda>") == (2, 0, None)


def test_a_generator_is_not_supported():
    def f(x):
        yield x + 1

    with watched() as sink:
        compiled = torch.compile(f, backend="eager")
        assert len(list(compiled(torch.ones(2)))) == 1
    assert kinds(sink) == ["unsupported"]
    assert counted(sink, ".f") == (0, 1, 1)


def test_suppressed_errors_are_fallbacks(fresh_dynamo):
    def broken(gm, inputs):
        raise RuntimeError("no")

    with fresh_dynamo.config.patch(suppress_errors=True), watched() as sink:
        f = torch.compile(lambda x: x + 1, backend=broken)
        f(torch.ones(2))
        f(torch.ones(2))
    (fallback,) = sink.of(Fallback)
    assert fallback.kind == "unsupported"
    assert fallback.reason.startswith("BackendCompilerFailed: ")
    assert counted(sink, "<lambda>") == (0, 2, 1)


def test_a_stance_that_forces_eager_calls_is_told_with_the_first_of_them():
    with watched() as sink:
        f = torch.compile(lambda x: x + 1, backend="eager")
        g = torch.compile(lambda y: y + 2, backend="eager")
        f(torch.ones(2))
        g(torch.ones(2))
        with torch.compiler.set_stance("force_eager"):
            f(torch.ones(2))
            f(torch.ones(2))
        f(torch.ones(2))
    (fallback,) = sink.of(Fallback)
    assert (fallback.kind, fallback.reason) == ("forced", 'torch.compiler.set_stance("force_eager")')
    assert fallback.function.line == f._torchdynamo_orig_callable.__code__.co_firstlineno
    numbers = [
        (event.compiled, event.eager) for event in sink.of(Calls) if event.function == fallback.function
    ]
    assert tuple(map(sum, zip(*numbers, strict=True))) == (2, 2)
    assert {event.first_eager_call for event in sink.of(Calls)} == {2, None}


def test_of_a_function_that_is_called_by_a_compiled_one_eager_calls_are_not_known():
    def inner(x):
        try:
            torch._dynamo.graph_break()
        finally:
            x = x + 1
        return x

    with watched() as sink:
        outer = torch.compile(lambda x: inner(x + 1) * 2, backend="eager")
        outer(torch.ones(2))
        outer(torch.ones(2))
    assert counted(sink, "<lambda>") == (2, 0, None)
    assert counted(sink, ".inner") == (0, None, 1)


def test_a_compiled_function_inside_another_is_inlined_and_compiled_as_without_us(fresh_dynamo):
    def compiles():
        fresh_dynamo.reset()
        fresh_dynamo.utils.clear_compilation_metrics()

        @torch.compile(backend="eager")
        def inner(x):
            return x * 2

        def outer(x):
            return torch.compile(lambda y: y + 1, backend="eager")(inner(x))

        compiled = torch.compile(outer, backend="eager")
        for _ in range(3):
            compiled(torch.ones(2))
        return [(m.co_name, str(m.compile_id)) for m in fresh_dynamo.utils.get_compilation_metrics()]

    plain = compiles()
    with watched() as sink:
        assert compiles() == plain
    assert kinds(sink) == []


def test_threads_lose_no_call():
    with watched() as sink:
        f = torch.compile(lambda x: x + 1, backend="eager")
        x = torch.ones(2)
        f(x)
        threads = [threading.Thread(target=lambda: [f(x) for _ in range(200)]) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert counted(sink, "<lambda>") == (801, 0, None)


def test_a_function_that_was_compiled_before_we_came_is_not_counted():
    f = torch.compile(lambda x: x + 1, backend="eager", dynamic=False)
    f(torch.ones(2))
    with watched() as sink:
        f(torch.ones(3))
    assert counted(sink, "<lambda>")[:1] == (None,)


def test_a_function_that_was_made_before_we_came_is_counted_from_its_first_compile(limit):
    f = torch.compile(lambda x: x + 1, backend="eager", dynamic=False)
    with watched() as sink:
        for size in range(1, limit + 3):
            f(torch.ones(size))
    assert counted(sink, "<lambda>") == (limit, 2, limit + 1)


def test_each_attachment_counts_its_own():
    with watched():
        f = torch.compile(lambda x: x + 1, backend="eager", dynamic=False)
        for _ in range(5):
            f(torch.ones(2))
    hooks = f.__closure__[list(f.__code__.co_freevars).index("self")].cell_contents.enter_exit_hooks
    f(torch.ones(2))
    with watched() as sink:
        f(torch.ones(2))
        f(torch.ones(3))
    assert counted(sink, "<lambda>") == (2, 0, None)
    assert [hook for hook in hooks if "repeat" in str(hook)] == []


def test_a_function_that_fell_back_before_we_came_again_is_told_of_when_it_is_called(limit):
    with watched():
        f = torch.compile(lambda x: x + 1, backend="eager", dynamic=False)
        g = torch.compile(lambda y: y + 2, backend="eager", dynamic=False)
        for size in range(1, limit + 2):
            f(torch.ones(size))
            g(torch.ones(size))
    with watched() as sink:
        f(torch.ones(99))
        f(torch.ones(98))
        f(torch.ones(1))
    assert kinds(sink) == ["recompile_limit"]
    assert counted(sink, "<lambda>") == (1, 2, None)


def test_whoever_looks_at_the_bytecode_sees_dynamos_own():
    shown = []

    def look(code, made):
        shown.append(made)

    def bytecode(inside):
        handle = torch._dynamo.convert_frame.register_bytecode_hook(look)
        try:
            with inside() as sink:
                f = torch.compile(lambda x: x + 1, backend="eager")
                f(torch.ones(2))
            return shown.pop().co_code, sink
        finally:
            handle.remove()
            torch._dynamo.reset()

    @contextmanager
    def alone():
        yield None

    (plain, _), (observed, sink) = bytecode(alone), bytecode(watched)
    assert observed == plain
    assert counted(sink, "<lambda>")[0] is None
