"""Kernels with their lines in the formats of other tools: a module for each, loaded when it is asked for."""
