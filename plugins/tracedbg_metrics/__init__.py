"""What `tracedbg.count()` counts, for those who watch programs in production.

`tracedbg_metrics.tensorboard` writes scalars, `tracedbg_metrics.opentelemetry` gives metrics.
"""
