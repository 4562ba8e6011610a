"""Clients that we have not written: VS Code's test client, and nvim-dap in Neovim."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = [pytest.mark.torch, pytest.mark.timeout(600)]
HERE = Path(__file__).parent / "clients"
PACKAGES = ("@vscode/debugadapter-testsupport@1.68.0", "mocha@11")
NVIM_DAP = "https://github.com/mfussenegger/nvim-dap"
NVIM_DAP_TAG = "0.7.0"
"""The last one for Neovim 0.7."""


@pytest.fixture
def environment(tmp_path):
    program = Path(shutil.copy(HERE / "program.py", tmp_path))
    return {
        **os.environ,
        "TRACEDBG_TEST_PYTHON": sys.executable,
        "TRACEDBG_TEST_MAIN": str(HERE / "main.py"),
        "TRACEDBG_TEST_PROGRAM": str(program),
        "TRACEDBG_TEST_FOLDER": str(tmp_path),
    }


def installed(folder, command, what):
    """Install into the cache of the tests, once; skip where that cannot be done."""
    try:
        ended = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=120, check=False)
    except (OSError, subprocess.TimeoutExpired) as error:
        pytest.skip(f"{what} cannot be installed here: {error}")
    if ended.returncode:
        pytest.skip(f"{what} cannot be installed here: {ended.stderr.strip().splitlines()[-1]}")


def test_vs_codes_own_test_client(environment, request):
    if shutil.which("npm") is None:
        pytest.skip("needs Node.js, which is not here")
    folder = request.config.cache.mkdir("debugadapter-testsupport")
    if not (folder / "node_modules" / ".bin" / "mocha").exists():
        (folder / "package.json").write_text("{}")
        installed(folder, ["npm", "install", "--no-audit", "--no-fund", *PACKAGES], "VS Code's test client")
    test = shutil.copy(HERE / "testsupport.test.js", folder)
    mocha = [str(folder / "node_modules" / ".bin" / "mocha"), "--reporter", "dot", "--exit", str(test)]
    ended = subprocess.run(mocha, cwd=folder, env=environment, capture_output=True, text=True, check=False)
    assert ended.returncode == 0, ended.stdout + ended.stderr
    assert "9 passing" in ended.stdout


def test_nvim_dap(environment, request, tmp_path):
    if shutil.which("nvim") is None:
        pytest.skip("needs Neovim, which is not here")
    plugin = os.environ.get("TRACEDBG_TEST_NVIM_DAP", "")
    if not plugin:
        folder = request.config.cache.mkdir("nvim-dap")
        plugin = str(folder / "nvim-dap")
        if not os.path.isdir(plugin):
            clone = ["git", "clone", "--quiet", "--depth=1", "--branch", NVIM_DAP_TAG, NVIM_DAP, plugin]
            installed(folder, clone, "nvim-dap")
    command = [
        "nvim",
        "--headless",
        "-u",
        "NONE",
        "-i",
        "NONE",
        "-l" if _has_l() else "-S",
        str(HERE / "nvim_dap.lua"),
    ]
    homes = {f"XDG_{name}_HOME": str(tmp_path / name) for name in ("CONFIG", "DATA", "STATE", "CACHE")}
    ended = subprocess.run(
        command,
        env={**environment, **homes, "TRACEDBG_TEST_NVIM_DAP": plugin},
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert ended.returncode == 0, ended.stdout + ended.stderr
    assert "nvim-dap is content" in ended.stdout + ended.stderr


def _has_l():
    """Whether this Neovim runs a script of Lua by `-l`: 0.9 and later."""
    text = subprocess.run(["nvim", "--help"], capture_output=True, text=True, check=False).stdout
    return "\n  -l <" in text
