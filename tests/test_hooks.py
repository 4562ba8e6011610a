"""Hooks: put in, taken out, and never in the way of the user's program."""

from __future__ import annotations

import types

import pytest

from tracedbg.events import Fault, FrameworkSeen
from tracedbg.hooks import Hooks, Hub


class ListSink:
    def __init__(self):
        self.events = []

    def emit(self, event):
        self.events.append(event)

    def flush(self): ...

    def new_id(self):
        return 1

    def now_ns(self):
        return 5


@pytest.fixture
def hooks():
    hooks = Hooks(ListSink(), "adapter")
    yield hooks
    hooks.remove()


def shouting(original):
    def shout(*args):
        return original(*args).upper()

    return shout


def test_a_patch_is_in_place_until_the_hooks_are_removed(hooks):
    module = types.SimpleNamespace(greet=lambda: "hello")
    original = module.greet
    hooks.patch(module, "greet", shouting)
    assert module.greet() == "HELLO"
    hooks.remove()
    assert module.greet is original


def test_a_patched_method_keeps_its_name_and_its_inheritance(hooks):
    class Base:
        def greet(self):
            return "hello"

    class Child(Base):
        pass

    hooks.patch(Child, "greet", shouting)
    assert Child().greet() == "HELLO"
    assert Child.greet.__qualname__ == Base.greet.__qualname__
    hooks.remove()
    assert "greet" not in vars(Child)


def test_a_patch_over_ours_is_left_alone(hooks):
    module = types.SimpleNamespace(greet=lambda: "hello")
    hooks.patch(module, "greet", shouting)
    theirs = lambda: "theirs"  # noqa: E731
    module.greet = theirs
    hooks.remove()
    assert module.greet is theirs


def test_the_last_hook_in_is_the_first_out(hooks):
    order = []
    hooks.on_remove(lambda: order.append("first"))
    hooks.on_remove(lambda: order.append("second"))
    hooks.remove()
    assert order == ["second", "first"]


def test_a_hook_that_raises_is_reported_once_and_taken_out(hooks):
    calls = []

    def broken(value):
        calls.append(value)
        raise KeyError(value)

    assert hooks.safely("guards", broken, "x", default="plain") == "plain"
    assert hooks.safely("guards", broken, "y", default="plain") == "plain"
    assert calls == ["x"]
    assert hooks.sink.events == [Fault("adapter.guards", "KeyError: 'x'", 5)]


def test_a_guarded_block_swallows_our_faults_and_nothing_else(hooks):
    with hooks.guarded("part"):
        raise ValueError("ours")
    assert hooks.is_broken("part")
    with pytest.raises(KeyboardInterrupt), hooks.guarded("part"):
        raise KeyboardInterrupt


@pytest.mark.parametrize("way", ["safely", "guarded"])
def test_an_interrupt_that_came_before_our_code_is_called_is_not_swallowed(hooks, way):
    """What a function in C does that is called while an exception is set."""

    def called_by_c():
        raise SystemError("returned a result with an exception set") from KeyboardInterrupt()

    def guarded(where, function):
        with hooks.guarded(where):
            function()

    call = {"safely": hooks.safely, "guarded": guarded}[way]
    with pytest.raises(KeyboardInterrupt):
        call("here", called_by_c)
    assert not hooks.is_broken("here")


def test_the_hub_sends_to_everybody_who_listens_and_drops_the_rest():
    hub, first, second = Hub(), ListSink(), ListSink()
    event = FrameworkSeen("torch", "2.13")
    hub.emit(event)
    hub.subscribe(first)
    hub.emit(event)
    hub.subscribe(second)
    hub.emit(event)
    hub.unsubscribe(first)
    hub.emit(event)
    assert (len(first.events), len(second.events)) == (2, 2)
    hub.unsubscribe(second)
    assert hub.is_idle


def test_the_hub_gives_every_trace_a_number_of_its_own():
    hub = Hub()
    assert len({hub.new_id() for _ in range(100)}) == 100
