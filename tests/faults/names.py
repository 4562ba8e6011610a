"""Runs small programs without each private name, and says what was seen: see `programs` and `removal`."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from faults import programs, removal

if TYPE_CHECKING:
    from collections.abc import Iterable

SECTIONS = (programs.RECORD, programs.DEBUG, programs.KERNELS, programs.COMPARE)


@dataclass
class Seen:
    """What a program has shown, and what was recorded of it, without one name."""

    outputs: list[str]
    """One for each section."""
    expected: str
    faults: list[tuple[str, str]]
    stderr: list[str]
    """Our lines."""
    found: dict[str, list[str]]
    """By section, the kinds of things that were recorded."""
    whole: dict[str, list[str]]
    """The same with all names."""
    error: str
    parts: list[str] = field(default_factory=list)

    @property
    def is_undisturbed(self) -> bool:
        return not self.error and all(output == self.expected for output in self.outputs)

    @property
    def lost(self) -> set[str]:
        """What is not recorded any more."""
        return {
            f"{section}: {thing}"
            for section, things in self.found.items()
            for thing in set(self.whole[section]) - set(things)
        }


def run_without(framework: str, names: Iterable[removal.Name], folder: Path) -> dict[removal.Name, Seen]:
    """Run the programs of a framework without each of the names."""
    names = list(names)
    parts = [program.__name__ for program in programs.PROGRAMS[framework]]
    plain = [{"name": None, "sections": [""], "parts": [part]} for part in parts]
    needed = {tuple(programs.parts_of(framework, list(name.users or (name.module,)))) for name in names}
    whole = [{"name": None, "sections": list(SECTIONS), "parts": list(one)} for one in sorted(needed)]
    jobs = [_job(framework, name) for name in names]
    answers = _run(framework, [*plain, *whole, *jobs], folder / "jobs.json")
    outputs = {part: answer["outputs"][0] for part, answer in zip(parts, answers, strict=False)}
    with_all = {
        tuple(job["parts"]): answer["found"]
        for job, answer in zip(whole, answers[len(plain) :], strict=False)
    }
    return {
        name: Seen(
            expected="".join(outputs[part] for part in parts if part in job["parts"]),
            whole=with_all[tuple(job["parts"])],
            parts=job["parts"],
            **answer,
        )
        for name, job, answer in zip(names, jobs, answers[len(plain) + len(whole) :], strict=True)
    }


def _job(framework: str, name: removal.Name) -> dict[str, Any]:
    modules = list(name.users or (name.module,))
    sections = [section for module in modules for section in programs.sections_of(module)]
    return {
        "name": asdict(name),
        "sections": list(dict.fromkeys(sections)),
        "parts": programs.parts_of(framework, modules),
    }


def _run(framework: str, jobs: list[dict[str, Any]], what: Path) -> list[dict[str, Any]]:
    what.write_text(json.dumps(jobs))
    paths = [str(Path(__file__).parents[1]), os.environ.get("PYTHONPATH", "")]
    ended = subprocess.run(
        [sys.executable, programs.__file__, framework, str(what)],
        env={**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, paths))},
        capture_output=True,
        text=True,
        check=False,
    )
    assert ended.returncode == 0, ended.stderr
    none = {"outputs": [], "faults": [], "stderr": [], "found": {}, "error": "the process died"}
    answers = [Path(f"{what}.{number}") for number in range(len(jobs))]
    return [json.loads(one.read_text()) if one.exists() else none for one in answers]
