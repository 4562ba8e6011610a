"""How ranks differ, in words and as JSON."""
