"""Runs small suites of tests with the plugin."""

from __future__ import annotations

import pytest

from pytest_suites import TORCH, run_forked, warm_up


@pytest.fixture
def suite(tmp_path, monkeypatch):
    """`suite(text, *options)` runs a module of tests, whose head is `TORCH` or `TF`."""
    monkeypatch.chdir(tmp_path)

    def run(text, *options, head=TORCH, name="test_it", keeps_environment=False):
        if not keeps_environment:
            monkeypatch.delenv("GITHUB_ACTIONS", raising=False)
        warm_up("torch" if "torch" in head else "tensorflow")
        (tmp_path / f"{name}.py").write_text(head + text)
        plain = ("-p", "tracedbg_pytest.plugin", "-p", "no:cacheprovider", "-p", "no:logging", "-W", "ignore")
        return run_forked([*plain, *options, str(tmp_path)], tmp_path / "output")

    return run
