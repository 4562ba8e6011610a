"""Recordings on disk: `schema` says what they look like, `writer` and `reader` are the only SQL."""

DEFAULT_MAX_MB = 256
"""Bound of one process' recording, where the user names none."""

MAX_RATE_HZ = 1000
"""How often threads may be sampled."""
