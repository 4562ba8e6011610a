"""The page of advice is what the rules say; `python tests/explain/test_advice_reference.py` writes it anew.

Each rule that is a class has examples here: the cause that comes up, and when.
"""

from __future__ import annotations

import re
import sys
from pathlib import Path
from typing import NamedTuple

import pytest

sys.path.insert(0, str(Path(__file__).parents[1]))  # where this file is run as a script
from recordings import Timeline, a_list, function, signature, tensor, value
from tracedbg.events import CauseKind, Frame, Framework
from tracedbg.explain.advice import RULES, Say, advise, for_both, for_tensorflow, for_torch
from tracedbg.explain.difference import SPECIALISED, Difference
from tracedbg.explain.situation import Situation

PAGE = Path(__file__).parents[2] / "docs" / "reference" / "advice.md"
TABLES = re.compile(r"<!-- (?P<name>\w+) -->\n\n(?P<table>(?:\|.*\n)*)")
K = CauseKind
TF, TORCH = Framework.TF_FUNCTION, Framework.TORCH_COMPILE
NAMES = {None: "both", TF: "`tf.function`", TORCH: "`torch.compile`", Framework.TORCH_JIT: "TorchScript"}
GROUPS = {
    "settled": for_both.FIRST,
    "tensorflow": for_tensorflow.RULES,
    "torch": for_torch.RULES,
    "any": for_both.LAST,
}
ROWS = signature(x=tensor(None, 3))


class Example(NamedTuple):
    """One cause that a rule is for."""

    when: str
    framework: Framework
    kind: CauseKind
    difference: dict = {}
    options: tuple = ()
    settled: bool = False
    common: object = None
    called: object = None
    is_user: bool = True

    def situation(self) -> Situation:
        """What a rule is asked about."""
        fields = {"argument": "x", "before": "float32[2, 3]", "after": "float32[4, 3]", **self.difference}
        of = function("step", framework=self.framework, is_user=self.is_user)
        trace = Timeline().trace(of, self.called, options=self.options).started
        return Situation(Difference(self.kind, **fields), trace, self.settled, self.common)


