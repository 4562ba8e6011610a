"""Lets the functions of `tf.data` stop: TensorFlow runs them in its own threads, past all that we see."""

from __future__ import annotations

from tracedbg.adapters.tf_function.walk import _compat


def dataset_debug(on: bool = True) -> None:
    """Have the functions of datasets that are made from now on run as Python, element by element.

    It has to be on before a dataset is made, and it changes how it runs: one element after the other, without
    prefetching. So it is never switched on but when the user asks for it.

    Args:
        on: False: as TensorFlow does it by itself.

    Raises:
        ValueError: a graph is being made.
    """
    import tensorflow as tf

    if on:
        tf.data.experimental.enable_debug_mode()
    else:
        _compat.DATASET_DEBUG.get()(False)
