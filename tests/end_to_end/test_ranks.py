"""Real ranks, one of which traces what the other does not: alive, killed in the middle of it, and both killed."""

from __future__ import annotations

import json
import textwrap

import pytest
from observed import run_observed
from test_examples import EXAMPLES, line_of

from tracedbg.cli.main import main

LAUNCH = """
import json, os, socket, subprocess, sys

def free_ports(count):
    held = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    ports = [one.getsockname()[1] for one in held]
    for one in held:
        one.close()
    return ports

workers = [f"127.0.0.1:{port}" for port in free_ports(2)]
ranks = []
for rank in range(2):
    ours = {"RANK": str(rank), "LOCAL_RANK": str(rank), "WORLD_SIZE": "2"}
    if sys.argv[2:] == ["tensorflow"]:
        task = {"type": "worker", "index": rank}
        ours = {"TF_CONFIG": json.dumps({"cluster": {"worker": workers}, "task": task})}
    ranks.append(subprocess.Popen([sys.executable, sys.argv[1]], env={**os.environ, **ours}))
print(sorted(rank.wait() for rank in ranks))
"""
TORCH = """
import os, signal, sys, time
import torch, torch.distributed as dist

HOW = "{how}"
here = os.path.dirname(os.path.abspath(__file__))
rank = int(os.environ["RANK"])
odd = False

def slow(graph, inputs):
    if odd:
        time.sleep(0.8)
        if HOW == "both":
            os.kill(int(open(f"{{here}}/pid0").read()), signal.SIGKILL)
        if HOW != "none":
            os.kill(os.getpid(), signal.SIGKILL)
    return graph.forward

@torch.compile(backend=slow, dynamic=False)
def step(batch):
    return (batch["x"] * 2).sum()

if rank == 0:
    open(f"{{here}}/pid0", "w").write(str(os.getpid()))
dist.init_process_group("gloo", init_method=f"file://{{here}}/meet", rank=rank, world_size=2)
if HOW == "none":
    torch.compiler.set_enable_guard_collectives(True)
for number in range(5):
    odd = (rank, number) == (1, 3)
    loss = step({{"x": torch.ones(4, 17 if odd else 16)}})  # @call
    try:
        dist.all_reduce(loss)  # @wait
    except RuntimeError:
        sys.exit(3)
dist.destroy_process_group()
"""
APART = """
import os, time
import torch, torch.distributed as dist

here = os.path.dirname(os.path.abspath(__file__))
rank = int(os.environ["RANK"])

def slow(graph, inputs):
    if inputs[0].shape[0] == 17:
        time.sleep(0.5)
    return graph.forward

@torch.compile(backend=slow, dynamic=False)
def step(x):
    return x.sum()

@torch.compile(backend="eager", dynamic=False)
def norm(x):
    if rank == 1:  # @branch
        x = x.exp()
    return x.sum()

dist.init_process_group("gloo", init_method=f"file://{here}/meet", rank=rank, world_size=2)
norm(torch.ones(3))
for number in range(6):
    loss = step(torch.ones(17 if number == (2, 4)[rank] else 16))
    dist.all_reduce(loss)  # @wait
dist.destroy_process_group()
"""
TENSORFLOW = """
import json, os, time
import tensorflow as tf

rank = json.loads(os.environ["TF_CONFIG"])["task"]["index"]
strategy = tf.distribute.MultiWorkerMirroredStrategy()

@tf.function
def step(x):
    if x.shape[0] == 7:
        time.sleep(0.8)
    def replica(x):
        return tf.distribute.get_replica_context().all_reduce("sum", tf.reduce_sum(x))
    return strategy.run(replica, args=(x,))

for number in range(5):
    step(tf.ones((7 if (rank, number) == (1, 3) else 4, 16)))  # @call
"""


def observe(program, cwd, *arguments):
    """Run a program as two ranks; its file, and how it was observed."""
    script, launcher = cwd / "rank.py", cwd / "launch.py"
    script.write_text(textwrap.dedent(program))
    launcher.write_text(LAUNCH)
    return script, run_observed(launcher, script, *arguments, cwd=cwd)


def ranks_of(observed, capsys):
    """What `tracedbg report --ranks` says, as data and as text."""
    assert main(["report", str(observed.folder), "--ranks", "--format", "json"]) == 0
    (generation,) = json.loads(capsys.readouterr().out)["generations"]
    assert main(["report", str(observed.folder), "--ranks"]) == 0
    return generation, capsys.readouterr().out


def told(odd):
    """What is told of an odd trace, without times."""
    return (
        odd["kind"],
        odd["ranks"],
        odd["others"],
        odd["line"],
        [(cause["argument"], cause["before"], cause["after"], cause["on_others"]) for cause in odd["causes"]],
    )


