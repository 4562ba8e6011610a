"""Makes the pictures of the documentation from real runs: `python docs/pictures/make.py`."""

from __future__ import annotations

import asyncio
import io
import os
import re
import subprocess
import sys
import tempfile
from pathlib import Path

from rich.console import Console
from rich.text import Text

from tracedbg.explain import summarise
from tracedbg.report.text import render
from tracedbg.store.reader import Run
from tracedbg_tui.app import TracedbgApp
from tracedbg_tui.recording import Recording
from tracedbg_tui.settings import Settings

HERE = Path(__file__).parent
ROOT = HERE.parents[1]
WIDTH = 80
SIZE = (110, 30)


def main() -> None:
    for name in ("torch_train", "tf_train"):
        script = f"docs/examples/{name}.py"
        picture = svg(
            f"$ tracedbg run --no-tui {script}\ndone\n{report_of(script)}", f"tracedbg run {script}"
        )
        (HERE / f"{name}.svg").write_text(picture)
    pictures = asyncio.run(
        screens_of("docs/examples/torch_train.py", {"2": "traces", "3": "graph", "4": "time"})
    )
    for name, picture in pictures.items():
        (HERE / f"interface_{name}.svg").write_text(picture)
    (HERE / "stop_torch.svg").write_text(svg(session_of("stop_torch"), "tracedbg run --break nan"))


def session_of(name: str) -> str:
    """A stop at the first bad op, as a pipe shows it; what is typed stands where a terminal would show it."""
    typed = ["w", "locals", "inputs", "c"]
    command = [sys.executable, "-m", "tracedbg", "run", "--no-tui", "--quiet", "--break", "nan"]
    with tempfile.TemporaryDirectory() as folder:
        ended = subprocess.run(
            [*command, "--out", str(Path(folder) / "run"), f"{name}.py"],
            cwd=ROOT / "docs/examples",
            input="".join(f"p '(tracedbg) {line}'\n{line}\n" for line in typed),
            capture_output=True,
            text=True,
            check=True,
        )
    said = [re.sub(r"^'(\(tracedbg\) .*)'$", r"\1", line) for line in ended.stderr.splitlines()]
    return "\n".join([f"$ tracedbg run --no-tui --break nan {name}.py", *said, ended.stdout])


async def screens_of(script: str, keys: dict[str, str]) -> dict[str, str]:
    """The screens of the user interface that keys lead to, over the recording of a script."""
    pictures = {}
    with tempfile.TemporaryDirectory() as folder:
        out = str(Path(folder) / Path(script).stem)
        record(script, out)
        app = TracedbgApp(None, None, Recording(out), Settings(hint_seen=True))
        async with app.run_test(size=SIZE) as pilot:
            while not (app.recording and app.recording.is_read):
                await pilot.pause(0.05)
            for key, name in keys.items():
                await pilot.press(key)
                await pilot.pause(1)  # what is shown is read by a worker
                pictures[name] = without_fonts(app.export_screenshot(title=f"tracedbg run {script}"))
    return pictures


def record(script: str, out: str) -> None:
    command = [sys.executable, "-m", "tracedbg", "run", "--no-tui", "--quiet", "--out", out, script]
    subprocess.run(command, cwd=ROOT, check=True, capture_output=True)


def report_of(script: str) -> str:
    with tempfile.TemporaryDirectory() as folder:
        out = str(Path(folder) / "run")
        record(script, out)
        os.chdir(ROOT)
        with Run.open(out) as run:
            return render(summarise(run), color=True, width=WIDTH)


def svg(ansi: str, title: str) -> str:
    console = Console(
        record=True, width=WIDTH, file=io.StringIO(), force_terminal=True, color_system="truecolor"
    )
    console.print(Text.from_ansi(ansi))
    return without_fonts(console.export_svg(title=title))


def without_fonts(picture: str) -> str:
    """The fonts are on somebody's server: a picture of ours asks no other machine."""
    return re.sub(r"@font-face \{.*?\}\s*", "", picture, flags=re.DOTALL)


if __name__ == "__main__":
    main()
