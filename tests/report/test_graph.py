"""A graph for people, for Graphviz and for programs."""

from __future__ import annotations

import shutil
import stat
import xml.etree.ElementTree as ET
from textwrap import dedent

import pytest

from recordings import function
from tracedbg.errors import UsageError
from tracedbg.events import OpSite
from tracedbg.explain.graphs import Graph
from tracedbg.report import graph_dot
from tracedbg.report.graph import to_json, to_text
from tracedbg.report.graph_dot import draw, to_dot
from tracedbg.report.style import ASCII, Style

needs_dot = pytest.mark.skipif(shutil.which("dot") is None, reason="Graphviz is not installed")
HOSTILE = OpSite(
    'q"\\&amp;<b>\x1b[31m\n',
    "aten::\x07\u2028" + "x" * 300,
    ("größe_数",),
    'f"32\\',
    '/tmp/\x1b/odd"\\.py',
    3,
)


def graph(sites, name="step", stage="dynamo", file="/home/me/train.py", **more):
    of = function(name, 10, file=file)
    return Graph(of, stage, 2, "0/1", len(sites), lambda: sites, **more)


@pytest.fixture
def sites(tmp_path):
    (tmp_path / "train.py").write_text(
        "def step(x):\n    while x < 3:\n        x = x.sin()\n    return f(x)\n"
    )
    (tmp_path / "model.py").write_text("def f(x):\n    return x * 2\n")
    train, model = str(tmp_path / "train.py"), str(tmp_path / "model.py")
    return (
        OpSite("x", "placeholder", (), "float32[2]"),
        OpSite("while", "while_loop", ("x",), "float32[2]", train, 2),
        OpSite("while/cond/lt", "aten.lt", ("while/cond/x",), "bool[]", train, 2, "while/cond"),
        OpSite("while/body/sin", "aten.sin", ("while/body/x",), "float32[2]", train, 3, "while/body"),
        OpSite("while/body/mul", "aten.mul", ("while/body/sin",), "float32[2]", model, 2, "while/body"),
        OpSite("while/body/out", "output", ("while/body/mul",), "", "", 0, "while/body"),
        OpSite("mul", "aten.mul", ("while",), "float32[2]", model, 2),
        OpSite("add", "aten.add", ("mul", "x"), "float32[2]", train, 4),
    )


def test_lines_stand_with_their_ops_and_bodies_below_their_op(tmp_path, sites):
    one = graph(sites)
    others = [one, graph((), stage="aot_backward")]
    text = to_text(one, sites, others, Style(folder=str(tmp_path)), 20)
    assert text == dedent(
        """\
        dynamo graph of step, trace 2 of 2 (0/1): 8 ops
        /home/me/train.py:10
        what torch.compile has traced
        other stages: aot_backward

        train.py
            2  while x < 3:
                 while: float32[2] = while_loop(x)
                   cond:
                       2  while x < 3:
                            lt: bool[] = aten.lt(x)
                   body:
                       3  x = x.sin()
                            sin: float32[2] = aten.sin(x)
                     model.py
                       2  return x * 2
                            mul: float32[2] = aten.mul(sin)
                       out = output(mul)
            4  return f(x)
                 add: float32[2] = aten.add(mul, x)

        model.py
            2  return x * 2
                 mul: float32[2] = aten.mul(while)

        of no line that is known
            x: float32[2] = placeholder()
        """
    )


def test_a_part_of_a_graph_says_which_it_is():
    parts = [graph((), stage="aot_forward", part=part) for part in (1, 2)]
    assert to_text(parts[0], (), parts, Style(width=120), 20).splitlines()[0] == (
        "aot_forward graph of step, trace 2 of 2, part 1 of 2 (as step#2.2 names the last) (0/1): no ops"
    )


def test_where_the_function_goes_on_after_a_graph_break_is_told():
    one, rest = graph(()), graph((), name="torch_dynamo_resume_in_step_at_12")
    assert to_text(one, (), [one, rest], Style(), 20).splitlines()[3] == (
        "it goes on after a graph break in torch_dynamo_resume_in_step_at_12"
    )


def test_the_ops_of_an_unrolled_loop_are_cut_and_counted(tmp_path):
    sites = tuple(OpSite(f"m{at}", f"aten.op{at % 6}", (), "", "a.py", 2) for at in range(50))
    one = graph(sites)
    lines = to_text(one, sites, [one], Style(), 2).splitlines()
    assert lines[-3:] == [
        "         m0 = aten.op0()",
        "         m1 = aten.op1()",
        "         and 48 more (--top): 8 aten.op2, 8 aten.op3, 8 aten.op4, 8 aten.op5, …",
    ]


def test_of_long_names_the_end_is_shown():
    name = "gradient_tape/while/gradients/while/cond_grad/StatelessIf/TensorListPopBack"
    sites = (OpSite(name, "Identity", (f"{name}:0",), "", "a.py", 2),)
    assert to_text(graph(sites), sites, [graph(sites)], Style(width=120), 20).splitlines()[-1] == (
        "         …/StatelessIf/TensorListPopBack = Identity(…/StatelessIf/TensorListPopBack:0)"
    )


def test_a_step_of_eager_code_is_a_graph_and_not_a_trace():
    one = Graph(function("train", 60), "autograd", 1, "step 3", 1, tuple, left_out=4)
    assert to_text(one, (), [one], Style(width=120), 20).splitlines()[0] == (
        "autograd graph of train, graph 1 of 1 (step 3): no ops, 4 more were left out"
    )


