"""Kernels to lines of Python: from what a profiler's file tells, and with no framework at hand."""
