"""Advice: for every cause there is a concrete line, in the words of its own framework."""

import pytest

from recordings import Timeline, function
from tracedbg.events import CauseKind, Framework
from tracedbg.explain.advice import advise
from tracedbg.explain.difference import Difference

K = CauseKind
TF, TORCH = Framework.TF_FUNCTION, Framework.TORCH_COMPILE
WITHOUT_ADVICE = {K.FIRST_CALL, K.UNKNOWN}
OF_TORCH_ALONE = {K.LAYOUT, K.BACKEND, K.SYMBOLIC_CONDITION}


def advice(kind, framework, argument="x", before="1", after="2", detail="", options=(), **traceable):
    of = function(framework=framework, **traceable)
    trace = Timeline().trace(of, options=options).started
    return advise(Difference(kind, argument, before, after, detail), trace)


@pytest.mark.parametrize("framework", [TF, TORCH])
@pytest.mark.parametrize("kind", sorted(set(K) - WITHOUT_ADVICE))
def test_every_cause_has_advice_and_none_names_the_other_framework(kind, framework):
    text = advice(kind, framework)
    assert bool(text) == (framework is TORCH or kind not in OF_TORCH_ALONE)
    assert "{" not in text
    assert ("torch." if framework is TF else "tf.") not in text


@pytest.mark.parametrize(
    ("framework", "kind", "more", "text"),
    [
        (
            TF,
            K.SHAPE,
            {"before": "float32[2, 3]", "after": "float32[4, 3]"},
            "@tf.function(reduce_retracing=True), or an input_signature with tf.TensorSpec([None, 3], tf.float32)",
        ),
        (
            TF,
            K.SHAPE,
            {"options": (("reduce_retracing", "True"),)},
            "none needed: reduce_retracing relaxes a dimension once it has changed",
        ),
        (
            TF,
            K.SHAPE,
            {"is_user": False},
            "give it batches of one shape: pad them, or drop the last one that is smaller",
        ),
        (
            TORCH,
            K.SHAPE,
            {"detail": "dim 1"},
            "torch._dynamo.mark_dynamic(x, 1) before the first call, or dynamic=True",
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
            {"detail": "dim 0", "after": "float32[1, 4]"},
            "pad to 2 or more, or call torch._dynamo.decorators.mark_unbacked(x, 0) before",
        ),
        (TF, K.PYTHON_VALUE, {"argument": "n", "detail": "int"}, "pass `n` as a tensor: tf.constant(n)"),
        (TF, K.PYTHON_VALUE, {"detail": "bool"}, "none needed if both are wanted: a bool has two values"),
        (
            TORCH,
            K.ATTRIBUTE_VALUE,
            {"argument": "self.training"},
            "none needed: train and eval mode have a graph each",
        ),
    ],
)
def test_advice_is_about_this_very_cause(framework, kind, more, text):
    assert advice(kind, framework, **more) == text
