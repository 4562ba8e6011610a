"""Ranks that torchrun starts, with us in each of them or before it; workers of TensorFlow."""

from __future__ import annotations

import json
import socket
import subprocess
import sys

import pytest

from process.compare import TRACEDBG, Lab, clean_environment
from process.levels import PROGRAMS
from tracedbg.explain import process_tree, summarise
from tracedbg.report.text import render
from tracedbg.store.reader import Run

TORCHRUN = [sys.executable, "-m", "torch.distributed.run", "--nproc-per-node", "2"]
RUN = [sys.executable, TRACEDBG, "run"]


@pytest.fixture
def ranks(lab):
    lab.write("ranked.py", (PROGRAMS / "ranked.py").read_bytes())
    return lab


def told(folder):
    with Run.open(str(folder)) as run:
        return summarise(run)


def executed(lab, command):
    environment = {"OMP_NUM_THREADS": "1", "MASTER_PORT": "0"}
    ended = lab._run(command, env=environment, timeout=120)
    return ended.returncode, sorted(ended.stdout.splitlines()), ended.stderr.decode()


def places(summary):
    return [
        (info.rank, info.local_rank, info.world_size, info.generation)
        for info in summary.processes
        if info.is_rank
    ]


@pytest.mark.torch
def test_ranks_with_us_in_each_write_one_run_that_a_restart_belongs_to(ranks):
    command = [*TORCHRUN, "--max-restarts", "1", "--no-python", *RUN, "--out", "run", "ranked.py", "dies"]
    code, output, errors = executed(ranks, command)
    assert (code, output) == (0, [b"rank 0 generation 0", b"rank 0 generation 1", b"rank 1 generation 1"]), (
        errors
    )
    summary = told(ranks.folder / "run")
    assert sorted(places(summary), key=lambda one: (one[3], one[0])) == [
        (0, 0, 2, 0), (1, 1, 2, 0), (0, 0, 2, 1), (1, 1, 2, 1),
    ]  # fmt: skip
    assert (summary.run.exit_code, summary.run.launcher, summary.traces) == (0, "torchrun", 4)
    assert len({info.job for info in summary.processes}) == 1
    assert errors.count("in 4 processes") == 1, "the last one to end reports, and nobody else"
    assert "2 ranks on 1 machine, started 2 times" in " ".join(render(summary).split())
    refused = executed(ranks, command)
    assert refused[0] == 1
    assert "has a run of torchrun job" in refused[2]


@pytest.mark.torch
def test_torchrun_that_we_start_trains_as_it_does_alone(ranks):
    plain = executed(ranks, [*TORCHRUN, "ranked.py", "workers"])
    options = ["--quiet", "--out", "run", "--torchrun", "--nproc-per-node=2"]
    traced = executed(ranks, [*RUN, *options, "ranked.py", "workers"])
    assert plain[0] == 0, plain[2]
    assert traced[:2] == plain[:2], traced[2]
    summary = told(ranks.folder / "run")
    assert sorted(places(summary)) == [(0, 0, 2, 0), (1, 1, 2, 0)]
    nodes = process_tree(summary.processes, summary.process_traces)
    assert [(node.info.rank, node.traces, [child.way for child in node.children]) for node in nodes] == [
        (0, 1, ["fork"]),
        (1, 1, ["fork"]),
    ]
    assert [child.info.is_rank for node in nodes for child in node.children] == [False, False]


