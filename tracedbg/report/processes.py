"""The section of the report that shows the processes of a run: who has started whom, and the ranks.

It must not know how the tree was found.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from tracedbg.explain.processes import process_tree
from tracedbg.report.style import clean, count, seconds

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tracedbg.explain import ProcessNode, Summary
    from tracedbg.report.style import Style
    from tracedbg.store.records import ProcessInfo

MAX_ROOTS = 16
"""Ranks, or programs, that have a row."""
_MAX_LINES = 60
_ALIKE = 3
"""So many processes of one kind are told in one row."""
_WAYS = {"fork": "forked", "spawn": "spawned", "forkserver": "by a fork server", "loky": "by loky"}
_LAUNCHERS = {"tf_config": "TF_CONFIG", "slurm": "SLURM", "openmpi": "Open MPI"}
_IN = 2
_NUMBERS = 22
_PIDS = 20
_LEAST = 12
"""Columns."""


def processes(summary: Summary, style: Style) -> list[str]:
    """The tree, where there is more than one process, or a rank."""
    infos = summary.processes
    ranks = [info for info in infos if info.is_rank]
    if len(infos) < 2 and not ranks:  # noqa: PLR2004  one is no tree
        return []
    nodes = process_tree(infos, summary.process_traces)
    is_many = len({info.host for info in infos}) > 1
    lines = [style.paint("Processes", "bold")]
    if ranks:
        lines += style.wrap(job_words(ranks), _IN)
    for node in nodes[:MAX_ROOTS]:
        lines += _rows(node, _IN, style, has_hosts=is_many, has_generations=_generations(ranks) > 1)
    if len(lines) > _MAX_LINES:
        more = f"{' ' * _IN}{count(len(lines) - _MAX_LINES, 'more row')}: see --format json"
        lines = [*lines[:_MAX_LINES], style.paint(more, "dim")]
    if len(nodes) > MAX_ROOTS:
        rest = nodes[MAX_ROOTS:]
        noun = "more rank" if all(node.info.is_rank for node in rest) else "more tree"
        words = f"{' ' * _IN}{count(len(rest), noun)}: see --format json"
        lines.append(style.paint(style.end(words, style.width), "dim"))
    return lines


def job_words(ranks: Sequence[ProcessInfo]) -> str:
    """`torchrun job 7: 4 ranks on 2 machines, started 2 times`."""
    names = dict.fromkeys(_LAUNCHERS.get(info.launcher, info.launcher) for info in ranks)
    jobs = dict.fromkeys(info.job for info in ranks if info.job)
    who = " and ".join(name for name in names if name)
    job = f"job {', '.join(jobs)}" if jobs else ""
    numbers = {info.rank for info in ranks}
    size = max((info.world_size or 0 for info in ranks), default=0)
    many = count(len(numbers), "rank") + (f" of {size}" if size > len(numbers) else "")
    hosts = len({info.host for info in ranks})
    words = f"{many} on {count(hosts, 'machine')}"
    if _generations(ranks) > 1:
        words += f", started {_generations(ranks)} times"
    return clean(f"{' '.join(filter(None, (who, job)))}: {words}" if who or job else words)


def _generations(ranks: Sequence[ProcessInfo]) -> int:
    return len({info.generation or 0 for info in ranks})


def _rows(
    node: ProcessNode, indent: int, style: Style, *, has_hosts: bool, has_generations: bool
) -> list[str]:
    told = {"has_hosts": has_hosts, "has_generations": has_generations}
    name = process_name(node, **told)
    lines = [_row(name, f"pid {node.info.pid}", _numbers([node]), indent, style)]
    alike: dict[str, list[ProcessNode]] = {}
    for child in node.children:
        key = f"{child.info.pid}" if child.children or child.info.is_rank else process_name(child, **told)
        alike.setdefault(key, []).append(child)
    for group in alike.values():
        if len(group) < _ALIKE:
            for child in group:
                lines += _rows(child, indent + 2, style, **told)
            continue
        many = f"{len(group)} {process_name(group[0], **told)}"
        lines.append(_row(many, _pids(group, style), _numbers(group), indent + 2, style))
    return lines


def _pids(nodes: Sequence[ProcessNode], style: Style) -> str:
    """`pids 71, 72, …`: as many as there is room for."""
    words = [str(node.info.pid) for node in nodes[:_PIDS]]
    for shown in range(len(words), 1, -1):
        text = f"pids {', '.join(words[:shown])}" + (
            f", {style.glyphs.ellipsis}" if shown < len(nodes) else ""
        )
        if len(text) <= _PIDS:
            return text
    return f"pids {words[0]}, {style.glyphs.ellipsis}"


def process_name(node: ProcessNode, *, has_hosts: bool, has_generations: bool) -> str:
    """Its rank, how it was started, or its command."""
    info = node.info
    if info.is_rank:
        name = f"rank {info.rank}" + (f", {info.task}" if info.task else "")
        name += f", generation {info.generation or 0}" if has_generations else ""
        name += f", on {info.host}" if has_hosts else ""
        return name
    return _WAYS.get(node.way) or _command(info)


def _command(info: ProcessInfo) -> str:
    """The command line, from the script on."""
    words = list(info.argv[1:])
    first = next((at for at, word in enumerate(words) if word == "-m" or not word.startswith("-")), 0)
    return " ".join([*map(os.path.basename, words[first : first + 1]), *words[first + 1 :]]) or "python"


def _numbers(nodes: Sequence[ProcessNode]) -> str:
    traces = sum(node.traces for node in nodes)
    ends = [node.info.stopped_ns for node in nodes]
    lived = f"{seconds(max(end or 0 for end in ends) / 1e9)} s" if all(ends) else ""
    return f"{count(traces, 'trace') if traces else '':>11}  {lived:>9}"


def _row(name: str, pid: str, numbers: str, indent: int, style: Style) -> str:
    lead = f"{style.glyphs.branch} " if indent > _IN else ""
    left = style.width - _NUMBERS - _PIDS - 4
    words = f"{' ' * indent}{lead}{style.end(clean(name), max(left - indent - len(lead), _LEAST))}"
    pid = style.end(pid, _PIDS)
    return f"{words:<{left}}  {style.paint(pid, 'dim')}{' ' * (_PIDS - len(pid))}  {numbers}".rstrip()
