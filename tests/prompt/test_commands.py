"""Every command of the prompt on a made-up program, in full text."""

from __future__ import annotations

import io
import threading

import pytest

from prompt.made_up import Frame, Numbers, NumbersTensors, Op, Point, Walk
from tracedbg.engine import FILTERS, Breakpoint, Engine, Go, Stop
from tracedbg.events import OpSite
from tracedbg.prompt import Prompt

SOURCE = '''\
def inner(x, n=1, *rest, key=None, **more):
    """Says nothing."""
    y = x * 2
    return y


def outer():
    return inner(3)


outer()
'''
ENGINE_WORDS = f"FILE:LINE, op:PATTERN, or one of {', '.join(FILTERS)}"


@pytest.fixture
def folder(tmp_path, monkeypatch):
    (tmp_path / "model.py").write_text(SOURCE)
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def program(folder):
    """A walk that is in the third of five ops, called through a library."""
    file = str(folder / "model.py")
    x = Numbers(1.0, 2.0, 3.0, 4.0)
    sites = [OpSite(f"op{n}", f"aten.op{n}", (f"in{n}",), "float32[4]", file, n + 1) for n in range(5)]
    inner = Frame("inner", file, 3, {"x": x, "n": 1, "y": Numbers(1.0, 2.0, 3.0, 9.0)}, {"limit": 10})
    library = Frame("call", "/lib/site-packages/torch/nn.py", 7, {}, is_traced=False, is_user=False)
    outer = Frame("outer", file, 8, {"text": "a\x1b[2Jb"}, is_traced=False)
    op = Op(sites[2], 2, [("in2", x)], [])
    return Point([inner, library, outer], Walk(sites), op)


class Session:
    """A prompt that is given lines, as from a pipe."""

    def __init__(self, view, lines, *, reason="step", text="", filter_name="", breakpoints=()):
        self.engine = Engine(None)
        self.engine.values.add(NumbersTensors())
        for one in breakpoints:
            self.engine.breakpoints.add(one)
        self.sink = io.StringIO()
        self.prompt = Prompt(self.engine, io.StringIO(lines), self.sink)
        self.engine.frontend = self.prompt
        stop = Stop(threading.get_ident(), reason, view, text, (), filter_name)
        self.action = self.prompt.interact(stop)
        self.said = self.sink.getvalue()


HEADER = """\
* step  (graph 0/0 forward of Net.forward)
> model.py:3 inner  [traced]
-> y = x * 2
op 2 of 5: aten.op2(in2) -> float32[4]
note: floats may differ in the last digits
"""
END = "end of the commands: the program goes on to its end, and stops nowhere any more\n"


def answer(view, *lines, **options):
    """What the prompt says to lines, without the header and the end."""
    said = Session(view, "".join(f"{line}\n" for line in lines), **options).said
    assert said.startswith(HEADER), said
    assert said.endswith(END), said
    return said[len(HEADER) : -len(END)]


def test_a_stop_says_why_and_where(program):
    program.iteration, program.is_backward = 3, True
    said = Session(program, "c\n", reason="exception", text="mul has made a NaN", filter_name="nan").said
    assert said == HEADER.replace("step ", "nan: mul has made a NaN ").replace(
        "of Net.forward)", "of Net.forward, turn 3 of the loop, backward)"
    )


def test_an_error_shows_the_inputs_of_the_op(program):
    text = "RuntimeError: no\n\tmore\x1b"
    said = Session(program, "c\n", reason="exception", text=text, filter_name="error").said
    assert said.splitlines()[:2] == [
        "* error: RuntimeError: no  (graph 0/0 forward of Net.forward)",
        "      more\\x1b",
    ]
    assert said.splitlines()[-1] == X_LINE.replace("x = ", "in2 = ")


X_LINE = "x = float32[4] cpu  min 1 max 4 mean 2.5  [1.0, 2.0, 3.0, 4.0]"
Y_LINE = "y = float32[4] cpu  min 1 max 9 mean 3.75  [1.0, 2.0, 3.0, 9.0]"


