"""What a program writes to a terminal that is no text."""

from __future__ import annotations

import re

ESCAPE = re.compile(rb"\x1b(?:\[[0-?]*[ -/]*[@-~]|\][^\x07\x1b]*(?:\x07|\x1b\\)|[ -/]*[0-~])")
"""An escape sequence: a control sequence, an operating system's command, or a short one."""
