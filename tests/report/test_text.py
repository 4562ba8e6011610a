"""The report for people, in full for a few runs, and what holds for every run."""

import io
import re
from dataclasses import replace
from textwrap import dedent

import pytest
import shown

from recordings import PROCESS, Process, Run, Timeline, function, signature, value
from tracedbg import events as ev
from tracedbg.explain import summarise
from tracedbg.report.style import Style
from tracedbg.report.text import is_healthy, render, write

RUNS = [
    shown.example,
    shown.healthy,
    shown.nothing,
    shown.broken,
    shown.stepped,
    shown.with_ops,
    shown.with_ledger,
]


def text(run, **more):
    return render(summarise(run), **{"folder": "/home/me", **more})


def test_the_report_of_a_program_with_troubles():
    assert text(shown.example()) == dedent(
        """\
        tracedbg: 2 functions, 5 traces, 2 retraces, 1 graph break, 1 function eager in
        silence, 1 function stale; tracing took 0.080 of 4.000 s (2%)
        train.py --lr 0.1, exit 0, run 20231114-221320-ab12

        traces  retraces  breaks  seconds          function
             1         0       1    0.040  ██████  torch.compile f  train.py:50
             1         0       0    0.010  █▌      └ after break  train.py:52
             3         2       0    0.030  ████▌   tf.function step  train.py:10

        Why it was traced again
          train.py:30 in step                                        2 retraces  0.020 s
            `n` took 3 Python values: 0, 1, 2
            n: 0 → 2
            ▸ pass `n` as a tensor: tf.constant(n), or have it made one:
              @tf.function(input_signature=[tf.TensorSpec([3], tf.float32),
              tf.TensorSpec([], tf.int32)])

          more: tracedbg explain python_value

        Graph breaks
          train.py:52 in f                                                        GB0170
            Data-dependent branching: An if on a tensor

        Runs eager, without a word
          train.py:50 in f                                    2 of 3 calls, since call 2
            recompile limit reached with 1 graph cached: `k` changed from 1 to 2 (a
            Python int is part of the trace's key)
            ▸ remove the causes of its retraces; a higher
              torch._dynamo.config.recompile_limit has room for more

        Stale: traced once, changed since
          train.py:14 in step                                                     global
            the global `scale` was 1.0 while tracing and is 5.0 now: calls go on with
            1.0
            ▸ pass `scale` as an argument, or make it a tf.Variable and assign to that

        AutoGraph
          train.py:12 in step                                                   unrolled
            a Python loop becomes as many operations as it has turns
            ▸ if they are many, loop over a tensor, such as tf.range(n)
        """
    )


def test_the_report_of_a_healthy_program_is_short_and_says_so():
    assert text(shown.healthy()) == dedent(
        """\
        tracedbg: healthy: 1 function, 1 trace, no retraces, no graph breaks; tracing
        took 0.010 of 4.000 s (under 1%)
        train.py --lr 0.1, exit 0, run 20231114-221320-ab12

        traces  retraces  breaks  seconds          function
             1         0       0    0.010  ██████  step  train.py:10
        """
    )


@pytest.mark.parametrize(
    ("versions", "why"),
    [
        ({}, "the program imported neither torch nor tensorflow"),
        (
            {"torch": "2.13.0"},
            "the program imported torch 2.13.0, but called nothing that it compiles or traces",
        ),
    ],
)
def test_a_program_that_traced_nothing_is_told_why(versions, why):
    first, which = text(shown.nothing(**versions), width=200).splitlines()
    assert first == f"tracedbg: nothing was traced: {why}"
    assert which == "train.py --lr 0.1, exit 0, run 20231114-221320-ab12"


def test_faults_and_losses_stand_at_the_end():
    assert text(shown.broken()) == dedent(
        """\
        tracedbg: 1 function, 1 trace; tracing took 0.010 s
        train.py --lr 0.1, run 20231114-221320-ab12

        traces  retraces  breaks  seconds          function
             1         0       0    0.010  ██████  f\\x1b[31m  keras/src/trainer.py:10

        Faults of tracedbg, and what is missing
          tf_function.traces: KeyError: 'x'
          process 7: No space left on device
          counted but not kept, as the recording was full (see --max-mb): 12 GraphMade,
          40 PhaseSpan
        """
    )