@pytest.mark.parametrize(
    ("line", "go"),
    [
        *((name, Go.OVER) for name in ("n", "next")),
        *((name, Go.INTO) for name in ("s", "step")),
        *((name, Go.OUT) for name in ("r", "return", "out")),
        *((name, Go.OP) for name in ("op", "i")),
        ("oo", Go.OP_OVER),
        ("graph", Go.GRAPH),
        *((name, Go.CONTINUE) for name in ("c", "continue", "cont")),
        *((name, Go.ABORT) for name in ("q", "quit", "exit", "exit()")),
    ],
)
def test_a_command_lets_the_program_go_on(program, line, go):
    assert Session(program, f"{line}\n").action.go is go


@pytest.mark.parametrize("line", ["until 4", "unt 4", "to model.py:4"])
def test_the_program_goes_on_to_a_line(program, folder, line):
    action = Session(program, f"{line}\n").action
    assert (action.go, action.file, action.line) == (Go.TO, str(folder.resolve() / "model.py"), 4)


LOOKS = {
    "w": """\
  model.py:8 outer
  -> return inner(3)
  (1 frame of libraries)
> model.py:3 inner  [traced]
  -> y = x * 2
""",
    "bt all": """\
  model.py:8 outer
  -> return inner(3)
  /lib/site-packages/torch/nn.py:7 call
> model.py:3 inner  [traced]
  -> y = x * 2
""",
    "l": """\
   1     def inner(x, n=1, *rest, key=None, **more):
   2         \"\"\"Says nothing.\"\"\"
   3  ->     y = x * 2
   4         return y
   5
   6
   7     def outer():
   8         return inner(3)
   9
  10
  11     outer()
""",
    "list 3, 4": """\
   3  ->     y = x * 2
   4         return y
""",
    "ll": """\
   1     def inner(x, n=1, *rest, key=None, **more):
   2         \"\"\"Says nothing.\"\"\"
   3  ->     y = x * 2
   4         return y
""",
    "a": f"{X_LINE}\nn = 1\n",
    "locals": f"{X_LINE}\nn = 1\n{Y_LINE}\n",
    "p n + limit": "11\n",
    "p(n)": "1\n",
    "pp [n, {'k': x}]": "[1, {'k': float32[4]}]\n  [0]  1\n  [1]  {'k': float32[4]}\n",
    "whatis x": "<class prompt.made_up.Numbers> float32[4]\n",
    "!n + 1": "2\n",
    "len([n])": "1\n",
    "inputs": X_LINE.replace("x = ", "in2 = ") + "\n",
    "outputs": "no outputs: it has not run yet\n",
    "t x": """\
type     Numbers
dtype    float32
shape    (4,)
device   cpu
strides  (1,)
count    4
min      1
max      4
mean     2.5
NaN      0
infinities  0
zeros    0
""",
    "cmp x, y": "1 of 4 elements differ, by at most 5 at [3]: 4 and 9 (relative 1.25)\n",
    "set n = 3": "n = 3\n",
    "set x = 1": "x = float32[4] cpu  min 1 max 1 mean 1  [1.0, 1.0, 1.0, 1.0]\n",
    "notes": "note: floats may differ in the last digits\n",
    "ops 1": """\
   1     aten.op1  float32[4]  model.py:2
   2  -> aten.op2  float32[4]  model.py:3
   3     aten.op3  float32[4]  model.py:4
""",
    "info": """\
step
thread: MainThread
function: Net.forward
graph: 0/0 forward
direction: forward
op: 2 of 5: aten.op2
ops: 5
frame: model.py:3 inner  [traced]
note: floats may differ in the last digits
""",
    "help next": "next, n\nGo on to the next line of this function, or of its caller.\n",
    "display n": "n = 1\n",
    "b": "no breakpoints\n",
    "catch": "".join(f"{name:<13} {what}\n" for name, what in FILTERS.items()),
}


@pytest.mark.parametrize("line", [line for line in LOOKS if line != "t x"])
def test_a_command_looks(program, line):
    assert answer(program, line) == LOOKS[line]


def test_threads_are_listed_the_one_at_the_prompt_first(program):
    assert answer(program, "threads").splitlines()[0] == "> MainThread  (at this prompt)"


