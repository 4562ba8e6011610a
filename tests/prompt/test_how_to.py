"""The sessions in the documentation are what stands on a real terminal; `python tests/prompt/test_how_to.py` writes them anew.

The frameworks' notes on what may differ depend on their versions, so they are left out.
"""

from __future__ import annotations

import re
import sys
import tempfile
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parents[1]))  # where this file is run as a script
from prompt.typed import debug, type_at

DOCS = Path(__file__).parents[2] / "docs"
PAGE = DOCS / "how-to" / "stop-inside.md"
SESSION = re.compile(r"<!-- (?P<name>\w+) -->\n(?:\n```text\n(?P<text>.*?)```\n)?", re.DOTALL)
TYPED = {
    "stop_torch": (
        ["stop_torch.py:8 if by == 3", "nan"],
        ["w", "locals", "p y - x", "op", "inputs", "cl 1", "c", "inputs", "cmp error, weight", "c"],
    ),
    "stop_tf": (
        ["stop_tf.py:13 if by == 3", "nan"],
        ["w", "locals", "p y - x", "op", "inputs", "cl 1", "c", "inputs", "cmp error, weight", "c"],
    ),
}


def session(name: str) -> str:
    breaks, lines = TYPED[name]
    options = [word for one in breaks for word in ("--break", one)]
    quiet = {"NO_COLOR": "1", "TF_CPP_MIN_LOG_LEVEL": "3", "TF_ENABLE_ONEDNN_OPTS": "0"}
    with tempfile.TemporaryDirectory() as folder:
        words = debug("--out", f"{folder}/run", *options, f"{name}.py")
        said, code = type_at(words, lines, cwd=DOCS / "examples", environment=quiet)
    assert code == 0, said
    noise = ("note: ", "WARNING: All log messages", "I0000", "W0000", "E0000")
    kept = [line for line in said.splitlines() if not line.startswith(noise)]
    shown = " ".join(f"--break '{one}'" if " " in one else f"--break {one}" for one in breaks)
    return "\n".join([f"$ tracedbg run --no-tui --quiet {shown} {name}.py", *kept, ""])


def written() -> dict[str, str]:
    return {found["name"]: found["text"] for found in SESSION.finditer(PAGE.read_text())}


@pytest.mark.torch
def test_the_session_with_torch_is_what_a_terminal_shows():
    assert written()["stop_torch"] == session("stop_torch")


@pytest.mark.tensorflow
def test_the_session_with_tensorflow_is_what_a_terminal_shows():
    assert written()["stop_tf"] == session("stop_tf")


if __name__ == "__main__":
    PAGE.write_text(
        SESSION.sub(
            lambda found: f"<!-- {found['name']} -->\n\n```text\n{session(found['name'])}```\n",
            PAGE.read_text(),
        )
    )
