"""Advice: for every cause there is a concrete line, in the words of its own framework.

That the lines are true is shown by `twins`.
"""

import re
from pathlib import Path

import pytest

from recordings import Timeline, a_dict, a_list, function, signature, tensor, value
from tracedbg import plugins
from tracedbg.events import CauseKind, Frame, Framework
from tracedbg.explain import advice as rules
from tracedbg.explain import causes_page
from tracedbg.explain.advice import RULES, advise, docs
from tracedbg.explain.causes import Explainer
from tracedbg.explain.difference import SPECIALISED, Difference
from tracedbg.explain.situation import Situation

K = CauseKind
TF, TORCH = Framework.TF_FUNCTION, Framework.TORCH_COMPILE
WITHOUT_ADVICE = {K.FIRST_CALL, K.UNKNOWN}
OF_TORCH_ALONE = {K.LAYOUT, K.BACKEND, K.SYMBOLIC_CONDITION}
OF_TF_ALONE = {K.CONTEXT}


def advice(kind, framework, options=(), settled=False, traceable=None, **difference):
    fields = {"argument": "x", "before": "1", "after": "2", **difference}
    of = function(framework=framework, **(traceable or {}))
    trace = Timeline().trace(of, options=options).started
    return advise(Situation(Difference(kind, **fields), trace, settled), RULES)


def advice_of_calls(*signatures, options=()):
    """For the last of several calls of a tf.function."""
    timeline, explainer = Timeline(), Explainer()
    for called in signatures:
        causes = explainer.next(timeline.trace(function(), called, options=options))
    return causes[0].advice


@pytest.mark.parametrize("framework", [TF, TORCH])
@pytest.mark.parametrize("kind", sorted(set(K) - WITHOUT_ADVICE))
def test_every_cause_has_advice_and_none_names_the_other_framework(kind, framework):
    text = advice(kind, framework)
    others = OF_TORCH_ALONE if framework is TF else OF_TF_ALONE
    assert bool(text) == (kind not in others)
    assert "{" not in text
    assert ("torch." if framework is TF else "tf.") not in text


@pytest.mark.parametrize(
    ("framework", "kind", "more", "text"),
    [
        (
            TF,
            K.SHAPE,
            {"traceable": {"is_user": False}},
            "give it batches of one shape: pad them, or drop a last one that is smaller",
        ),
        (
            TF,
            K.SHAPE,
            {"options": (("jit_compile", "True"),)},
            "@tf.function(jit_compile=True, reduce_retracing=True); XLA compiles for each shape all the same:"
            " pad to a few",
        ),
        (
            TF,
            K.SHAPE,
            {"settled": True, "dims": (0,)},
            "none needed: the last trace holds for any size of `x` in dimension 0, as reduce_retracing asks for",
        ),
        (
            TF,
            K.NEW_FUNCTION_OBJECT,
            {"frame": Frame("train.py", 14)},
            "make a tf.function of `step` once, outside of what runs line 14 again, and call that one",
        ),
        (TF, K.PYTHON_VALUE, {"detail": "int"}, "pass `x` as a tensor: tf.constant(x)"),
        (TF, K.PYTHON_VALUE, {"detail": "str"}, "keep the number of values of `x` small: each has a trace"),
        (
            TF,
            K.PYTHON_VALUE,
            {"detail": "bool", "settled": True},
            "none needed: both values of `x` have their trace now",
        ),
        (
            TORCH,
            K.SHAPE,
            {"dims": (1,)},
            "call torch._dynamo.mark_dynamic(x, 1) before the first call, or torch.compile(..., dynamic=True)",
        ),
        (
            TORCH,
            K.SHAPE,
            {"dims": (0, 2), "settled": True},
            "none needed: the last trace holds for any size of `x` in dimension 0, 2;"
            " torch._dynamo.mark_dynamic(x, [0, 2]) before the first call spares this one",
        ),
        (
            TORCH,
            K.SHAPE,
            {"options": (("dynamic", "False"),)},
            "leave out dynamic=False: it asks for a graph per shape",
        ),
        (
            TORCH,
            K.SHAPE,
            {"detail": SPECIALISED, "dims": (1,), "before": "size 2 or more"},
            "pad to 2 or more, or drop a batch that is smaller, or call"
            " torch._dynamo.decorators.mark_unbacked(x, 1) before each call",
        ),
        (
            TORCH,
            K.ATTRIBUTE_VALUE,
            {"argument": "self.training", "detail": "bool", "settled": True},
            "none needed: train and eval mode have their trace now",
        ),
        (
            TORCH,
            K.ATTRIBUTE_VALUE,
            {"argument": "self.idx", "detail": "int"},
            "keep `self.idx` in a tensor: self.idx = torch.tensor(self.idx), or set"
            " torch._dynamo.config.allow_unspec_int_on_nn_module = True",
        ),
        (
            TORCH,
            K.PYTHON_VALUE,
            {"detail": "int", "settled": True},
            "none needed: the last trace holds for any value of `x`; dynamic=True spares this one",
        ),
        (
            TORCH,
            K.STRUCTURE,
            {"argument": "opt.state", "before": "length 0", "settled": True, "traceable": {"is_user": False}},
            "none needed: an optimizer makes its state once, in its first step",
        ),
    ],
)
def test_advice_is_about_this_very_cause(framework, kind, more, text):
    assert advice(kind, framework, **more) == text


