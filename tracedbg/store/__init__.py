"""Recordings on disk: `schema` says what they look like, `writer` and `reader` are the only SQL."""
