"""How many things of a kind a recording keeps apart."""

MAX_FUNCTIONS = 20_000
"""Function objects; further ones are told by their code, or as others."""
MAX_OPEN = 10_000
"""Traces that were not kept and have not ended: further ones have no duration."""
OTHERS = "(others)"
"""The name of all that there was no room for."""
