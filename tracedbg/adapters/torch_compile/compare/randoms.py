"""The state of torch's random numbers, on all devices that the program uses."""

from __future__ import annotations

from typing import Any


def state() -> Any:
    """As it is now: for `restore`."""
    import torch

    devices = torch.cuda.get_rng_state_all() if torch.cuda.is_initialized() else None
    return torch.random.get_rng_state(), devices


def restore(before: Any) -> None:
    """Have it as it was."""
    import torch

    host, devices = before
    torch.random.set_rng_state(host)
    if devices is not None:
        torch.cuda.set_rng_state_all(devices)
