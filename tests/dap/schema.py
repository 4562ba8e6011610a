"""Holds messages to the protocol's own schema, by models that were generated from it."""

from __future__ import annotations

try:
    import dap_types
except ImportError:  # a development package: without it the messages go unchecked
    dap_types = None


def problem(message, command=None):
    """What the schema says against a message of ours; None if nothing, or if it knows none of that name."""
    if dap_types is None:
        return None
    name = message.get("event") if message["type"] == "event" else message.get("command")
    kind = message["type"].capitalize()
    if not message.get("success", True):
        name, kind = "error", "Response"
    model = getattr(dap_types, f"{name[:1].upper()}{name[1:]}{kind}", None)
    if model is None:
        return None
    try:
        model.model_validate(message)
    except ValueError as error:
        return f"{message}: {error}"
    return None