@pytest.mark.parametrize("run", RUNS)
@pytest.mark.parametrize("width", [72, 80, 120])
def test_no_line_is_wider_than_asked(run, width):
    assert max(map(len, text(run(), width=width).splitlines())) <= width


@pytest.mark.parametrize("width", [72, 80, 120])
def test_long_names_and_paths_are_cut_to_the_width(width):
    of = function(
        "TensorFlowTrainer.make_train_function.one_step_on_data_distributed",
        file="/srv/projects/with/a/long/way/to/it/and_a_very_long_name_of_a_training_script.py",
        line=1234,
    )
    frame = ev.Frame(of.file, 4321)
    traces = Timeline()
    run = Run(
        Process([traces.trace(of, signature(n=value("x" * n)), call_stack=(frame,)) for n in (200, 300)])
    )
    shown_text = text(run, width=width)
    assert max(map(len, shown_text.splitlines())) <= width
    assert ":4321" in shown_text


@pytest.mark.parametrize("run", RUNS)
def test_colour_changes_nothing_but_colour(run):
    coloured = text(run(), color=True)
    assert re.sub(r"\x1b\[[\d;]*m", "", coloured) == text(run())
    assert coloured != text(run())


@pytest.mark.parametrize("run", RUNS)
def test_control_characters_of_the_program_do_not_reach_the_terminal(run):
    assert not set(text(run())) & {chr(n) for n in range(32) if chr(n) != "\n"}


@pytest.mark.parametrize("encoding", ["ascii", "latin-1", "cp437", "utf-8"])
def test_it_is_written_in_characters_that_the_stream_has(encoding):
    raw = io.BytesIO()
    stream = io.TextIOWrapper(raw, encoding=encoding)
    of = function("größe_数")
    write(summarise(Run(Process([Timeline().trace(of)]))), stream)
    stream.flush()
    written = raw.getvalue().decode(encoding)
    assert ("größe_数" if encoding == "utf-8" else "gr\\xf6\\xdfe_\\u6570") in written


def test_the_line_of_the_user_is_shown(tmp_path):
    script = tmp_path / "train.py"
    script.write_text("import x\nfor n in range(3):\n    step(data, n)  # @here\n")
    frame = ev.Frame(str(script), 3)
    traces = Timeline()
    run = Run(Process([traces.trace(signature=signature(n=value(n)), call_stack=(frame,)) for n in (1, 2)]))
    lines = text(run, folder=str(tmp_path)).splitlines()
    assert "      step(data, n)  # @here" in lines
    assert lines[lines.index("      step(data, n)  # @here") - 1].startswith("  train.py:3 in step ")


def test_the_cheap_functions_of_libraries_are_one_row():
    traces = Timeline()
    library = [traces.trace(function(f"lib{n}", n, is_user=False), took_ms=1) for n in range(3)]
    costly = traces.trace(function("costly", 9, is_user=False), took_ms=10)
    table = text(Run(Process([traces.trace(), *library, costly]))).splitlines()[-3:]
    assert [row.split()[-2] for row in table] == ["costly", "step", "of"]
    assert table[-1] == "     3                      0.003          3 more functions of libraries"


def test_many_causes_are_cut_and_counted():
    traces = Timeline()
    run = Run(
        Process(
            [
                traces.trace(signature=signature(n=value(n)), call_stack=(ev.Frame("t.py", n),))
                for n in range(30)
            ]
        )
    )
    assert "  and 9 more: see --format json" in text(run).splitlines()


def test_several_processes_are_counted():
    traces = Timeline()
    two = [Process([traces.trace()], info=replace(PROCESS, pid=pid)) for pid in (1, 2)]
    assert text(Run(*two)).splitlines()[0] == (
        "tracedbg: healthy: 1 function, 2 traces in 2 processes, no retraces, no graph"
    )


