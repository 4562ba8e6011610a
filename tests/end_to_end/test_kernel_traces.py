"""Real traces of five kinds of GPU: sums to the nanosecond, shares on lines, and how far inference can be trusted."""

from __future__ import annotations

import gzip
import json
import sqlite3

import pytest

from tracedbg.explain.kernels import Rule, Whose, explain, read_timeline, tabulate
from tracedbg.explain.kernels.attribute import Attribution
from tracedbg.explain.kernels.infer import infer_before, is_replayed
from tracedbg.explain.kernels.table import Level

pytestmark = pytest.mark.shared

WORK = {"kernel", "gpu_memcpy", "gpu_memset", "Kernel", "Memcpy", "Memset"}
ON_LINES = {
    "hta_a100_nccl_fwdbwd.json.gz": 0.0,
    "hta_a100_triton_example.json.gz": 0.0,
    "kineto_v100_resnet50_callstack_2021.json.gz": 0.96,
    "tracelens_b200_vllm_eager.json.gz": 0.99,
    "tracelens_h100_qwen_prewindow.json.gz": 0.99,
    "tracelens_mi300_resnet_train_ckpt.json.gz": 0.98,
    "tracelens_mi300_sd35_inductor_triton.json.gz": 0.99,
    "tracelens_vllm_graph_capture.json.gz": 0.99,
    "tracelens_vllm_graph_replay.json.gz": 0.99,
}
"""The share of kernel time that comes to a line at least; two of the files were recorded without stacks."""
BEFORE = {
    "tracelens_h100_qwen_prewindow.json.gz": (0.30, 0.99),
    "tracelens_mi300_resnet_train_ckpt.json.gz": (0.31, 0.96),
}
"""The share from before the window, and how much of it is recovered at least."""
STEPS = [name for name in ON_LINES if "triton_example" not in name and "capture" not in name]


LEAST_FOUND = {("tracelens_mi300_sd35_inductor_triton.json.gz", "first"): 0.74}
"""Of the time that is hidden. The text encoders of this pipeline run once, in the half that is hidden, and are a
quarter of it: no later step has their lines, and all that a later step has is found."""


@pytest.fixture(scope="module")
def traces(shared):
    return shared / "traces"


@pytest.fixture(scope="module")
def explained(traces):
    known = {}

    def of(name):
        if name not in known:
            known[name] = explain(read_timeline(str(traces / name)))
        return known[name]

    return of


def naive_sum(file):
    if file.suffix == ".gz":
        events = json.loads(gzip.decompress(file.read_bytes()))["traceEvents"]
        return sum(round(one["dur"] * 1000) for one in events if one.get("cat") in WORK)
    with sqlite3.connect(f"file:{file}?mode=ro&immutable=1", uri=True) as database:
        tables = {name for (name,) in database.execute("select name from sqlite_master")}
        kinds = {f"CUPTI_ACTIVITY_KIND_{kind}" for kind in ("KERNEL", "MEMCPY", "MEMSET")} & tables
        found = sum(
            database.execute(f"select sum(end - start) from {kind}").fetchone()[0] or 0 for kind in kinds
        )
    database.close()
    return found


@pytest.mark.parametrize(
    "name", [*ON_LINES, "extrap_nsys_callchains.sqlite", "pipit_nsys_saxpy_nvtx_callchains.sqlite"]
)
def test_the_rows_of_every_level_add_up_to_the_kernels_of_the_file_to_the_nanosecond(traces, explained, name):
    expected = naive_sum(traces / name)
    assert expected > 0
    for level in Level:
        table = tabulate(explained(name).kernels, level)
        assert sum(row.time_ns for row in table.rows) == table.total_ns == expected


@pytest.mark.parametrize("name", ON_LINES)
def test_as_much_of_the_time_comes_to_lines_as_can(explained, name):
    table = tabulate(explained(name).kernels)
    assert table.share(table.time_of(Whose.LINE)) >= ON_LINES[name]
    assert explained(name).timeline.damage == []


@pytest.mark.parametrize("name", BEFORE)
def test_kernels_from_before_the_window_are_recovered(explained, name):
    kernels = explained(name).kernels
    total_ns = sum(one.duration_ns for one in kernels)
    before_ns = sum(one.duration_ns for one in kernels if one.kernel.launch is None)
    recovered_ns = sum(one.duration_ns for one in kernels if one.rule is Rule.ALIGNED)
    least_before, least_recovered = BEFORE[name]
    assert before_ns / total_ns >= least_before
    assert recovered_ns / before_ns >= least_recovered


@pytest.mark.parametrize("half", ["first", "second"])
@pytest.mark.parametrize("name", STEPS)
def test_half_of_the_lines_hidden_are_found_again_and_none_is_wrong(explained, name, half):
    known = [one for one in explained(name).kernels if one.kernel.launch is not None]
    middle = len(known) // 2
    is_hidden = [(at < middle) == (half == "first") for at in range(len(known))]
    hidden = [
        one._replace(whose=Whose.BEFORE, lines=()) if hide else one
        for one, hide in zip(known, is_hidden, strict=True)
    ]
    inferred = infer_before(hidden)
    shown = {key(one) for one, hide in zip(known, is_hidden, strict=True) if not hide}
    all_ns = reachable_ns = found_ns = right_ns = 0
    for truth, guess, hide in zip(known, inferred, is_hidden, strict=True):
        if hide:
            all_ns += truth.duration_ns
            reachable_ns += truth.duration_ns * (key(truth) in shown)
            if guess.rule is Rule.ALIGNED:
                found_ns += truth.duration_ns
                right_ns += truth.duration_ns * (key(guess) == key(truth))
    assert right_ns == found_ns
    assert right_ns >= 0.92 * reachable_ns
    assert right_ns >= LEAST_FOUND.get((name, half), 0.85) * all_ns


def key(one):
    return one.lines or one.op


def test_every_kernel_of_a_replayed_graph_has_the_line_of_its_capture(traces):
    replay = read_timeline(str(traces / "tracelens_vllm_graph_replay.json.gz"))
    capture = read_timeline(str(traces / "tracelens_vllm_graph_capture.json.gz"))
    found = explain(replay, captures=[capture]).kernels
    replayed = [one for one in found if is_replayed(one.kernel)]
    assert len(replayed) == 421
    assert {one.rule for one in replayed} == {Rule.REPLAYED}
    assert {one.whose for one in replayed} == {Whose.LINE}
    attribution = Attribution(capture)
    launches = [launch for launch in capture.captured if launch.kernel]
    in_order = [attribution.of_launch(launch, replayed[0].kernel).lines for launch in launches]
    assert [one.lines for one in replayed] == in_order


def test_xla_kernels_come_to_lines_by_their_instructions(traces):
    timeline = read_timeline(str(traces / "tracelens_jax_te_fused_attn.xplane.pb"))
    table = tabulate(explain(timeline).kernels)
    assert table.total_ns == sum(one.duration_ns for one in timeline.kernels)
    assert table.share(table.time_of(Whose.LINE)) >= 0.948
    assert 0.5 < table.share(table.backward_ns) < 0.8
