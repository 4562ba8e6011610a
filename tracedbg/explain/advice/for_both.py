"""Advice that is the same whatever the framework, and what is said where nothing is to be done."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tracedbg.events import CauseKind, Framework
from tracedbg.explain.advice.rule import Rule, Say
from tracedbg.explain.settled import has_two_states, is_made_once

if TYPE_CHECKING:
    from tracedbg.explain.situation import Situation

K = CauseKind
_NONE = "none needed: "
_STATES = {
    K.NONE_VS_VALUE: "`{name}` is optional, and both ways have their trace now",
    K.REQUIRES_GRAD: "`{name}` with and without a gradient have their trace now; passing it always the same"
    " way spares this one",
    K.GLOBAL_STATE: "`{name}` on and off have their trace now; calling under one of both spares this one",
}


class Settled:
    """A cause that has come to its end by itself."""

    kinds = tuple(K)

    def __call__(self, situation: Situation) -> str:
        """See `Rule`."""
        if not situation.settled:
            return ""
        difference = situation.difference
        if is_made_once(difference, situation.trace):
            return f"{_NONE}an optimizer makes its state once, in its first step"
        if not has_two_states(difference):
            return _NONE + _general(situation)
        if situation.argument.endswith(".training"):
            return f"{_NONE}train and eval mode have their trace now"
        return _NONE + _STATES.get(situation.kind, "both values of `{name}` have their trace now").format(
            name=situation.argument
        )


def _general(situation: Situation) -> str:
    """What the last trace holds for, and what spares the one before it."""
    difference, name = situation.difference, situation.argument
    if situation.kind is not K.SHAPE:
        spared = "lr=torch.tensor(...)" if name.endswith('["lr"]') else "dynamic=True"
        return f"the last trace holds for any value of `{name}`; {spared} spares this one"
    sizes = f"any size of `{name}` in dimension {', '.join(map(str, difference.dims))}"
    if situation.framework is not Framework.TORCH_COMPILE:
        return f"the last trace holds for {sizes}, as reduce_retracing asks for"
    mark = mark_dynamic(name, difference.dims)
    return f"the last trace holds for {sizes}; {mark} before the first call spares this one"


def mark_dynamic(name: str, dims: tuple[int, ...]) -> str:
    """The call of torch's that makes dimensions of a tensor dynamic."""
    which = str(dims[0]) if len(dims) == 1 else str(list(dims or (0,)))
    return f"torch._dynamo.mark_dynamic({name}, {which})"


FIRST: tuple[Rule, ...] = (Settled(),)

LAST: tuple[Rule, ...] = (
    Say(K.DEVICE, "move `{name}` to one device before the call"),
    Say(K.REQUIRES_GRAD, "pass `{name}` always tracked by autograd, or never"),
    Say(K.PYTHON_VALUE, "keep the number of values of `{name}` small: each has a trace"),
    Say(K.PYTHON_TYPE, "always pass `{name}` as the same type"),
    Say(K.NONE_VS_VALUE, "always pass `{name}`, or never: with and without it are two traces"),
    Say(K.IDENTITY, "make `{name}` once, before the first call, and pass the same object"),
    Say(K.STRUCTURE, "keep the length of `{name}` fixed: pad it", None, ("length",)),
    Say(K.STRUCTURE, "always pass `{name}` with the same structure"),
    Say(K.ARGUMENT_COUNT, "always pass `{name}`, or never: which arguments are passed is part of the key"),
    Say(K.ALIASING, "pass an object twice always, or never: a copy is another object"),
    Say(K.ATTRIBUTE_VALUE, "keep `{name}` constant, or in a tensor"),
    Say(K.GLOBAL_VALUE, "set the global `{name}` once, or pass it as a tensor argument"),
    Say(K.GLOBAL_STATE, "set `{name}` once, before the first call"),
)
