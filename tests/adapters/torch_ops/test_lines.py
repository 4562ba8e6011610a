"""Lines of ops: as a dispatch mode sees them, which looks at each op from Python."""

from __future__ import annotations

import re
import sys
import threading
import warnings
from collections import Counter

import pytest

torch = pytest.importorskip("torch")

from torch.utils._python_dispatch import TorchDispatchMode  # noqa: E402
from torch.utils.checkpoint import checkpoint  # noqa: E402

from adapters.torch_ops.nets import step_of  # noqa: E402
from adapters.torch_ops.seen import marked, ops  # noqa: E402
from tracedbg import source  # noqa: E402
from tracedbg.adapters.torch_ops import building  # noqa: E402
from tracedbg.adapters.torch_ops.observer import loaded  # noqa: E402

pytestmark = pytest.mark.torch
MARKS = marked(__file__)
FRAME = re.compile(r'File "(?P<file>.+)", line (?P<line>\d+), in')


class Reference(TorchDispatchMode):
    """Counts ops by their line: the program's own frame; in a backward, the line of the node's forward."""

    def __init__(self) -> None:
        super().__init__()
        self.lines: Counter[tuple[str, int]] = Counter()

    @classmethod
    def ignore_compile_internals(cls) -> bool:
        return True

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        # No ops, and one that torch has dispatched only as there is a mode (shallow_copy_and_detach).
        if func.namespace != "profiler" and func is not torch.ops.aten.detach.default:
            self.lines["::".join(str(func).split(".")[:2]), self._line()] += 1
        return func(*args, **(kwargs or {}))

    def _line(self) -> int:
        node = torch._C._current_autograd_node()
        if node is not None:
            for text in reversed(node.metadata["traceback_"]):
                found = FRAME.search(text)
                if found is not None and source.is_user_file(found["file"]):
                    return int(found["line"])
            return 0
        frame = sys._getframe(2)
        while not source.is_user_file(frame.f_code.co_filename):
            frame = frame.f_back
        return frame.f_lineno


def gpt2():
    transformers = pytest.importorskip("transformers")
    config = transformers.GPT2Config(n_layer=2, n_head=2, n_embd=16, n_positions=16, vocab_size=50)
    model = transformers.GPT2LMHeadModel(config)
    tokens = torch.randint(0, 50, (2, 8))
    return lambda: model(tokens, labels=tokens).loss.backward()


def in_place(lines: Counter[tuple[str, int]]) -> Counter[tuple[str, int]]:
    """Beside a mode, autograd adds gradients up by `add`, and not by `add_`."""
    same: Counter[tuple[str, int]] = Counter()
    for (name, line), count in lines.items():
        same[name.removesuffix("_"), line] += count
    return same


@pytest.mark.parametrize("kind", ["mlp", "attention", "conv", "gpt2"])
def test_lines_agree_with_a_dispatch_mode(kind):
    step = gpt2() if kind == "gpt2" else step_of(kind)
    step()
    reference = Reference()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # anomaly detection says that it is slow
        with torch.autograd.set_detect_anomaly(True, check_nan=False), reference:
            step()
    with ops() as seen:
        step()
    missing = in_place(reference.lines) - in_place(seen.lines())
    agree = reference.lines.total() - missing.total()
    assert agree >= 0.99 * reference.lines.total(), missing


@pytest.mark.parametrize("kind", ["mlp", "attention", "conv"])
def test_counts_are_those_of_torchs_own_profiler_beside_it(kind):
    step = step_of(kind)
    step()
    with torch.profiler.profile(acc_events=True) as profile, ops() as seen:
        step()
    names = [event.name() for event in profile.profiler.kineto_results.events()]
    theirs = Counter(
        name for name in names if not name.startswith(("autograd::engine", "Optimizer.", "[memory]"))
    )
    assert seen.counts() == theirs


def test_a_backward_has_the_lines_of_its_forward():
    w = torch.randn(4, requires_grad=True)
    with ops() as seen:
        a = w * 2  # @mul
        b = a.sin()  # @sin
        b.sum().backward()
    lines = seen.lines(backward=True)
    assert lines["MulBackward0", MARKS["mul"]] == 1
    assert lines["SinBackward0", MARKS["sin"]] == 1
    assert lines["aten::cos", MARKS["sin"]] == 1
    assert lines["torch::autograd::AccumulateGrad", MARKS["mul"]] == 1


def test_a_forward_in_another_thread_is_found():
    made = []
    w = torch.randn(4, requires_grad=True)

    def forward():
        made.append((w * 2).sum())  # @in the thread

    with ops() as seen:
        thread = threading.Thread(target=forward)
        thread.start()
        thread.join()
        made[0].backward()
    assert seen.lines(backward=True)["MulBackward0", MARKS["in the thread"]] == 1


def test_what_the_user_runs_in_a_backward_has_its_own_lines():
    class Double(torch.autograd.Function):
        @staticmethod
        def forward(ctx, x):
            return x * 2  # @own forward

        @staticmethod
        def backward(ctx, gradient):
            return gradient * 2  # @own backward

    def checkpointed(x):
        return x.sin().cos()  # @checkpointed

    w = torch.randn(4, requires_grad=True)
    with ops() as seen:
        Double.apply(w).sum().backward()
        checkpoint(checkpointed, w, use_reentrant=False).sum().backward()
        handle = w.register_hook(lambda gradient: gradient * 3)  # @hook
        (w * 1).sum().backward()
        handle.remove()
    lines = seen.lines(backward=True)
    assert lines["aten::mul", MARKS["own backward"]] == 1
    assert lines["aten::mul", MARKS["hook"]] == 1
    assert lines["aten::sin", MARKS["checkpointed"]] >= 1


def test_callers_are_told_innermost_first():
    def inner(x):
        return x + 1  # @inner

    def outer(x):
        return inner(x)  # @outer

    with ops() as seen:
        outer(torch.ones(2))  # @call
    (kind,) = seen.kinds("aten::add")
    places = [(frame.function.rpartition(".")[2], frame.line) for frame in kind.stack[:3]]
    assert places == [
        ("inner", MARKS["inner"]),
        ("outer", MARKS["outer"]),
        ("test_callers_are_told_innermost_first", MARKS["call"]),
    ]


def test_threads_are_told_apart_and_outlived():
    idents = []

    def work():
        idents.append(threading.get_ident())
        torch.ones(3).sin()  # @work

    with ops() as seen:
        for _ in range(3):
            thread = threading.Thread(target=work)
            thread.start()
            thread.join()
        torch.ones(3).cos()
    threads = [total.thread_id for total in seen.totals if total.kind.name == "aten::sin"]
    assert set(threads) == set(idents)
    assert seen.lines()["aten::sin", MARKS["work"]] == 3


def test_files_are_whose_the_source_says(tmp_path):
    building.load(building.Torch.of(torch), print)
    files = [module.__file__ for module in list(sys.modules.values()) if getattr(module, "__file__", None)]
    files += ["<string>", "<stdin>", "<frozen os>", "<tracedbg x>", str(tmp_path / "ü.py"), "a/b.py"]
    with ops():
        pass
    owner = loaded().native.owner
    for file in files:
        is_library = owner(file, "f") in (0, 3, 4)
        assert is_library == (not source.is_user_file(file)), file
