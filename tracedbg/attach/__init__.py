"""A live process that somebody else has started: what it is doing, and why it may not be looked into."""
