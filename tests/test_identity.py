import json
import os
import re

import pytest

from tracedbg import boot
from tracedbg.identity import RANK_PID_VARIABLE, SIGNS, Identity, identity_of, is_one_of_several, sign_of

TORCHRUN = {
    "RANK": "5",
    "LOCAL_RANK": "1",
    "WORLD_SIZE": "8",
    "GROUP_RANK": "2",
    "TORCHELASTIC_RUN_ID": "nightly",
    "TORCHELASTIC_RESTART_COUNT": "1",
}
SLURM = {
    "SLURM_PROCID": "3",
    "SLURM_LOCALID": "1",
    "SLURM_NTASKS": "4",
    "SLURM_NODEID": "1",
    "SLURM_JOB_ID": "4711",
    "SLURM_RESTART_COUNT": "2",
}
OPEN_MPI = {
    "OMPI_COMM_WORLD_RANK": "3",
    "OMPI_COMM_WORLD_LOCAL_RANK": "1",
    "OMPI_COMM_WORLD_SIZE": "4",
    "PMIX_NAMESPACE": "2390228993",
}


def tf_config(kind, index, **cluster):
    return {"TF_CONFIG": json.dumps({"cluster": cluster, "task": {"type": kind, "index": index}})}


def of(environ):
    return identity_of(environ, 71)


def test_a_process_without_a_launcher_is_no_rank():
    assert of({"PATH": "/bin"}) == Identity(rank_pid=71)


def test_torchrun_tells_everything():
    assert of(TORCHRUN) == Identity(5, 1, 8, 2, "nightly", "torchrun", generation=1, rank_pid=71)


def test_torchruns_word_for_no_job_is_none():
    assert of(TORCHRUN | {"TORCHELASTIC_RUN_ID": "none"}).job == ""


def test_a_rank_that_was_set_by_hand_has_no_launcher():
    assert of({"RANK": "0", "WORLD_SIZE": "2"}) == Identity(0, world_size=2, rank_pid=71)


def test_slurm_tells_everything_and_how_often_the_job_was_requeued():
    assert of(SLURM) == Identity(3, 1, 4, 1, "4711", "slurm", generation=2, rank_pid=71)


def test_open_mpi_has_no_number_of_the_node():
    assert of(OPEN_MPI) == Identity(3, 1, 4, job="2390228993", launcher="openmpi", rank_pid=71)


@pytest.mark.parametrize(
    ("kind", "index", "rank"),
    [("chief", 0, 0), ("worker", 0, 1), ("worker", 1, 2), ("ps", 0, 3), ("evaluator", 0, 4)],
)
def test_tasks_are_numbered_as_tensorflow_does(kind, index, rank):
    found = of(tf_config(kind, index, chief=["a:1"], worker=["b:1", "c:1"], ps=["d:1"]))
    assert found == Identity(rank, world_size=4, launcher="tf_config", task=f"{kind} {index}", rank_pid=71)


def test_without_a_chief_the_first_worker_is_rank_0():
    assert of(tf_config("worker", 0, worker=["a:1", "b:1"])).rank == 0


@pytest.mark.parametrize(
    "text", ["", "{", "[]", "7", "{}", '{"cluster": 1}', '{"cluster": {}, "task": {"type": "cook", "index": 0}}',
             '{"cluster": {"worker": 3}, "task": {"type": "worker", "index": 0}}',
             '{"cluster": {}, "task": {"type": "worker", "index": -1}}']
)  # fmt: skip
def test_a_tf_config_that_makes_no_sense_is_passed_over(text):
    assert of({"TF_CONFIG": text}).rank is None


@pytest.mark.parametrize("text", ["", "x", "-1", "1.5"])
def test_a_rank_that_is_no_number_is_passed_over(text):
    assert of({"RANK": text}).rank is None


def test_the_most_particular_launcher_wins():
    below_slurm = SLURM | OPEN_MPI
    assert of(below_slurm | TORCHRUN).launcher == "torchrun"
    assert of(below_slurm | tf_config("worker", 0, worker=["a:1"])).launcher == "tf_config"
    assert (of(below_slurm).launcher, of(below_slurm).job) == ("openmpi", "4711")


def test_a_child_of_a_rank_knows_whose_child_it_is():
    inherited = TORCHRUN | {RANK_PID_VARIABLE: f"60 {sign_of(TORCHRUN)}"}
    assert of(inherited).rank_pid == 60


def test_a_rank_below_another_rank_is_one_itself():
    others = TORCHRUN | {"RANK": "0"}
    assert of(TORCHRUN | {RANK_PID_VARIABLE: f"60 {sign_of(others)}"}).rank_pid == 71


def test_the_start_file_signs_ranks_as_we_read_it():
    file = os.path.join(os.path.dirname(boot.__file__), "path", "sitecustomize.py")
    with open(file, encoding="utf-8") as source:
        (names,) = re.findall(r"_RANK_SIGNS = \(([^)]*)\)", source.read())
    assert tuple(re.findall(r'"(\w+)"', names)) == SIGNS


@pytest.mark.parametrize(
    ("environ", "expected"),
    [
        ({}, False),
        ({"RANK": "0"}, True),
        ({"RANK": "0", "WORLD_SIZE": "1"}, False),
        ({"RANK": "0", "WORLD_SIZE": "2"}, True),
        ({"RANK": "0", "WORLD_SIZE": "2", RANK_PID_VARIABLE: "7 0||||"}, True),
        ({"RANK": "0", "WORLD_SIZE": "2", RANK_PID_VARIABLE: "6 0||||"}, False),
    ],
)
def test_a_rank_is_one_of_several_if_there_are_more_and_it_is_no_child_of_one(environ, expected):
    assert is_one_of_several(environ, 7) is expected