def test_a_tensor_is_shown_with_a_histogram(program):
    assert answer(program, "t x").splitlines() == [
        "type        Numbers",
        "dtype       float32",
        "shape       (4,)",
        "device      cpu",
        "strides     (1,)",
        "count       4",
        "min         1",
        "max         4",
        "mean        2.5",
        "NaN         0",
        "infinities  0",
        "zeros       0",
        "first       1.0, 2.0, 3.0, 4.0",
        "   1 .. 1.25  1  ########################################",
        "1.25 ..  1.5  0",
        " 1.5 .. 1.75  0",
        "1.75 ..    2  0",
        "   2 .. 2.25  1  ########################################",
        "2.25 ..  2.5  0",
        " 2.5 .. 2.75  0",
        "2.75 ..    3  0",
        "   3 .. 3.25  1  ########################################",
        "3.25 ..  3.5  0",
        " 3.5 .. 3.75  0",
        "3.75 ..    4  1  ########################################",
    ]


REFUSED = {
    "until": "a line is missing, such as until 12 or until model.py:12",
    "until x": "a line must be a number, not 'x'",
    "until 99": "line 99 of model.py: it has 11 lines",
    "j 4": "cannot jump: a graph runs in the order in which it was traced; `set NAME = EXPR` changes a value",
    "w some": "where takes nothing or 'all', not 'some'",
    "d": "newest frame",
    "u 2": "oldest frame",
    "l 99": "end of the file",
    "p": "an expression is missing",
    "p nope": "NameError: name 'nope' is not defined",
    "nope": "NameError: name 'nope' is not defined",
    "p __import__('sys').exit()": "SystemExit",
    "n + 1": "'n' is a command that takes nothing; '!n + 1' is run as Python",
    "t n": "not a tensor: 1",
    "cmp x": "two expressions are needed, such as cmp x, y",
    "cmp n, n": "neither is a tensor: 1 and 1",
    "set n": "NAME = EXPR is needed, such as set x = 3",
    "set gone = 3": "no variable named 'gone' in inner",
    "set x[0] = 3": "a single element cannot be set; set all of x",
    "set x = [1]": "[1] does not fit float32[4]",
    "undisplay n": "n is not displayed",
    "b gone.py:1": "no file gone.py in {folder}, beside the program, among its modules, or in an installed package",
    "b 12": "line 12 of model.py: it has 11 lines",
    "b #5": "there is no op 5 here; see 'ops'",
    "b nope": "no function, file or filter named 'nope'; see 'help break'",
    "b limit": "limit is no function that was written in Python",
    "b ???": f"no breakpoint is written '???'; give {ENGINE_WORDS}",
    "b 3 if x >": "condition 'x >' is not a Python expression: invalid syntax",
    "catch nun": f"no filter named 'nun'; there are {', '.join(FILTERS)}",
    "uncatch nan": "'nan' is not waited for",
    "cl 7": "there is no breakpoint 7",
    "cl model.py:3": "there is no breakpoint at model.py:3",
    "condition one": "a breakpoint must be a number, not 'one'",
    "help nope": "no command named 'nope'; 'help' shows all",
}


@pytest.mark.parametrize("line", REFUSED)
def test_a_command_that_cannot_be_done_says_why(program, folder, line):
    said = answer(program, line).splitlines()
    assert said[-1] == "*** " + REFUSED[line].replace("{folder}", str(folder))


def test_one_goes_up_and_down_past_the_frames_of_libraries(program):
    assert answer(program, "u", "locals", "d", "p n") == (
        "> model.py:8 outer\n-> return inner(3)\n"
        "text = 'a\\x1b[2Jb'\n"
        "> model.py:3 inner  [traced]\n-> y = x * 2\n1\n"
    )


def test_in_a_library_one_sees_the_frames_of_its_package(program, folder, monkeypatch):
    _, library, outer = program.stack

    def at(file, line, function, **options):
        return Frame(function, str(folder / "site-packages" / file), line, {}, is_user=False, **options)

    monkeypatch.syspath_prepend(str(folder / "site-packages"))

    program.stack[:] = [
        at("models/attention.py", 9, "attend"),
        at("torch/nn.py", 7, "call"),
        at("models/layer.py", 5, "forward"),
        library,
        outer,
    ]
    program.walk = program.op = None
    lines = Session(program, "w\nu\n").said.splitlines()
    assert lines[1:-1] == [
        "  model.py:8 outer",
        "  -> return inner(3)",
        "  (1 frame of libraries)",
        "  models/layer.py:5 forward  [traced]",
        "  (1 frame of libraries)",
        "> models/attention.py:9 attend  [traced]",
        "> models/layer.py:5 forward  [traced]",
    ]


