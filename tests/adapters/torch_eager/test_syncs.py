"""Where the program waits for a value of the device."""

from __future__ import annotations

import pytest

from debugging_script import Script

pytestmark = pytest.mark.torch

WAITS = {
    "item() waits for a float32 of cpu": lambda t: t.sum().item(),
    "float() waits for a float32 of cpu": lambda t: float(t[0]),
    "tolist() waits for a float32 of cpu": lambda t: t.tolist(),
    "numpy() waits for a float32 of cpu": lambda t: t.numpy(),
    "cpu() waits for a float32 of cpu": lambda t: t.cpu(),
    "nonzero() waits for a float32 of cpu": lambda t: t.nonzero(),
    "a boolean mask waits for a float32 of cpu": lambda t: t[t > 0],
    "equal() waits for a float32 of cpu": lambda t: t.equal(t),
    "unique() waits for a float32 of cpu": lambda t: t.unique(),
    "masked_select() waits for a float32 of cpu": lambda t: t.masked_select(t > 0),
}


@pytest.mark.parametrize("text", WAITS)
def test_a_wait_is_told_at_its_line(debug, text):
    import torch

    script = Script(look=lambda stop: (stop.filter, stop.text, stop.view.frames()[0].function))
    debug(script, "host_sync")
    WAITS[text](torch.ones(3))
    filters, texts, functions = zip(*script.seen, strict=True)
    assert set(filters) == {"host_sync"}
    assert text in texts or text.replace("float()", "item()") in texts
    assert set(functions) == {"<lambda>"}


def test_ops_that_do_not_wait_are_not_told(debug):
    import torch

    script = Script()
    debug(script, "host_sync")
    x = torch.ones(3, requires_grad=True)
    (x * 2).relu().sum().backward()
    torch.where(x > 0, x, 0)
    x[0], x[1:], x.detach().clone()
    assert script.stops == []


def test_looking_at_a_stop_is_no_wait(debug):
    import torch

    script = Script(look=lambda stop: torch.ones(2).tolist())
    debug(script, "host_sync")
    torch.ones(3).sum().item()
    assert len(script.seen) == 1
