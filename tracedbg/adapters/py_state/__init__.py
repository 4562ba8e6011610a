"""The Python state that a traced function reads and writes outside of itself: which, where, and its value.

Shared by the adapters; it must know no framework, and runs no code of the user's.
"""
