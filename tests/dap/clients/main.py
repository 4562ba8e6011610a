"""`tracedbg dap` for a client that can only start a script."""

import sys

from tracedbg.cli.main import main

sys.exit(main(["dap"]))