def test_a_line_of_a_library_is_where_it_has_stopped(program):
    eager = Frame("call", "/lib/site-packages/torch/nn.py", 7, {"h": 1}, is_traced=False, is_user=False)
    program.stack[:] = [eager, program.stack[2]]
    program.walk = program.op = None
    assert Session(program, "locals\nu\n").said == (
        "> /lib/site-packages/torch/nn.py:7 call\nh = 1\n> model.py:8 outer\n-> return inner(3)\n" + END
    )


def test_a_frame_without_a_line_says_so(program):
    program.stack[:] = [Frame("restored", "", 0, {}, is_user=False)]
    said = Session(program, "locals\n").said
    assert "\n> (no line) restored  [traced]\nop 2 of 5" in said
    assert said.endswith(f"\nno variables are known here\n{END}")


def test_an_assignment_is_python_even_if_a_command_is_called_so(program):
    program.stack[0].locals["c"] = 1
    assert answer(program, "c = 5", "n += 1", "p c, n", "fresh = [n]", "fresh[0]") == "(5, 2)\n2\n"


def test_breakpoints_are_made_shown_changed_and_taken_out(program):
    assert answer(
        program,
        "b 4 if n > 1",
        "tbreak inner",
        "b #3",
        "b op:*mul* hits 2",
        "catch nan",
        "condition 1 n > 2",
        "condition 1",
        "ignore 2 3",
        "disable 4",
        "b",
        "enable 4",
        "cl 3 5",
        "cl model.py:4",
        "uncatch nan",
        "cl",
        "b",
    ) == (
        "  1  model.py:4 if n > 1  (hit 0 times, not seen yet)\n"
        "*** no function, file or filter named 'inner'; see 'help break'\n"
        "  2  #3 of 0/0 forward  (hit 0 times)\n"
        "  3  op:*mul* hits 2  (hit 0 times)\n"
        "  4  nan  (hit 0 times)\n"
        "  1  model.py:4 if n > 2  (hit 0 times, not seen yet)\n"
        "  1  model.py:4  (hit 0 times, not seen yet)\n"
        "  2  #3 of 0/0 forward hits > 3  (hit 0 times)\n"
        "  1  model.py:4  (hit 0 times, not seen yet)\n"
        "  2  #3 of 0/0 forward hits > 3  (hit 0 times)\n"
        "  3  op:*mul* hits 2  (hit 0 times)\n"
        "  4  nan  (disabled)\n"
        "  5  nan  (hit 0 times)\n"
        "2 breakpoints taken out\n"
        "1 breakpoint taken out\n"
        "*** 'nan' is not waited for\n"
        "1 breakpoint taken out\n"
        "no breakpoints\n"
    )


def test_a_function_is_stopped_in_at_its_first_statement(program, folder):
    names = {}
    exec(compile(SOURCE, str(folder / "model.py"), "exec"), names)
    program.stack[0].globals["inner"] = names["inner"]
    assert answer(program, "b inner", "tbreak inner if x") == (
        "  1  model.py:3  (hit 0 times, not seen yet)\n  2  model.py:3 if x  (hit 0 times, once, not seen yet)\n"
    )


def test_marks_show_the_breakpoints_in_source_and_ops(program):
    said = answer(program, "b 4", "b #3", "l 4, 4", "ops 1").splitlines()
    assert said[2:] == [
        "   4 B       return y",
        "   1     aten.op1  float32[4]  model.py:2",
        "   2  -> aten.op2  float32[4]  model.py:3",
        "   3 B   aten.op3  float32[4]  model.py:4",
    ]


def test_an_empty_line_repeats_the_last_step(program):
    engine = Engine(None)
    prompt = Prompt(engine, io.StringIO("\np 1\ns\np 1\n\nn\n\n"), io.StringIO())
    stop = Stop(threading.get_ident(), "step", program)
    assert [prompt.interact(stop).go for _ in range(4)] == [Go.INTO, Go.INTO, Go.OVER, Go.OVER]


