"""Callbacks for training loops: retraces and compile time as the training goes on.

A module for each framework, which imports it: `tracedbg_callbacks.keras`, `.lightning` and `.transformers`,
each with a `TraceCallback`.
"""
