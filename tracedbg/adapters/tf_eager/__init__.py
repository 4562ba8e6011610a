"""Stops at TensorFlow's eager ops, forward and backward."""

from tracedbg.adapters.tf_eager.walker import TfEagerWalker

__all__ = ["TfEagerWalker"]
