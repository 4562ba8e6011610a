"""Records TensorFlow's eager ops, the waits for their values, and the graphs that tapes record."""

from tracedbg.adapters.tf_ops.recorder import TfOps

__all__ = ["TfOps"]
