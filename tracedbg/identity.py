"""Which rank of a distributed run a process is, by what its launcher has put into the environment.

It must not know a launcher's library: variables alone are read, and what makes no sense is passed over.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

RANK_PID_VARIABLE = "TRACEDBG_RANK_PID"
"""`<pid> <sign>` of the process that became a rank, or began the program: its children inherit it."""
NO_CHILDREN_VARIABLE = "TRACEDBG_NO_CHILDREN"
"""There if children of the program, or of its ranks, are not recorded."""
SIGNS = ("RANK", "TF_CONFIG", "OMPI_COMM_WORLD_RANK", "SLURM_PROCID", "SLURM_STEP_ID")
"""Of one rank they all have the same values, of another one not. `sitecustomize` has a copy of this."""
_LONG = 1024
"""`TF_CONFIG` begins or ends with the task, and names all machines of the cluster beside it."""
_TASKS = ("chief", "master", "worker", "ps", "evaluator")
"""Types of tasks in `TF_CONFIG`, in the order in which TensorFlow numbers them."""


@dataclass(frozen=True)
class Identity:
    """A process' place in a distributed run; what is not known is None, or empty."""

    rank: int | None = None
    local_rank: int | None = None
    """Among the ranks of its node."""
    world_size: int | None = None
    node: int | None = None
    """The number of its node, or of the group of ranks that one agent of torchrun has started."""
    job: str = ""
    """The launcher's id of the job."""
    launcher: str = ""
    """torchrun, slurm, openmpi or tf_config; empty where the variables do not tell."""
    task: str = ""
    """In `TF_CONFIG`: `worker 1`."""
    generation: int | None = None
    """How often the launcher had started the ranks before."""
    rank_pid: int | None = None
    """The process that is this rank, or that the program began with: itself, or one that it descends from."""


def identity_of(environ: Mapping[str, str], pid: int) -> Identity:
    """What the variables of process `pid` say of it.

    The most particular launcher wins: torchrun and `mpirun` run below SLURM as well, where all
    processes of a batch script see the script's own `SLURM_PROCID`.
    """
    for read in (_from_torchrun, _from_tf_config, _from_open_mpi, _from_slurm):
        found = read(environ)
        if found is not None:
            return replace(found, rank_pid=_rank_pid(environ, pid))
    return Identity(rank_pid=_rank_pid(environ, pid))


def is_one_of_several(environ: Mapping[str, str], pid: int) -> bool:
    """Whether process `pid` is a rank itself, and not the only one."""
    found = identity_of(environ, pid)
    return found.rank is not None and found.world_size != 1 and found.rank_pid == pid


def sign_of(environ: Mapping[str, str]) -> str:
    """What tells this rank's processes from another's."""
    values = [environ.get(name, "") for name in SIGNS]
    return "|".join(
        value if len(value) <= _LONG else value[: _LONG // 2] + value[-_LONG // 2 :] for value in values
    )


def is_child(environ: Mapping[str, str], pid: int) -> bool:
    """Whether process `pid` descends from the program's first process, or from a rank."""
    return _rank_pid(environ, pid) != pid


def _rank_pid(environ: Mapping[str, str], pid: int) -> int:
    first, _, sign = environ.get(RANK_PID_VARIABLE, "").partition(" ")
    return int(first) if first.isdecimal() and sign == sign_of(environ) else pid


def _from_torchrun(environ: Mapping[str, str]) -> Identity | None:
    """Of torchrun; or by hand, and by launchers that use the same names."""
    rank = _number(environ, "RANK")
    if rank is None:
        return None
    is_elastic = "TORCHELASTIC_RUN_ID" in environ
    job = environ.get("TORCHELASTIC_RUN_ID", "")
    return Identity(
        rank,
        _number(environ, "LOCAL_RANK"),
        _number(environ, "WORLD_SIZE"),
        _number(environ, "GROUP_RANK"),
        job=_slurm_job(environ) if job in ("", "none") else job,  # torchrun's word for no id
        launcher="torchrun" if is_elastic else "",
        generation=_number(environ, "TORCHELASTIC_RESTART_COUNT") if is_elastic else None,
    )


def _from_tf_config(environ: Mapping[str, str]) -> Identity | None:
    """Numbered as TensorFlow does: the chief, then workers; then parameter servers."""
    try:
        config = json.loads(environ["TF_CONFIG"])
        cluster = {kind: len(hosts) for kind, hosts in config["cluster"].items()}
        kind, index = str(config["task"]["type"]), int(config["task"]["index"])
    except (KeyError, ValueError, TypeError, AttributeError):
        return None
    if kind not in _TASKS or index < 0:
        return None
    before = sum(cluster.get(one, 0) for one in _TASKS[: _TASKS.index(kind)])
    return Identity(
        before + index,
        world_size=sum(cluster.get(one, 0) for one in _TASKS) or None,
        job=_slurm_job(environ),
        launcher="tf_config",
        task=f"{kind} {index}",
    )


def _from_open_mpi(environ: Mapping[str, str]) -> Identity | None:
    rank = _number(environ, "OMPI_COMM_WORLD_RANK")
    if rank is None:
        return None
    names = ("PMIX_NAMESPACE", "OMPI_MCA_ess_base_jobid")
    return Identity(
        rank,
        _number(environ, "OMPI_COMM_WORLD_LOCAL_RANK"),
        _number(environ, "OMPI_COMM_WORLD_SIZE"),
        job=_slurm_job(environ) or next((environ[name] for name in names if environ.get(name)), ""),
        launcher="openmpi",
    )


def _from_slurm(environ: Mapping[str, str]) -> Identity | None:
    rank = _number(environ, "SLURM_PROCID")
    if rank is None:
        return None
    return Identity(
        rank,
        _number(environ, "SLURM_LOCALID"),
        _number(environ, "SLURM_NTASKS", "SLURM_NPROCS"),
        _number(environ, "SLURM_NODEID"),
        job=_slurm_job(environ),
        launcher="slurm",
        generation=_number(environ, "SLURM_RESTART_COUNT"),
    )


def _slurm_job(environ: Mapping[str, str]) -> str:
    return environ.get("SLURM_JOB_ID") or environ.get("SLURM_JOBID") or ""


def _number(environ: Mapping[str, str], *names: str) -> int | None:
    texts = (environ.get(name, "").strip() for name in names)
    return next((int(text) for text in texts if text.isdecimal()), None)
