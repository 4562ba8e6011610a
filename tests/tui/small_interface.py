"""`tracedbg`, with the smallest interface that there could be: the program's terminal, and keys that end it badly.

The process around an interface is tested with it, so that these tests do not depend on any screen.
"""

from __future__ import annotations

import os
import sys
import time

from tracedbg.cli.main import main
from tracedbg_tui import commands, news


def show(program, folder) -> int:
    if "SMALL_FAILS" in os.environ:
        raise RuntimeError("a fault of ours, at once")
    from textual.app import App
    from textual.widgets import Static

    from tracedbg.dap.client import Client
    from tracedbg_tui.console import Console

    class Small(App):
        BINDINGS = [("q", "end")]
        CSS = "#state { height: 1; }"

        def compose(self):
            yield Static("", id="state")
            yield Console(program)

        def on_mount(self) -> None:
            self.app_resume_signal.subscribe(self, lambda _: self.refresh(layout=True))
            self.say(f"pid={os.getpid()} program={program.pid if program else None}")
            console = self.query_one(Console)
            if program is not None:
                console.focus()
                self.call_after_refresh(self.begin)

        def begin(self) -> None:
            """Let the program go on, when its terminal has the size of the pane."""
            self.client = Client(program.connection)
            for command in ("initialize", "attach", "configurationDone"):
                self.client.send(command, adapterID="small")

        def on_program_ended(self, message) -> None:
            self.say(f"{message.ended}")

        def say(self, text: str) -> None:
            self.query_one("#state", Static).update(text)

        def on_key(self, event) -> None:
            if event.key == "f9":
                os.kill(os.getpid(), 11)
            elif event.key == "f8":
                raise RuntimeError("a fault of ours")
            elif event.key == "f7":
                self.exit(news.END)
            elif event.key == "f6":
                self.exit(news.LEAVE)
            elif event.key == "f5":
                while not os.path.exists("done"):
                    time.sleep(0.01)

        def action_end(self) -> None:
            self.exit(news.END)

    app = Small()
    code = app.run()
    return app.return_code or code or 0


if __name__ == "__main__":
    commands._show = show
    sys.exit(main())
