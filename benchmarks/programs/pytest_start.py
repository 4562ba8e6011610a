"""What the unused plugin adds to the start of pytest: median of alternating pairs, in milliseconds."""

import contextlib
import io
import sys
import tempfile
import time
from pathlib import Path
from statistics import median

import pytest

PAIRS = 25


def start_ms(folder: str, *options: str) -> float:
    for name in [name for name in sys.modules if name.startswith(("tracedbg", "test_nothing"))]:
        del sys.modules[name]
    others = [
        word
        for name in ("cacheprovider", "hypothesispytest", "randomly", "asyncio")
        for word in ("-p", f"no:{name}")
    ]
    start = time.process_time()
    with contextlib.redirect_stdout(io.StringIO()):
        pytest.main(["-q", *others, *options, folder])
    seconds = time.process_time() - start
    assert ("tracedbg_pytest.plugin" in sys.modules) == (not options)
    return seconds * 1e3


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "test_nothing.py").write_text("def test_nothing():\n    pass\n")
        start_ms(folder)
        pairs = [start_ms(folder) - start_ms(folder, "-p", "no:tracedbg") for _ in range(PAIRS)]
    print(median(pairs))


if __name__ == "__main__":
    main()