@pytest.mark.parametrize("width", [72, 80, 120])
@pytest.mark.parametrize("style", [Style(), Style(glyphs=ASCII)])
def test_hostile_and_long_names_stay_in_their_line(width, style):
    nested, inside = [HOSTILE], HOSTILE.name
    for _ in range(12):
        inside += "/body"
        nested.append(OpSite(f"{inside}/op", "If", (inside,), "", "/tmp/b.py", 5, inside))
        inside = f"{inside}/op"
    one = graph(tuple(nested), name="f\x1b[2J" * 30, file="/tmp/" + "long/" * 40 + "\x1b.py")
    style = Style(width=width, glyphs=style.glyphs)
    text = to_text(one, nested, [one], style, 20)
    assert max(map(len, text.splitlines())) <= width
    assert not set(text) & {chr(n) for n in range(32) if chr(n) != "\n"}


def test_colour_changes_nothing_but_colour(sites):
    import re

    one = graph(sites)
    coloured = to_text(one, sites, [one], Style(color=True), 20)
    assert re.sub(r"\x1b\[[\d;]*m", "", coloured) == to_text(one, sites, [one], Style(), 20) != coloured


def test_as_data_it_has_every_op(sites):
    data = to_json(graph(sites), sites)
    assert {
        key: data[key] for key in ("schema", "framework", "function", "file", "line", "stage", "trace")
    } == {
        "schema": 1,
        "framework": "tf.function",
        "function": "step",
        "file": "/home/me/train.py",
        "line": 10,
        "stage": "dynamo",
        "trace": 2,
    }
    assert [(op["name"], op["inside"]) for op in data["ops"]] == [(site.name, site.inside) for site in sites]


# --- Graphviz ---------------------------------------------------------------------------------


def test_the_text_for_graphviz_has_a_node_for_each_op_and_an_edge_for_each_input(tmp_path, sites):
    text = to_dot(graph(sites), sites, Style(folder=str(tmp_path)))
    assert sum(" [label=" in line for line in text.splitlines()) == len(sites)
    assert [line.strip() for line in text.splitlines() if "->" in line] == [
        "op0 -> op1;",
        "op1 -> op2 [style=dotted, arrowhead=none];",
        "op1 -> op3 [style=dotted, arrowhead=none];",
        "op3 -> op4;",
        "op4 -> op5;",
        "op1 -> op6;",
        "op6 -> op7;",
        "op0 -> op7;",
    ]
    assert 'label="train.py:4\\lreturn f(x)\\l"' in text


def test_the_second_output_of_an_op_is_its_output():
    sites = (OpSite("split", "Split"), OpSite("add", "Add", ("split:1", "split:0", "gone:0")))
    edges = [line.strip() for line in to_dot(graph(sites), sites, Style()).splitlines() if "->" in line]
    assert edges == ["op0 -> op1;"]


def test_a_large_graph_has_a_node_for_each_line(monkeypatch):
    sites = tuple(
        OpSite(f"n{at}", "aten.add", (f"n{at - 1}",) if at else (), "", "a.py", 1 + at // 300)
        for at in range(900)
    )
    text = to_dot(graph(sites), sites, Style())
    assert "900 ops: one node for each line of source" in text
    assert [line.strip() for line in text.splitlines() if "->" in line] == [
        "line0 -> line1;",
        "line1 -> line2;",
    ]
    monkeypatch.setattr(graph_dot, "MAX_NODES", 2)
    text = to_dot(graph(sites), sites, Style())
    assert "of 3 lines the 2 with the most ops" in text
    assert sum(" [label=" in line for line in text.splitlines()) == 2


@needs_dot
def test_graphviz_draws_it(sites):
    picture = ET.fromstring(draw(to_dot(graph(sites), sites, Style())))
    texts = {text.text for text in picture.iter("{http://www.w3.org/2000/svg}text")}
    assert {"while_loop", "aten.sin", "return f(x)"} <= texts


@needs_dot
def test_graphviz_draws_hostile_names_as_they_are():
    sites = (HOSTILE,)
    picture = ET.fromstring(draw(to_dot(graph(sites, name='f"\\&lt;'), sites, Style())))
    texts = [text.text for text in picture.iter("{http://www.w3.org/2000/svg}text")]
    assert 'dynamo graph of f"\\&lt;' in texts
    assert 'f"32\\' in texts


def test_without_graphviz_the_way_out_is_told(monkeypatch):
    monkeypatch.setenv("PATH", "/nowhere")
    with pytest.raises(UsageError) as caught:
        draw("digraph {}")
    assert str(caught.value) == (
        "drawing a graph needs Graphviz, whose dot is not on the PATH: apt-get install graphviz; or write it"
        " with --format dot, and draw it on another machine"
    )


@pytest.mark.parametrize(
    ("script", "told"),
    [
        ('echo "bad\x1b thing" >&2; exit 1', "{dot} could not draw the graph: bad\\x1b thing"),
        ("exit 3", "{dot} could not draw the graph: exit code 3"),
        (
            "exec sleep 30",
            "{dot} has not drawn the graph in 0.1 s; write it with --format dot, and try another"
            " program of Graphviz, such as sfdp",
        ),
    ],
)
def test_what_goes_wrong_in_graphviz_is_one_line(tmp_path, monkeypatch, script, told):
    dot = tmp_path / "dot"
    dot.write_text(f"#!/bin/sh\n{script}\n")
    dot.chmod(dot.stat().st_mode | stat.S_IXUSR)
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    monkeypatch.setattr(graph_dot, "_TIMEOUT_S", 0.1 if "sleep" in script else 60)
    with pytest.raises(UsageError) as caught:
        draw("digraph {}")
    assert str(caught.value) == told.format(dot=dot)
