"""Kernel sources: what reads the files of profilers. Each is loaded by name when a file needs it."""
