"""The Debug Adapter Protocol: a server in the debugged process, and a client.

The server is the engine's `Frontend` for editors, the user interface and tests: what one of them sees, all
see. `serve` starts it, `client` talks to it; `wire` and `arguments` are shared by both ends.
"""
