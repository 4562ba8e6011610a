"""`python -m tracedbg`: the same as the `tracedbg` command."""

from tracedbg.cli.main import main

if __name__ == "__main__":
    raise SystemExit(main())
