"""Metrics of OpenTelemetry, collected by its own SDK."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

import tracedbg
from traced import traced
from tracedbg import session
from tracedbg.errors import MissingExtraError

sdk = pytest.importorskip("opentelemetry.sdk.metrics")
EXAMPLE = Path(__file__).parents[2] / "docs" / "examples" / "metrics_in_production.py"
STEP = {
    "tracedbg.framework": "torch.compile",
    "code.function.name": "step",
    "code.file.path": "train.py",
    "code.line.number": 5,
}


@pytest.fixture
def collected():
    """Metrics that were begun, and what the SDK has collected of them: name -> [(attributes, value), ...]."""
    from opentelemetry.sdk.metrics.export import InMemoryMetricReader

    from tracedbg_metrics.opentelemetry import Metrics

    reader = InMemoryMetricReader()
    provider = sdk.MeterProvider([reader])

    def collect():
        data = reader.get_metrics_data()
        found = {}
        for metric in data.resource_metrics[0].scope_metrics[0].metrics if data else ():
            assert metric.data.is_monotonic
            found[metric.name] = [(dict(point.attributes), point.value) for point in metric.data.data_points]
            collect.units[metric.name] = metric.unit
        return found

    collect.units = {}
    with Metrics(meter_provider=provider) as metrics:
        yield metrics, collect
    provider.shutdown()


def test_counters_are_told_by_function_and_cause(collected):
    _, collect = collected
    for size in (2, 3, 4):
        traced(size)
    assert collect() == {
        "tracedbg.traces": [(STEP, 3)],
        "tracedbg.retraces": [({**STEP, "tracedbg.cause": "shape"}, 2)],
        "tracedbg.compile.duration": [(STEP, 3.0)],
    }
    assert collect.units["tracedbg.compile.duration"] == "s"
    traced(5)
    assert collect()["tracedbg.retraces"] == [({**STEP, "tracedbg.cause": "shape"}, 3)]


def test_what_failed_is_told_where_there_is_any(collected):
    _, collect = collected
    traced(2, outcome="failed")
    found = collect()
    assert found["tracedbg.traces.failed"] == [(STEP, 1)]
    assert "tracedbg.limit_hits" not in found


def test_the_number_of_combinations_is_bounded(collected):
    metrics, collect = collected
    metrics._counts._max_functions = 3
    for number in range(50):
        traced(2, name=f"f{number}", line=number)
    values = collect()["tracedbg.traces"]
    assert [value for _, value in values] == [1, 1, 1, 47]
    assert values[-1][0] == {
        "tracedbg.framework": "torch.compile",
        "code.function.name": "(other functions)",
    }


def test_no_value_of_the_program_is_told(collected):
    _, collect = collected
    traced(2)
    traced(123456789)
    assert "123456789" not in str(collect())


def test_what_is_closed_tells_nothing_more_and_leaves_nothing_behind(collected):
    metrics, collect = collected
    traced(2)
    metrics.close()
    assert collect() == {}
    assert session._observers._observers == []


def test_counts_of_the_programs_go_on(collected):
    from tracedbg_metrics.opentelemetry import Metrics

    with tracedbg.count() as counts:
        with Metrics(counts):
            pass
        traced(2)
        assert counts.totals().traces == 1


def test_an_api_that_is_not_there_is_told_with_the_line_that_installs_it(monkeypatch):
    monkeypatch.setitem(sys.modules, "opentelemetry.metrics", None)
    monkeypatch.delitem(sys.modules, "tracedbg_metrics.opentelemetry", raising=False)
    with pytest.raises(MissingExtraError) as raised:
        __import__("tracedbg_metrics.opentelemetry")
    assert str(raised.value) == (
        "tracedbg_metrics.opentelemetry needs packages that are not installed:"
        " python -m pip install 'tracedbg[otel]'"
    )


@pytest.mark.torch
def test_the_example_counts_what_it_compiles(tmp_path):
    done = subprocess.run(
        [sys.executable, str(EXAMPLE)], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert done.stdout == "tracedbg.retraces 2 score shape\n", done.stderr
