"""`%%tracedbg` in IPython and Jupyter: `%load_ext tracedbg` loads it."""