@pytest.mark.parametrize(
    ("calls", "text"),
    [
        (
            [signature(x=tensor(2, 3), y=tensor(7)), signature(x=tensor(4, 3), y=tensor(7))],
            "@tf.function(reduce_retracing=True), or @tf.function("
            "input_signature=[tf.TensorSpec([None, 3], tf.float32), tf.TensorSpec([7], tf.float32)])",
        ),
        (
            [signature(x=tensor(2, 3)), signature(x=tensor(4, 3)), signature(x=tensor(4, 5))],
            "@tf.function(reduce_retracing=True), or"
            " @tf.function(input_signature=[tf.TensorSpec([None, None], tf.float32)])",
        ),
        (
            [signature(batch=a_dict(x=tensor(n), y=tensor(dtype="int64"))) for n in (2, 3)],
            "@tf.function(reduce_retracing=True), or @tf.function("
            "input_signature=[{'x': tf.TensorSpec([None], tf.float32), 'y': tf.TensorSpec([], tf.int64)}])",
        ),
        (
            [signature(x=tensor(n), training=value(True)) for n in (2, 3)],
            "@tf.function(reduce_retracing=True)",
        ),
        (
            [signature(x=tensor(2)), signature(x=tensor(2, 3))],
            "bring `x` to one rank before the call: tf.reshape, or @tf.function(reduce_retracing=True), or"
            " @tf.function(input_signature=[tf.TensorSpec(None, tf.float32)])",
        ),
        (
            [signature(x=tensor(3), lr=value(rate)) for rate in (0.1, 0.2)],
            "pass `lr` as a tensor: tf.constant(lr), or have it made one: @tf.function("
            "input_signature=[tf.TensorSpec([3], tf.float32), tf.TensorSpec([], tf.float32)])",
        ),
        (
            [signature(xs=a_list(*[tensor(2)] * n)) for n in (1, 2)],
            "pass one tensor, tf.stack(xs), with"
            " @tf.function(input_signature=[tf.TensorSpec([None, 2], tf.float32)])",
        ),
        (
            [signature(xs=a_list(*[tensor(2)] * n), y=tensor(2)) for n in (1, 2)],
            "pass one tensor, tf.stack(xs), with @tf.function(reduce_retracing=True)",
        ),
        (
            [signature(xs=a_list(*map(value, range(n)))) for n in (1, 2)],
            "keep the length of `xs` fixed: pad it",
        ),
        (
            [signature(a=tensor(dtype=dtype)) for dtype in ("int32", "float32")],
            "cast `a` to one dtype before the call: tf.cast(a, tf.float32)",
        ),
    ],
)
def test_an_input_signature_is_complete_or_not_there(calls, text):
    assert advice_of_calls(*calls) == text


def test_what_the_user_asked_for_stays_in_the_decorator():
    calls = [signature(x=tensor(n)) for n in (2, 3)]
    text = advice_of_calls(*calls, options=(("autograph", "False"), ("jit_compile", "None")))
    assert text.startswith("@tf.function(autograph=False, reduce_retracing=True), or")


def test_a_rule_of_another_package_is_asked_first(tmp_path, monkeypatch):
    (tmp_path / "house_rules.py").write_text(
        "from tracedbg.events import CauseKind\n"
        "class Ask:\n"
        "    kinds = (CauseKind.SHAPE, CauseKind.RANK)\n"
        "    def __call__(self, situation):\n"
        "        if situation.kind is CauseKind.RANK:\n"
        "            raise KeyError('no house')\n"
        "        return f'ask Ada about {situation.argument}'\n"
    )
    info = tmp_path / "house_rules-1.0.dist-info"
    info.mkdir()
    (info / "entry_points.txt").write_text(f"[{plugins.ADVICE_GROUP}]\nask = house_rules:Ask\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    rules._installed.cache_clear()
    try:
        said = [advise(situation(kind)) for kind in (K.SHAPE, K.DTYPE, K.RANK, K.SHAPE)]
    finally:
        rules._installed.cache_clear()
    ours = [advise(situation(kind), RULES) for kind in (K.DTYPE, K.RANK, K.SHAPE)]
    assert said == ["ask Ada about x", *ours], "one that raised is left out from then on"


def situation(kind):
    trace = Timeline().trace(function(framework=TORCH)).started
    return Situation(Difference(kind, "x", "float32[2]", "float32[3]"), trace)


def test_each_kind_has_its_place_in_the_documentation():
    assert docs(K.SHAPE) == "docs/reference/causes.md#shape"


def test_each_kind_has_a_section_in_the_documentation_and_no_other_has():
    page = (Path(causes_page.__file__).parent / "causes.md").read_text(encoding="utf-8")
    assert re.findall(r"^## (.+)$", page, re.MULTILINE) == [kind.value for kind in K]
    assert list(causes_page.sections()) == list(K)
    assert all(causes_page.sections().values())