@pytest.mark.parametrize(
    ("run", "expected"), [(shown.example, False), (shown.healthy, True), (shown.broken, False)]
)
def test_only_a_run_without_troubles_is_healthy(run, expected):
    assert is_healthy(summarise(run())) is expected


def test_a_loop_that_was_unrolled_is_told_and_is_no_trouble():
    of = function()
    unrolled = ev.Construct(of.file, 12, "for", "unrolled", of.name)
    summary = summarise(Run(Process([Timeline().trace(of)], all_constructs=[unrolled])))
    assert is_healthy(summary)
    assert "train.py:12 in step" in render(summary, folder="/home/me")


def test_a_failed_conversion_is_told_in_its_first_sentence():
    failure = "UnsupportedError: found two lambdas, e.g. `x`. This may be avoided.\nMatch 0: ..."
    conversion = ev.Conversion("<lambda>", "/home/me/train.py", 3, 0, failure=failure)
    summary = summarise(Run(Process([Timeline().trace()], all_conversions=[conversion])))
    assert not is_healthy(summary)
    lines = render(summary, folder="/home/me").splitlines()
    assert lines[-1] == "    UnsupportedError: found two lambdas, e.g. `x`"
    assert lines[-2].split() == ["train.py:3", "in", "<lambda>", "not", "converted"]


@pytest.mark.parametrize(
    ("file", "limit", "expected"),
    [
        ("/home/me/train.py", 40, "train.py"),
        ("/home/me/src/model/net.py", 40, "src/model/net.py"),
        ("/home/meme/net.py", 40, "/home/meme/net.py"),
        ("/opt/venv/lib/python3.11/site-packages/keras/src/trainer.py", 40, "keras/src/trainer.py"),
        ("/opt/venv/lib/python3.11/site-packages/keras/src/trainer.py", 18, "…/src/trainer.py"),
        ("/a/b/c/d/a_name_that_is_too_long.py", 16, "a_name_…_long.py"),
        ("<stdin>", 16, "<stdin>"),
        ("a\nb.py", 16, "a\\nb.py"),
    ],
)
def test_a_path_is_as_short_as_it_stays_clear(file, limit, expected):
    assert Style(folder="/home/me").path(file, limit) == expected


def test_where_the_time_went_is_told_when_it_was_noticeable():
    timeline = Timeline()
    of = function("f", 50, ev.Framework.TORCH_COMPILE)
    traces = []
    for n, phases in enumerate(((900, 300, 100), (500, 400, 0), (4, 0, 0)), 1):
        took, aot, backend = (part * 1_000_000 for part in phases)
        trace = timeline.trace(replace(of, name=f"f{n}", line=10 * n), start_ms=1000 * n, took_ms=phases[0])
        start_ns = trace.started.start_ns
        spans = [("dynamo", start_ns, took), ("aot", start_ns, aot), ("backend", start_ns, backend)]
        spans += [("backward_aot", start_ns + took, 200_000_000)]
        traces.append(
            replace(
                trace,
                phases=tuple(ev.PhaseSpan(n, *span) for span in spans),
                late_caches=(ev.CacheHits(n, (("aot_autograd_miss", 1), ("fx_graph_hit", 2))),),
            )
        )
    lines = text(Run(Process(traces))).splitlines()
    assert lines[lines.index("Where tracing time went") + 1 :] == [
        "    0.704 s  ██▊       dynamo            bytecode to graph, and its guards",
        "    0.600 s  ██▍       aot               AOTAutograd: joint graph, partition",
        "    0.100 s  ▍         backend           the backend's own compiler",
        "    0.600 s  ██▍       backward_aot      AOTAutograd, for the backward",
        "    1.100 s  train.py:10 in f1: dynamo 0.600 s, aot 0.200 s",
        "    0.700 s  train.py:20 in f2: aot 0.400 s, backward_aot 0.200 s",
        "  compiler caches: aot_autograd 3 misses, fx_graph 6 hits",
    ]
