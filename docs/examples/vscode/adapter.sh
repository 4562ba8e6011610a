#!/bin/sh
# The adapter of the Python that VS Code's terminals use, or the first one on PATH.
exec "${TRACEDBG:-tracedbg}" dap
