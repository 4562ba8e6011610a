"""Python mode: every `tf.function` runs as the Python that it was made from."""

from __future__ import annotations


def python_mode(on: bool) -> None:
    """Have the functions of this process run as Python, or not. Concrete functions are graphs all the same.

    Nothing is traced while it is on, and what has been traced before is used again afterwards.
    """
    import tensorflow as tf

    tf.config.run_functions_eagerly(on)
