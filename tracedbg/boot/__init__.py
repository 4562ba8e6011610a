"""Starts tracedbg inside the user's process, and tells it what the program imports."""
