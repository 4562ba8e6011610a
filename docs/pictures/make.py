"""Makes the pictures of the documentation from real runs: `python docs/pictures/make.py`."""

from __future__ import annotations

import asyncio
import io
import os
import re
import shutil
import socket
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

from rich.console import Console
from rich.text import Text

from tracedbg.cli.observation import environment
from tracedbg.debugger import DebugOptions
from tracedbg.explain import summarise
from tracedbg.report.text import render
from tracedbg.store.reader import Run
from tracedbg.store.run import create_run
from tracedbg_tui.app import TracedbgApp
from tracedbg_tui.live import Live, State
from tracedbg_tui.program import Remote
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
    pictures["debug"] = asyncio.run(
        stop_of("docs/examples/torch_train.py", "h = torch.relu", ["i", "i", "i", "i"])
    )
    for name, picture in pictures.items():
        (HERE / f"interface_{name}.svg").write_text(picture)
    photograph("docs/examples/torch_train.py", HERE / "html_report.png")
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


def photograph(script: str, picture: Path) -> None:
    """The beginning of the page of a script, as a browser shows it."""
    browser = shutil.which("chromium") or shutil.which("google-chrome")
    if browser is None:
        print(f"{picture.name} is left as it is: there is no Chromium", file=sys.stderr)
        return
    with tempfile.TemporaryDirectory() as folder:
        page = Path(folder) / "page.html"
        command = [sys.executable, "-m", "tracedbg", "run", "--no-tui", "--quiet", "--html", str(page)]
        run = ["--out", str(Path(folder) / Path(script).stem), script]
        subprocess.run([*command, *run], cwd=ROOT, check=True, capture_output=True)
        options = ["--headless=new", "--no-sandbox", "--disable-gpu", "--hide-scrollbars"]
        size = [f"--user-data-dir={folder}/profile", "--window-size=1180,1300", "--virtual-time-budget=2000"]
        shot = [f"--screenshot={picture}", page.as_uri()]
        subprocess.run([browser, *options, *size, *shot], check=True, capture_output=True)


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


async def stop_of(script: str, text: str, keys: list[str]) -> str:
    """The user interface at the first line that has `text`, some keys later; the program is a real one."""
    path = ROOT / script
    line = next(n for n, row in enumerate(path.read_text().splitlines(), 1) if text in row)
    ours, theirs = socket.socketpair()
    with tempfile.TemporaryDirectory() as folder:
        out = create_run(str(Path(folder) / path.stem), [script]).path
        debug = DebugOptions(frontend="dap", descriptor=theirs.fileno(), wait=True)
        program = subprocess.Popen(
            [sys.executable, script],
            env=environment(out, max_mb=64, debug=debug),
            pass_fds=[theirs.fileno()],
            cwd=ROOT,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        theirs.close()
        live = Live(ours, lambda _: None)
        app = TracedbgApp(Remote(script, out, ours), live, Recording(out), Settings(hint_seen=True))
        async with app.run_test(size=SIZE) as pilot:

            async def reach(is_there: Callable[[], object]) -> None:
                while not is_there():
                    await pilot.pause(0.05)

            await reach(lambda: live.state is State.READY)
            await app.debug_view.goto(str(path), line)
            await pilot.press("b")
            for key in ["c", *keys]:
                before = live.stop
                await pilot.press(key)
                while live.stop is None or live.stop is before or not app.debug_view.is_settled:
                    await pilot.pause(0.05)
            await pilot.pause(1)
            picture = without_fonts(app.export_screenshot(title=f"tracedbg run {script}"))
            live.book.clear()
            await pilot.press("c")
            await reach(lambda: live.state is State.ENDED)
        program.wait()
    return picture


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
