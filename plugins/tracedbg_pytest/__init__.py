"""The pytest plugin of tracedbg: budgets on traces, retraces and graph breaks.

Importing it loads nothing else of ours.
"""
