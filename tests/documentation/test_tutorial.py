"""The tutorial, followed to the letter: each command is run, and each line that is quoted comes out.

`python tests/documentation/test_tutorial.py` puts the figures of this machine into the pages.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parents[1]))  # where this file is run as a script
from documentation.pages import DOCS, Block, blocks
from documentation.quoted import LEFT_OUT, missing, normal
from prompt.typed import PROMPT, type_at

FILES = DOCS / "examples" / "tutorial"
ENVIRONMENT = {
    name: value
    for name, value in os.environ.items()
    if not name.startswith(("TRACEDBG_", "PYTEST_", "COLUMNS"))
} | {
    "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
    "TF_CPP_MIN_LOG_LEVEL": "3",
    "CUDA_VISIBLE_DEVICES": "-1",
    "OMP_NUM_THREADS": "1",
    "PYTHONDONTWRITEBYTECODE": "1",  # `train.py` is replaced within the second that its bytecode goes by
    "NO_COLOR": "1",
}


def steps(block: Block) -> list[tuple[str, list[str]]]:
    """The commands of a block, each with the lines that are quoted of what it says."""
    found: list[tuple[str, list[str]]] = []
    for line in block.text.splitlines():
        if line.startswith("$ "):
            found.append((line[2:], []))
        else:
            found[-1][1].append(line)
    return found


def run(command: str, quoted: list[str], folder: Path) -> str:
    """What stands on the terminal after a command, and after what is typed at its prompts."""
    words = ["bash", "-c", command]
    typed = [line.removeprefix(PROMPT) for line in quoted if line.startswith(PROMPT)]
    if typed:
        return type_at(words, typed, cwd=folder, environment=ENVIRONMENT)[0]
    done = subprocess.run(
        words,
        cwd=folder,
        env=ENVIRONMENT,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
        timeout=240,
    )
    return done.stdout


def follow(page: Path, folder: Path) -> list[str]:
    """Do what a page says; what came out otherwise."""
    shutil.copytree(
        FILES, folder, dirs_exist_ok=True, ignore=shutil.ignore_patterns(".tracedbg", "__pycache__")
    )
    wrong = []
    for block in blocks(page):
        if block.language == "console":
            for command, quoted in steps(block):
                said = run(command, quoted, folder)
                wrong += [
                    f"{block} $ {command}: no line {line!r} in\n{said}" for line in missing(quoted, said)
                ]
    return wrong


@pytest.mark.timeout(900)  # seven commands
@pytest.mark.torch
def test_the_tutorial_of_torch_says_what_happens(tmp_path):
    assert follow(DOCS / "tutorial" / "torch.md", tmp_path) == []


@pytest.mark.timeout(900)
@pytest.mark.tensorflow
def test_the_tutorial_of_tensorflow_says_what_happens(tmp_path):
    assert follow(DOCS / "tutorial" / "tensorflow.md", tmp_path) == []


def test_every_file_of_the_tutorial_is_a_step_of_a_page():
    commands = [
        step[0]
        for page in (DOCS / "tutorial").glob("*.md")
        for block in blocks(page)
        for step in (steps(block) if block.language == "console" else [])
    ]
    copied = {command.split()[1] for command in commands if command.startswith("cp ")}
    tested = {"test_train.py"} if "pytest test_train.py" in commands else set()
    assert copied | tested == {file.name for file in FILES.glob("*.py")}


def test_another_count_or_value_is_noticed_and_another_time_is_not():
    said = (
        "tracedbg: 1 function, 9 traces; took 10.2 of\n25.7 s (40%)\n    9.6 s   37.6%  ███▊   imports\n"
        "   9   0.052  ▏  step\nfloat32[] cpu  0.1\nseconds   9.782   9.417  -4%\nloss 0.302\n"
    )
    times = ["tracedbg: 1 function, 9 traces; took", "3.111 of 4.0 s (under 1%)", "   1234 s 2.0% ▌ imports"]
    assert missing([*times, LEFT_OUT, "seconds 1.1  12.3  +71%", "loss 0.3"], said) == []
    assert missing([LEFT_OUT, "9 1.7 ███ step", LEFT_OUT], said) == []
    others = ["tracedbg: 1 function, 8 traces;", "8  0.052  ▏  step", "float32[] cpu  0.0"]
    for other in others:
        assert missing([LEFT_OUT, other], said) == [other]
    assert missing(["imports", "loss 0.3"], said) == ["imports\nloss 0.3"], "there is something in between"


def written_anew(page: Path, folder: Path) -> str:
    """The page with the lines that came out now in place of those that differ by figures alone."""
    shutil.copytree(FILES, folder, dirs_exist_ok=True)
    text = page.read_text()
    for block in blocks(page):
        lines = block.text
        for command, quoted in steps(block) if block.language == "console" else []:
            said = {normal(line): line for line in run(command, quoted, folder).splitlines()}
            for line in quoted:
                if line == LEFT_OUT:
                    continue
                lines = lines.replace(f"{line}\n", f"{said.get(normal(line), line)}\n", 1)
        text = text.replace(block.text, lines, 1)
    return text


if __name__ == "__main__":
    import tempfile

    for name in ("torch.md", "tensorflow.md"):
        with tempfile.TemporaryDirectory() as place:
            (DOCS / "tutorial" / name).write_text(written_anew(DOCS / "tutorial" / name, Path(place)))