def retraced(generation):
    """Its odd traces without first ones: of those, one may be slow or late on a busy machine."""
    return [odd for odd in generation["odd"] if any(one["kind"] != "first_call" for one in odd["causes"])]


def alone(line, argument, before, after):
    return ("alone", [1], [0], line, [(argument, before, after, [{"ranks": [0], "values": [before]}])])


@pytest.mark.torch
def test_the_example_of_one_rank_that_compiles_alone(tmp_path, capsys):
    file = EXAMPLES / "odd_rank.py"
    observed = run_observed(file, cwd=tmp_path, options=("--torchrun", "--nproc-per-node 2"))
    assert (observed.exit_code, observed.stdout) == (0, "done\n"), observed.stderr
    (differs,) = observed.report["ranks"]
    assert [(row["ranks"], row["traces"]) for row in differs["counts"]] == [([0], 1), ([1], 2)]
    assert "rank 1 traced forward_loss" in observed.stderr
    generation, text = ranks_of(observed, capsys)
    (odd,) = retraced(generation)
    assert told(odd) == alone(line_of(file, "call"), 'batch["labels"]', "int64[4, 16]", "int64[4, 23]")
    assert [(wait["ranks"], wait["line"]) for wait in odd["waits"]] == [([0], line_of(file, "wait"))]
    least, most = odd["waited_s"]
    assert 0 < least == most <= odd["seconds"]
    assert 'batch["labels"] on rank 0: traced for int64[4, 16] alone' in text
    assert "rank 0 waited" in text


@pytest.mark.torch
@pytest.mark.parametrize(
    ("how", "codes", "closed"),
    [pytest.param("one", [-9, 3], [1], id="one"), pytest.param("both", [-9, -9], [0, 1], id="both")],
)
def test_a_rank_that_was_killed_in_its_compile_still_names_the_input(how, codes, closed, tmp_path, capsys):
    script, observed = observe(TORCH.format(how=how), tmp_path)
    assert observed.stdout == f"{codes}\n", observed.stderr
    generation, text = ranks_of(observed, capsys)
    assert generation["ended"] == closed
    (odd,) = retraced(generation)
    assert told(odd) == alone(line_of(script, "call"), 'batch["x"]', "float32[4, 16]", "float32[4, 17]")
    assert odd["under_way"] == [1]
    assert "under way for at least" in text


@pytest.mark.torch
def test_guards_that_are_a_collective_let_all_ranks_compile_at_once(tmp_path, capsys):
    """This is what the report advises."""
    script, observed = observe(TORCH.format(how="none"), tmp_path)
    assert observed.stdout == "[0, 0]\n", observed.stderr
    assert observed.report["ranks"] == []
    generation, _ = ranks_of(observed, capsys)
    assert (generation["shared_traces"], generation["functions"][0]["counts"][0]["ranks"]) == (2, [0, 1])
    (odd,) = retraced(generation)
    (_, _, _, line, causes) = told(odd)
    assert (odd["kind"], odd["ranks"], line) == ("slow", [1], line_of(script, "call"))
    assert [cause[:3] for cause in causes] == [('batch["x"]', "float32[4, 16]", "float32[4, 17]")]
    assert [(wait["ranks"], wait["line"]) for wait in odd["waits"]] == [([0], line_of(script, "wait"))]


@pytest.mark.torch
def test_ranks_that_compile_one_after_the_other_and_another_graph_on_one(tmp_path, capsys):
    script, observed = observe(APART, tmp_path)
    assert observed.stdout == "[0, 0]\n", observed.stderr
    generation, _ = ranks_of(observed, capsys)
    found = retraced(generation)
    assert [(odd["kind"], odd["ranks"], odd["others"]) for odd in found] == [
        ("apart", [0], [1]),
        ("apart", [1], [0]),
    ]
    for odd in found:
        assert [wait["line"] for wait in odd["waits"]] == [line_of(script, "wait")]
        assert 0.3 < odd["waited_s"][1] <= odd["seconds"]
    (graph,) = generation["graphs"]
    assert (graph["ranks"], graph["others"], graph["line"]) == ([1], [0], line_of(script, "branch"))


@pytest.mark.tensorflow
def test_a_worker_of_tensorflow_that_traces_alone(tmp_path, capsys):
    script, observed = observe(TENSORFLOW, tmp_path, "tensorflow")
    assert observed.stdout == "[0, 0]\n", observed.stderr
    generation, _ = ranks_of(observed, capsys)
    (odd,) = [one for one in retraced(generation) if one["kind"] == "alone"]
    assert told(odd) == alone(line_of(script, "call"), "x", "float32[4, 16]", "float32[7, 16]")
    assert 0.5 < odd["waited_s"][1] <= odd["seconds"]
    assert [(wait["ranks"], wait["line"]) for wait in odd["waits"]] == [([0], line_of(script, "call"))]
