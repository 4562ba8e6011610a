"""A service that counts its traces: scalars for TensorBoard, and metrics for OpenTelemetry."""

import tempfile

import torch
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import InMemoryMetricReader

import tracedbg
from tracedbg_metrics.opentelemetry import Metrics
from tracedbg_metrics.tensorboard import Scalars


@torch.compile(backend="eager", dynamic=False)
def score(tokens):
    return tokens.float().mean()


reader = InMemoryMetricReader()  # yours would export to a collector
provider = MeterProvider([reader])

with (
    tempfile.TemporaryDirectory() as folder,
    tracedbg.count() as counts,
    Metrics(counts, meter_provider=provider),
    Scalars(folder, counts, every_s=30),
):
    for length in (8, 8, 16, 8, 32):
        score(torch.arange(length))  # @call
    for metric in reader.get_metrics_data().resource_metrics[0].scope_metrics[0].metrics:
        for point in metric.data.data_points:
            if metric.name == "tracedbg.retraces":
                cause, function = point.attributes["tracedbg.cause"], point.attributes["code.function.name"]
                print(metric.name, point.value, function, cause)
provider.shutdown()
