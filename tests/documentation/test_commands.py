"""Every command in the documentation is one that exists, and all Python in it compiles. Nothing is run here."""

from __future__ import annotations

import importlib
import os
import re
import textwrap

import pytest

from documentation.pages import DOCS, ROOT, blocks, commands, pages, words
from tracedbg import plugins
from tracedbg.cli.parser import Parser
from tracedbg.errors import UsageError

SHOWS_COMMANDS = {"console", "sh", "bash", "text"}
TARGETS = set(re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
OTHERS = {
    *("cp", "cd", "cat", "git", "ls", "mkdir", "printf", "export", "sudo", "ssh", "docker", "srun", "mpirun"),
    *("torchrun", "python", "python3", "pip", "pytest", "make", "flamegraph.pl", "code", "nvim", "tracedbg"),
}
"""What stands in the documentation beside the commands of tracedbg."""

_IN_TEXT = re.compile(r"(?<!`)`((?:tracedbg [a-z]|python -m benchmarks|make [a-z])[^`]*)`(?!`)")
CUT_SHORT = "arguments are required|expected one argument"
"""What is no fault of a command that stands in a sentence."""


def all_commands():
    for page in pages():
        for block in blocks(page):
            if block.language in SHOWS_COMMANDS:
                yield from (
                    (f"{block.page.relative_to(ROOT)}:{line}", text) for line, text in commands(block)
                )


def in_text():
    """Commands of tracedbg that stand in a sentence, as `code`."""
    for page in pages():
        text = page.read_text(encoding="utf-8")
        for found in _IN_TEXT.finditer(text.replace("\n", " ")):
            yield f"{page.relative_to(ROOT)}: {found[1]}", found[1]


def problem(command: str) -> str:
    """Why a command line of the documentation could not be typed; mostly nothing."""
    while (found := words(command)) and re.fullmatch(r"[A-Z_]+=.*", found[0]):
        command = command.partition(" ")[2]
    for part in split(found):
        if wrong := problem_of_words(part):
            return wrong
    return ""


def split(found: list[str]) -> list[list[str]]:
    """The commands of a pipe or a list."""
    parts: list[list[str]] = [[]]
    for word in found:
        if word in ("|", "&&", ";", "||", "&"):
            parts.append([])
        else:
            parts[-1].append(word)
    return [part for part in parts if part]


def problem_of_words(found: list[str]) -> str:
    name, *rest = found
    if "tracedbg" in found:  # also behind sudo, torchrun, srun, ...
        return problem_of_ours(found[found.index("tracedbg") + 1 :])
    if name not in OTHERS and not name.startswith("."):
        return f"what is {name}?"
    if name == "make":
        targets = [word for word in rest if "=" not in word]
        return "" if set(targets) <= TARGETS else f"no target {targets}"
    if name in ("python", "python3") and rest[:1] == ["-m"] and rest[1].startswith("benchmarks"):
        return problem_of_a_benchmark(rest[1], rest[2:])
    if name == "pytest":
        return problem_of_pytest(rest)
    if name.startswith("python") and rest[:1] and rest[0].startswith(("docs/", "tests/")):
        return "" if (ROOT / rest[0]).exists() else f"no file {rest[0]}"
    return ""


def problem_of_ours(rest: list[str]) -> str:
    """Whether the real parser takes it; nothing is run."""
    if not rest or rest[0] in ("--help", "--version"):
        return ""
    if rest[0] not in plugins.command_names():
        return f"no command {rest[0]}"
    rest = [word for word in rest if not re.match(r"\d?>", word)]
    command = plugins.load_command(rest[0])()
    parser = Parser(prog=f"tracedbg {rest[0]}", description=command.help)
    command.configure(parser)
    try:
        args = parser.parse(["12" if word == "PID" else word for word in rest[1:]])
    except UsageError as error:
        return str(error)
    except SystemExit:  # --help
        return ""
    script = next(iter(getattr(args, "program", None) or ()), "")
    return f"no file {script}" if script.startswith("docs/") and not (ROOT / script).exists() else ""


def problem_of_a_benchmark(module: str, rest: list[str]) -> str:
    """Whether the module is there, and its own parser takes the rest."""
    file = ROOT / (module.replace(".", "/") + ("/__main__.py" if module == "benchmarks" else ".py"))
    if not file.exists():
        return f"no benchmark {module}"
    source = file.read_text()
    if module != "benchmarks":
        options = [word.partition("=")[0] for word in rest if word.startswith("--")]
        return "".join(f"{module} has no {option}; " for option in options if f'"{option}"' not in source)
    known = set(importlib.import_module("benchmarks.__main__").NAMES)
    unknown = [
        word for word in rest if not word.startswith("-") and not word.isdecimal() and word not in known
    ]
    return f"no benchmark {unknown}" if unknown else ""


def problem_of_pytest(rest: list[str]) -> str:
    ours = [word.partition("=")[0] for word in rest if word.startswith("--tracedbg")]
    known = (DOCS / "reference" / "pytest.md").read_text()  # another test holds it to the plugin
    return "".join(f"no option {option}; " for option in ours if not re.search(rf"`{option}[ `]", known))


def test_every_command_can_be_typed():
    found = list(all_commands())
    assert len(found) > 50
    assert [f"{place}: {wrong}" for place, command in found if (wrong := problem(command))] == []


def test_every_command_of_ours_in_a_sentence_exists():
    found = list(in_text())
    assert len(found) > 60
    wrongs = [f"{place}: {wrong}" for place, command in found if (wrong := problem(command))]
    assert [wrong for wrong in wrongs if not re.search(CUT_SHORT, wrong)] == []


@pytest.mark.parametrize(
    ("command", "wrong"),
    [
        ("tracedbg runn train.py", "no command runn"),
        ("tracedbg report --formt json", "unrecognized arguments: --formt; see tracedbg report --help"),
        ("OMP_NUM_THREADS=1 tracedbg run docs/examples/gone.py", "no file docs/examples/gone.py"),
        ("sudo tracedbg attach", "the following arguments are required: PID; see tracedbg attach --help"),
        ("make coffee", "no target ['coffee']"),
        ("python -m benchmarks no_such_loop", "no benchmark ['no_such_loop']"),
        ("python -m benchmarks.no_such", "no benchmark benchmarks.no_such"),
        ("python -m benchmarks.kernels --gb 3", "benchmarks.kernels has no --gb; "),
        ("pytest --tracedbg-baselin x", "no option --tracedbg-baselin; "),
        ("cd x && tracedbgg run", "what is tracedbgg?"),
    ],
)
def test_a_wrong_command_is_noticed(command, wrong):
    assert problem(command) == wrong


def test_all_python_in_the_pages_compiles():
    count = 0
    for page in pages():
        for block in blocks(page):
            if block.language == "python":
                compile(textwrap.dedent(block.text), str(block), "exec", dont_inherit=True)
                count += 1
    assert count > 10


def test_every_example_is_named_in_a_page():
    text = "".join(page.read_text(encoding="utf-8") for page in pages())
    examples = DOCS / "examples"
    files = [file for file in examples.rglob("*") if file.is_file() and "__pycache__" not in file.parts]
    assert len(files) > 20
    unnamed = [
        file for file in files if file.name not in text and f"examples/{file.parent.name}`" not in text
    ]
    assert [os.path.relpath(file, examples) for file in unnamed if ".tracedbg" not in file.parts] == []
