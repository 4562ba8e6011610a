"""A live process that somebody else has started: what it is doing, and why it may not be looked into."""

MAX_RATE_HZ = 100
MAX_NATIVE_RATE_HZ = 50
"""Above these py-spy falls behind, and the program is held up for too long."""