COMPILED_BY_XLA = (("jit_compile", "True"),)
STATIC = (("dynamic", "False"),)
EXAMPLES = {
    for_both.Settled: [
        Example("the trace holds for any size", TORCH, K.SHAPE, {"dims": (0,)}, settled=True),
        Example("the same", TF, K.SHAPE, {"dims": (0,)}, settled=True),
        Example(
            "it holds for any number", TORCH, K.PYTHON_VALUE, {"argument": "n", "detail": "int"}, settled=True
        ),
        Example("a bool", TF, K.PYTHON_VALUE, {"argument": "flag", "detail": "bool"}, settled=True),
        Example(
            "`.training`",
            TORCH,
            K.ATTRIBUTE_VALUE,
            {"argument": "self.training", "detail": "bool"},
            settled=True,
        ),
        Example("an optional argument", TF, K.NONE_VS_VALUE, {"argument": "mask"}, settled=True),
        Example("a gradient or none", TORCH, K.REQUIRES_GRAD, settled=True),
        Example(
            "an optimizer's first step",
            *(TORCH, K.STRUCTURE, {"argument": "opt.state", "before": "length 0"}),
            settled=True,
            is_user=False,
        ),
    ],
    for_tensorflow.RelaxShape: [
        Example("always", TF, K.SHAPE, common=ROWS),
        Example("XLA", TF, K.SHAPE, options=COMPILED_BY_XLA),
        Example("a library's function", TF, K.SHAPE, is_user=False),
        Example("the rank", TF, K.RANK),
    ],
    for_tensorflow.OneDtype: [Example("always", TF, K.DTYPE)],
    for_tensorflow.NumberAsTensor: [
        Example("a number", TF, K.PYTHON_VALUE, {"argument": "n", "detail": "int"}),
        Example(
            "where one signature fits all calls",
            *(TF, K.PYTHON_VALUE, {"argument": "n", "detail": "int"}),
            common=signature(x=tensor(2, 3), n=tensor(dtype="int32")),
        ),
    ],
    for_tensorflow.OneTensor: [
        Example(
            "tensors of one shape",
            *(TF, K.STRUCTURE, {"argument": "xs", "detail": "length"}),
            called=signature(xs=a_list(tensor(2), tensor(2))),
        ),
        Example(
            "beside other arguments",
            *(TF, K.STRUCTURE, {"argument": "xs", "detail": "length"}),
            called=signature(xs=a_list(tensor(2), tensor(2)), n=value(1)),
        ),
    ],
    for_tensorflow.OneFunction: [
        Example("always", TF, K.NEW_FUNCTION_OBJECT, {"frame": Frame("train.py", 14)}),
    ],
    for_torch.RelaxShape: [
        Example("always", TORCH, K.SHAPE, {"dims": (0,)}),
        Example("`dynamic=False`", TORCH, K.SHAPE, options=STATIC),
        Example("a parameter", TORCH, K.SHAPE, {"argument": "self.weight", "detail": "parameter"}),
        Example("some marked, some not", TORCH, K.SHAPE, {"detail": "marked"}),
        Example("the sizes 0 and 1", TORCH, K.SHAPE, {"detail": SPECIALISED, "before": "size 2 or more"}),
    ],
    for_torch.NumberOrTensor: [
        Example("a number", TORCH, K.PYTHON_VALUE, {"argument": "n", "detail": "int", "after": "7"}),
        Example("0 or 1", TORCH, K.PYTHON_VALUE, {"argument": "n", "detail": "int", "after": "1"}),
        Example(
            "`dynamic=False`", TORCH, K.PYTHON_VALUE, {"argument": "n", "detail": "int", "after": "7"}, STATIC
        ),
    ],
    for_torch.ModuleNumber: [
        Example("an int", TORCH, K.ATTRIBUTE_VALUE, {"argument": "self.idx", "detail": "int"}),
        Example("a float", TORCH, K.ATTRIBUTE_VALUE, {"argument": "self.scale", "detail": "float"}),
        Example(
            "an optimizer's rate",
            *(TORCH, K.ATTRIBUTE_VALUE, {"argument": 'opt.param_groups[0]["lr"]', "detail": "float"}),
        ),
    ],
    for_torch.OneDtype: [Example("always", TORCH, K.DTYPE)],
}


def examples(rule) -> list[Example]:
    if not isinstance(rule, Say):
        return EXAMPLES[type(rule)]
    fields = {"detail": rule.detail[0]} if rule.detail else {}
    when = " or ".join(rule.detail) if rule.detail else "always"
    return [Example(when, rule.framework or TF, rule.kind, fields)]


def rows(rules) -> str:
    """A table of rules, each with what it says of its examples."""
    lines = ["| cause | framework | when | what is said |", "|---|---|---|---|"]
    for rule in rules:
        for example in examples(rule):
            said = rule(example.situation()).replace("|", "\\|")
            framework = NAMES[rule.framework if isinstance(rule, Say) else example.framework]
            lines.append(
                f"| [{example.kind.value}](causes.md#{example.kind.value}) | {framework} | {example.when} | {said} |"
            )
    return "".join(f"{line}\n" for line in lines)


def test_the_page_has_what_each_rule_says():
    written = {found["name"]: found["table"] for found in TABLES.finditer(PAGE.read_text())}
    assert written == {name: rows(rules) for name, rules in GROUPS.items()}


def test_all_rules_are_on_the_page_in_the_order_in_which_they_are_asked():
    assert [rule for rules in GROUPS.values() for rule in rules] == list(RULES)


@pytest.mark.parametrize(
    "rule", [rule for rule in RULES if not isinstance(rule, Say)], ids=lambda one: type(one).__name__
)
def test_an_example_comes_to_the_rule_that_it_is_for(rule):
    for example in examples(rule):
        assert rule(example.situation())
        assert advise(example.situation(), RULES) == rule(example.situation())


if __name__ == "__main__":
    PAGE.write_text(
        TABLES.sub(
            lambda found: f"<!-- {found['name']} -->\n\n{rows(GROUPS[found['name']])}", PAGE.read_text()
        )
    )
