"""The terminal user interface: a client of the Debug Adapter Protocol and a reader of recordings.

It must not import the engine, an adapter or a framework.
"""
