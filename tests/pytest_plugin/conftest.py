"""Runs small suites of tests with the plugin."""

from __future__ import annotations

import pytest

from pytest_suites import TORCH, run_forked

OTHERS = ("randomly", "asyncio", "rerunfailures")
"""Plugins that are there for some tests only: `suite(..., "with:randomly")`."""


@pytest.fixture
def suite(tmp_path, monkeypatch):
    """`suite(text, *options)` runs a module of tests, whose head is `TORCH` or `TF`."""
    monkeypatch.chdir(tmp_path)

    def run(text, *options, head=TORCH, name="test_it", keeps_environment=False):
        if not keeps_environment:
            monkeypatch.delenv("GITHUB_ACTIONS", raising=False)
        (tmp_path / f"{name}.py").write_text(head + text)
        others = [f"no:{name}" for name in OTHERS if f"with:{name}" not in options]
        plain = [word for name in ("no:cacheprovider", "no:logging", *others) for word in ("-p", name)]
        options = [one for one in options if not one.startswith("with:")]
        framework = "torch" if "torch" in head + text else "tensorflow"
        return run_forked(framework, [*plain, "-W", "ignore", *options, str(tmp_path)], tmp_path / "output")

    return run