@pytest.mark.torch
def test_two_nodes_write_into_a_shared_folder(lab):
    """Both on this machine: what they share is the folder alone."""
    lab.write("p.py", "import os, torch\nprint(os.environ['RANK'], os.environ['GROUP_RANK'], flush=True)\n")
    with socket.create_server(("localhost", 0)) as server:
        port = server.getsockname()[1]
    started = []
    for number in range(2):
        options = f"--nnodes 2 --node-rank {number} --master-addr localhost --master-port {port} --rdzv-id 7"
        command = [*RUN, "--out", "run", "--torchrun", options, "p.py"]
        started.append(
            subprocess.Popen(command, cwd=lab.folder, env=clean_environment(), stdin=-3, stdout=-1, stderr=-1)
        )
    ended = [one.communicate(timeout=120) for one in started]
    assert [one.returncode for one in started] == [0, 0], ended
    assert [output for output, _ in ended] == [b"0 0\n", b"1 1\n"]
    summary = told(lab.folder / "run")
    assert sorted((info.rank, info.node, info.job) for info in summary.processes) == [
        (0, 0, "7"),
        (1, 1, "7"),
    ]
    assert (summary.run.exit_code, summary.run.job) == (0, "7")
    assert sum(b"Processes" in errors for _, errors in ended) == 1, (
        "the last one to end reports, and nobody else"
    )


MIRRORED = """\
import tensorflow as tf
cpu = tf.config.list_physical_devices("CPU")[0]
tf.config.set_logical_device_configuration(cpu, [tf.config.LogicalDeviceConfiguration()] * 2)
strategy = tf.distribute.MirroredStrategy(["CPU:0", "CPU:1"])
"""
WORKER = """\
import tensorflow as tf
strategy = tf.distribute.MultiWorkerMirroredStrategy()
"""
STEPS = """\
with strategy.scope():
    weight = tf.Variable(2.0)
@tf.function
def step(x):
    def replica(x):
        with tf.GradientTape() as tape:
            loss = (weight * x) ** 2
        gradient = tape.gradient(loss, weight)
        return tf.distribute.get_replica_context().all_reduce("sum", gradient)
    return strategy.reduce("sum", strategy.run(replica, args=(x,)), axis=None)
for value in (1.0, 2.0):
    print(step(tf.constant(value)).numpy(), flush=True)
print(step.experimental_get_tracing_count(), strategy.num_replicas_in_sync, flush=True)
"""


@pytest.mark.tensorflow
def test_a_mirrored_strategy_computes_and_traces_what_it_does_alone(lab):
    lab.write("p.py", MIRRORED + STEPS)
    quiet = {"TF_CPP_MIN_LOG_LEVEL": "3"}
    plain, traced = lab.plain("p.py", env=quiet), lab.traced("p.py", env=quiet, options=["--quiet"])
    assert plain.code == 0, plain.stderr.decode()
    assert plain.stdout.endswith(b"1 2\n")
    assert (traced.code, traced.stdout) == (plain.code, plain.stdout)
    summary = told(traced.run)
    assert [(function.name, function.traces) for function in summary.functions] == [("step", 1)]


def workers(lab: Lab, command) -> list[tuple[int, bytes]]:
    """Run a worker for each of two tasks, at once."""
    sockets = [socket.create_server(("localhost", 0)) for _ in range(2)]
    hosts = [f"localhost:{one.getsockname()[1]}" for one in sockets]
    for one in sockets:
        one.close()
    started = []
    for index in range(2):
        task = json.dumps({"cluster": {"worker": hosts}, "task": {"type": "worker", "index": index}})
        environment = {**clean_environment(), "TF_CONFIG": task, "TF_CPP_MIN_LOG_LEVEL": "3"}
        started.append(
            subprocess.Popen(
                [*command, "p.py"], cwd=lab.folder, env=environment, stdout=-1, stderr=-3, stdin=-3
            )
        )
    return [(one.returncode, output) for one in started for output in [one.communicate(timeout=120)[0]]]


@pytest.mark.tensorflow
def test_workers_of_a_multi_worker_strategy_compute_what_they_do_alone_and_have_their_names(lab):
    lab.write("p.py", WORKER + STEPS)
    plain = workers(lab, [sys.executable])
    traced = workers(lab, [*RUN, "--quiet", "--out", "run"])
    assert plain[0][0] == 0
    assert traced == plain
    summary = told(lab.folder / "run")
    assert sorted((info.rank, info.task, info.launcher) for info in summary.processes) == [
        (0, "worker 0", "tf_config"),
        (1, "worker 1", "tf_config"),
    ]
    assert summary.run.exit_code == 0
    assert "rank 1, worker 1" in render(summary)