def test_notes_are_shown_once_for_each_graph(program):
    engine, sink = Engine(None), io.StringIO()
    prompt = Prompt(engine, io.StringIO("c\nc\n"), sink)
    for _ in range(2):
        prompt.interact(Stop(threading.get_ident(), "step", program))
    assert sink.getvalue().count("note: ") == 1


def test_what_is_displayed_is_shown_at_each_stop_that_has_it(program):
    engine, sink = Engine(None), io.StringIO()
    prompt = Prompt(engine, io.StringIO("display n\nc\nc\nundisplay\nc\nc\n"), sink)
    for value in (1, 2, None, 4):
        program.stack[0].locals["n"] = value
        if value is None:
            del program.stack[0].locals["n"]
        prompt.interact(Stop(threading.get_ident(), "step", program))
    assert [line for line in sink.getvalue().splitlines() if line.startswith("n = ")] == ["n = 1", "n = 2"]


def test_at_the_end_of_the_commands_nothing_stops_any_more(program):
    session = Session(program, "", breakpoints=[Breakpoint(filter="nan")])
    assert (session.said, session.action.go) == (HEADER + END, Go.CONTINUE)
    assert session.engine.breakpoints.all == ()
    assert session.prompt.interact(Stop(1, "step", program)).go is Go.CONTINUE


def test_quitting_takes_all_breakpoints_out_and_raises_in_the_program(program):
    engine = Engine(None)
    engine.frontend = Prompt(engine, io.StringIO("q\n"), io.StringIO())
    engine.breakpoints.add(Breakpoint(filter="error"))
    with pytest.raises(KeyboardInterrupt):
        engine.happened("error", program, "it raised")
    assert engine.breakpoints.all == ()


def test_ctrl_c_in_an_expression_stays_at_the_prompt(program):
    def interrupt():
        raise KeyboardInterrupt

    program.stack[0].globals["interrupt"] = interrupt
    assert answer(program, "p interrupt()", "p 1") == "KeyboardInterrupt (c: go on, q: end the program)\n1\n"


def test_threads_stop_at_the_prompt_one_after_the_other(program):
    """The first thread's commands end in one that runs while the second waits."""
    engine, sink = Engine(None), io.StringIO()
    waits = threading.Event()

    class Lines(io.StringIO):
        def readline(self, *_):
            line = super().readline()
            if line == "threads\n":
                waits.wait(60)
            return line

    prompt = Prompt(engine, Lines("threads\nc\nc\n"), sink)

    class Waiting(dict):
        def __setitem__(self, key, value):
            super().__setitem__(key, value)
            if len(self) == 1 and value == "pause":
                waits.set()

    prompt.waiting = Waiting()
    first_is_there = threading.Event()
    original = prompt.terminal.read

    def read(*args):
        first_is_there.set()
        return original(*args)

    prompt.terminal.read = read

    def stop_in(reason):
        prompt.interact(Stop(threading.get_ident(), reason, program))

    one = threading.Thread(target=stop_in, args=("step",), name="one")
    two = threading.Thread(target=stop_in, args=("pause",), name="two")
    one.start()
    first_is_there.wait(60)
    two.start()
    one.join(60)
    two.join(60)
    said = sink.getvalue().splitlines()
    assert [line for line in said if line.startswith(("[", "> one", "  two"))] == [
        "[thread one]",
        "> one  (at this prompt)",
        "  two  (waits: pause)",
        "[thread two]",
    ]


def test_names_are_completed(program):
    prompt = Prompt(Engine(None), io.StringIO(), io.StringIO())
    from tracedbg.prompt.console import Console

    console = Console(prompt, Stop(threading.get_ident(), "step", program))
    assert console.candidates("wh", "wh") == ["whatis", "where"]
    assert console.candidates("p li", "li") == ["limit"]
    assert console.candidates("p x.va", "x.va") == ["x.values"]
    assert console.candidates("b gr", "gr") == ["graph_break"]
    assert console.candidates("help un", "un") == ["uncatch", "undisplay", "unt", "until"]
