"""Compiled code beside its own graph run eagerly: which line differs first, and that nothing else changes."""

from __future__ import annotations

import linecache
import subprocess
import sys

import pytest

torch = pytest.importorskip("torch")
from adapters.torch_compare.backends import (  # noqa: E402
    with_bad_relu,
    with_bad_relu_if_fused,
    with_bad_relu_if_watched,
    without_writes,
)
from tracedbg.compare import Verdict  # noqa: E402
from tracedbg.compare.text import to_text  # noqa: E402

pytestmark = [
    pytest.mark.torch,
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),
    pytest.mark.filterwarnings("ignore:dynamo_pgo force disabled:UserWarning"),
]


def line(marker):
    for number, text in enumerate(linecache.getlines(__file__), 1):
        if text.rstrip().endswith(f"# @{marker}"):
            return number
    raise LookupError(marker)


def helper(x):
    return torch.relu(x - 0.2)  # @relu


def chain(x):  # @chain
    y = torch.sin(x)
    z = helper(y)
    return z * 2 + x


def noisy(x):
    y = x * 2
    z = torch.nn.functional.dropout(y, 0.5, True)
    return z + 1


def in_place(x, total):
    total.add_(x)
    x = x.clone()
    x[0] = 3
    return x * total


def two(x):
    y = x + 1
    return y, y * 2


def same(x, y):
    return torch.equal(x, y)


def test_a_wrong_op_is_named_with_its_line_and_stage(compare):
    told = compare()
    torch.compile(chain, backend=with_bad_relu)(torch.linspace(-1, 1, 8))
    (found,) = told.comparisons
    assert (found.verdict, found.function, found.line, found.call) == (
        Verdict.DIFFERS, "chain", line("chain"), 1,
    )  # fmt: skip
    first = found.first
    assert (first.op, first.file, first.line, first.function) == (
        "torch.relu",
        __file__,
        line("relu"),
        "helper",
    )
    assert first.stage == "with_bad_relu"
    assert first.difference.differing == 5


def test_an_op_that_is_wrong_only_where_it_is_fused_is_found_by_bisection(compare):
    told = compare()
    torch.compile(chain, backend=with_bad_relu_if_fused)(torch.linspace(-1, 1, 8))
    (found,) = told.comparisons
    assert (found.verdict, found.first.op, found.first.line) == (Verdict.DIFFERS, "torch.relu", line("relu"))
    assert found.notes == (
        "the forward is compared, compiled for inference; the backward is not",
        "with every op's result as an output it is right: found by compiling it with one op more at a time",
    )


@pytest.mark.parametrize("backend", ["eager", "aot_eager"])
def test_right_code_is_equal_bit_for_bit(backend, compare):
    told = compare()
    torch.compile(chain, backend=backend)(torch.linspace(-1, 1, 8))
    (found,) = told.comparisons
    assert found.verdict is Verdict.EQUAL
    assert found.compared == 7  # five ops, the result, and the argument afterwards


def test_the_program_keeps_its_results_state_and_random_numbers(compare):
    def run():
        torch._dynamo.reset()
        torch.manual_seed(1)
        x, total = torch.linspace(-1, 1, 8), torch.zeros(8)
        made = torch.compile(in_place, backend="aot_eager")(x, total)
        noise = torch.compile(noisy, backend="aot_eager")(x)
        return made, total, noise, torch.rand(3)

    expected = run()
    told = compare()
    assert all(map(same, run(), expected))
    assert [found.verdict for found in told.comparisons] == [Verdict.EQUAL] * 2


def test_gradients_are_those_of_the_program(compare):
    def run():
        torch._dynamo.reset()
        x = torch.linspace(-1, 1, 8, requires_grad=True)
        torch.compile(chain, backend="aot_eager")(x).sum().backward()
        return x.grad

    expected = run()
    told = compare()
    assert same(run(), expected)
    assert len(told.comparisons) == 1


def test_it_compiles_nothing_that_torch_counts(compare):
    from torch._dynamo.utils import counters, get_compilation_metrics

    def run():
        torch._dynamo.reset()
        counters.clear()
        before = len(get_compilation_metrics())
        compiled = torch.compile(chain, backend="aot_eager")
        compiled(torch.ones(8))
        compiled(torch.zeros(8))
        return len(get_compilation_metrics()) - before, {
            name: dict(count) for name, count in counters.items()
        }

    expected = run()
    told = compare()
    assert run() == expected
    assert len(told.comparisons) == 2


def test_only_so_many_calls_of_a_function_are_compared_and_then_it_is_left_alone(compare):
    told = compare(calls=2)
    compiled = torch.compile(chain, backend="eager")
    for _ in range(4):
        compiled(torch.ones(8))
    assert [found.call for found in told.comparisons] == [1, 2]
    names = [name for name in vars(sys.modules[__name__]) if name.startswith("__compiled_fn")]
    assert names
    assert all("calls.py" not in repr(getattr(globals()[name], "__code__", "")) for name in names)


def test_only_functions_that_are_asked_for_are_compared(compare):
    told = compare(functions=("two",))
    torch.compile(chain, backend="eager")(torch.ones(8))
    torch.compile(two, backend="eager")(torch.ones(8))
    assert [found.function for found in told.comparisons] == ["two"]
    assert told.names == ["chain"]


def test_buffers_of_a_module_are_written_to_once(compare):
    told = compare()
    module = torch.nn.Sequential(torch.nn.Linear(3, 3), torch.nn.BatchNorm1d(3))
    torch.compile(module, backend="aot_eager")(torch.randn(4, 3))
    assert module[1].num_batches_tracked == 1
    assert [found.verdict for found in told.comparisons] == [Verdict.EQUAL]


def test_a_difference_is_told_as_text(compare):
    told = compare()
    torch.compile(chain, backend=with_bad_relu)(torch.full((4,), -1.0))
    text = to_text(told.comparisons, folder="/nowhere")
    assert text.startswith(f"chain ({__file__}:{line('chain')}), call 1: DIFFERS, in with_bad_relu\n")
    assert "> return torch.relu(x - 0.2)  # @relu" in text


def test_code_that_is_wrong_only_with_our_outputs_is_not_held_against_the_program(compare):
    told = compare()
    torch.compile(chain, backend=with_bad_relu_if_watched)(torch.linspace(-1, 1, 8))
    (found,) = told.comparisons
    assert found.verdict is Verdict.EQUAL
    assert found.notes[-1] == (
        "what the program itself got is right; compiled with every op's result as an output,"
        f" torch.relu at {__file__}:{line('relu')} is not"
    )


def test_what_is_written_into_an_argument_is_compared(compare):
    told = compare()
    total = torch.zeros(8)
    torch.compile(in_place, backend=without_writes)(torch.linspace(-1, 1, 8), total)
    assert total.tolist() == [0] * 8  # as the backend has it
    (found,) = told.comparisons
    assert (found.verdict, found.first.op) == (Verdict.DIFFERS, "operator.mul")


def test_a_function_below_vmap_is_compared_by_its_result(compare):
    told = compare()
    torch.compile(lambda x: torch.vmap(torch.sin)(x), backend="aot_eager")(torch.ones(2, 3))
    (found,) = told.comparisons
    assert (found.verdict, found.compared > 0) == (Verdict.EQUAL, True)


def test_inductors_random_numbers_are_not_taken_for_a_difference(compare):
    told = compare(calls=1)
    torch.compile(noisy)(torch.ones(64))
    (found,) = told.comparisons
    assert found.verdict is Verdict.EQUAL
    assert found.notes[-1] == (
        "random ops draw other numbers when compiled by inductor: 3 ops that are or follow one were not"
        " compared; torch._inductor.config.fallback_random = True makes them the same"
    )


def test_a_bug_put_into_inductor_is_found(compare):
    import torch._inductor.config as config

    told = compare(calls=1)
    with config.patch({"cpp.inject_relu_bug_TESTING_ONLY": "accuracy", "force_disable_caches": True}):
        torch.compile(chain)(torch.linspace(-1, 1, 8))
    (found,) = told.comparisons
    first = found.first
    assert (found.verdict, first.stage, first.op, first.line) == (
        Verdict.DIFFERS, "inductor", "torch.relu", line("relu"),
    )  # fmt: skip
    assert first.traced_error > 10 * first.eager_error


@pytest.mark.parametrize(
    ("case", "text", "cause"),
    [
        (
            "pt_nan_compiled_only",
            "torch.pow(y, 0.5)",
            "NaN only in compiled code; infinity only in eager code",
        ),
        ("pt_fp16_var_rsqrt_diff", "torch.rsqrt(var + 1e-9)", "infinity only in eager code"),
    ],
)
def test_the_case_is_named_and_runs_as_ever(case, text, cause, shared, tmp_path):
    output = tmp_path / "found.json"
    ended = subprocess.run(
        [sys.executable, "-m", "tracedbg", "compare", "--json", str(output), str(shared / "cases" / f"{case}.py")],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert f"CASE {case}.py {{'compiles': ['0/0'], 'limit_hits': 0}}" in ended.stdout
    assert ended.returncode == 1, ended.stderr
    import json

    (found,) = json.loads(output.read_text())["comparisons"]
    assert (found["verdict"], found["first"]["stage"]) == ("differs", "inductor")
    assert text in linecache.getline(found["first"]["file"], found["first"]["line"])
    assert found["first"]["cause"].startswith(cause)
