"""The panes of the debug screen by themselves: long lists, odd texts, tensors, what was kept in a file."""

from __future__ import annotations

import json
import math

import pytest
from textual.app import App

from tracedbg.dap.client import ClientError
from tracedbg_tui.answers import Frame, Histogram, Op, OpsPage, Source, Stop, Tensor, Variable
from tracedbg_tui.breakpoints import Book, Wanted, unsent
from tracedbg_tui.debug import picture
from tracedbg_tui.debug.glyphs import ASCII, UNICODE
from tracedbg_tui.debug.highlighting import highlighted, plain
from tracedbg_tui.debug.inspector import InspectorPane
from tracedbg_tui.debug.ops import OpsPane
from tracedbg_tui.debug.source import SourcePane
from tracedbg_tui.debug.stack import StackPane
from tracedbg_tui.debug.watches import WatchesPane
from tui.screens import drawn, driven, until

MILLION = 1_000_000


class Alone(App):
    """One pane alone."""

    def __init__(self, pane, *, is_ascii=False):
        super().__init__()
        self.pane, self.is_ascii, self.told = pane, is_ascii, []
        self.heard = []

    def compose(self):
        yield self.pane

    def on_ops_pane_failed(self, event):
        self.heard.append(event.why)


def op(index):
    return Op(
        index, f"v{index}", "aten.add", ("x",), "float32[2]", "/m/model.py", index % 100, hex(index * 16)
    )


class Pages:
    """Gives pages of a graph with so many ops, and remembers which."""

    def __init__(self, total):
        self.total = total
        self.asked = []

    async def __call__(self, graph, start, count):
        self.asked.append((start, count))
        rows = range(start, min(start + count, self.total))
        return OpsPage("step", graph, self.total, None, (), tuple(map(op, rows)))


# --- ops -------------------------------------------------------------------------------------------


def test_of_a_million_ops_only_what_is_seen_is_fetched_and_kept():
    pages = Pages(MILLION)
    pane = OpsPane(Book(), pages)

    async def scenario(pilot):
        pane.focus()
        pane.show_graph(await pages("0/0", 0, 256), 0)
        pages.asked.clear()
        await pilot.press("G")
        await until(pilot, lambda: pane.op(MILLION - 1) is not None)
        assert drawn(pane)[-1].startswith("  999999 v999999 = aten.add(x)")
        assert [start for start, _ in pages.asked] == [MILLION // 256 * 256]
        for at in range(0, MILLION, MILLION // 200):
            pane.go_to(at)
            await until(pilot, lambda at=at: pane.op(at) is not None)
        assert len(pane._pages) == 64
        assert drawn(pane)[pane.cursor - round(pane.scroll_y)].startswith(f"  {pane.cursor} ")

    driven(Alone(pane), scenario)


def test_a_search_in_many_ops_goes_in_large_pages_both_ways():
    pages = Pages(MILLION)
    pane = OpsPane(Book(), pages)

    async def scenario(_):
        pane.show_graph(await pages("0/0", 0, 256), 0)
        pages.asked.clear()
        assert await pane.find("V20000 ", 5, 1) == 20_000
        assert len(pages.asked) == 5
        assert await pane.find("v999990 ", 3, -1) == 999_990
        assert len(pages.asked) == 7
        assert await pane.index_of("v700", before=701) == 700
        assert await pane.index_of("v700", before=700) is None

    driven(Alone(pane), scenario)


def test_a_page_that_cannot_be_had_says_why_once():
    async def fetch(graph, start, count):
        raise ClientError(f"no graph {graph!r} was stopped in")

    pane = OpsPane(Book(), fetch)

    async def scenario(pilot):
        pane.show_graph(OpsPage("step", "0/0", 2000, None, (), ()), None)
        await until(pilot, lambda: pilot.app.heard)
        for _ in range(5):
            pane.refresh()
            await pilot.pause()
        assert pilot.app.heard == ["no graph '0/0' was stopped in"]

    driven(Alone(pane), scenario)


def test_breakpoints_on_ops_have_a_sign_without_colour():
    book = Book([Wanted(address=hex(16)), Wanted(address=hex(32), is_enabled=False)])
    pages = Pages(3)
    pane = OpsPane(book, pages)

    async def scenario(pilot):
        pane.show_graph(await pages("0/0", 0, 256), 2)
        await pilot.pause()
        assert [row[:4] for row in drawn(pane)[:3]] == ["  0 ", "* 1 ", "x>2 "]

    driven(Alone(pane, is_ascii=True), scenario)


# --- source ----------------------------------------------------------------------------------------


def test_a_text_is_split_into_the_lines_that_python_counts():
    text = 'a = "\t"\r\nb\x0cc = """x\ny"""\rd = 1'
    assert ["".join(piece for piece, _ in line) for line in highlighted(text)] == [
        'a = "   "',
        'b?c = """x',
        'y"""',
        "d = 1",
    ]
    assert len(plain(text)) == len(highlighted(text))


@pytest.mark.parametrize("text", ["", "\n\n", "def f(:\n  \x1b[31m\n", "x = '\n", "\ud800", "é = 'ü'\n" * 3])
def test_a_text_that_is_no_program_is_shown_as_it_is(text):
    lines = ["".join(piece for piece, _ in line) for line in highlighted(text)]
    assert lines == ["".join(piece for piece, _ in line) for line in plain(text)]
    assert all(line.isprintable() for line in lines)


def test_a_source_that_cannot_be_read_and_one_that_has_changed(tmp_path):
    async def fetch(source):
        raise ClientError("there is no source 7")

    pane = SourcePane(Book(), fetch)
    path = tmp_path / "model.py"
    path.write_text("old = 1\n")

    async def scenario(pilot):
        await pane.open(Source("gone.py", str(tmp_path / "gone.py")), 5)
        assert "cannot show" in pane.text_of(1)
        await pane.open(Source("<generated>", "", 7))
        assert pane.text_of(1) == "cannot show <generated>: there is no source 7"
        await pane.open(Source("model.py", str(path)))
        assert pane.text_of(1) == "old = 1"
        path.write_text("x = 1\n" * 20_000)
        await pane.open(Source())
        await pane.open(Source("model.py", str(path)), 19_000)
        assert (pane.count(), pane.line) == (20_000, 19_000)
        await until(pilot, lambda: pane._lines[0][0] != ("x = 1", "text"))  # coloured when there is time
        assert pane.line == 19_000

    driven(Alone(pane), scenario)


def test_what_was_recorded_of_a_line_stands_at_its_end(tmp_path):
    path = tmp_path / "model.py"
    path.write_text("def step(x):\n" + "    y = x" + " + x" * 100 + "\n")
    pane = SourcePane(Book(), lambda _: None)
    pane.badges = {str(path): {1: "3 retraces", 2: "graph break"}}

    async def scenario(pilot):
        await pane.open(Source("model.py", str(path)))
        await pilot.pause()
        assert drawn(pane)[0] == "  1  def step(x):" + " " * 52 + "3 retraces"
        assert "graph break" in drawn(pane)[1]

    driven(Alone(pane), scenario, size=(80, 24))


# --- stack -----------------------------------------------------------------------------------------


def frame(number, *, is_library=False, is_traced=False):
    name = f"f{number}"
    return Frame(number, name, Source(f"{name}.py", f"/{name}.py"), number, is_traced, is_library)


def test_frames_of_libraries_are_folded_and_threads_have_a_line():
    pane = StackPane()
    frames = [frame(0, is_traced=True), *[frame(at, is_library=True) for at in (1, 2, 3)], frame(4)]

    async def scenario(pilot):
        pane.focus()
        pane.show_stack(frames, 9, 0, [Stop(1, "step"), Stop(2, "pause")], 1)
        await pilot.pause()
        assert [" ".join(row.split()) for row in drawn(pane)[:6]] == [
            "thread 1: step",
            "▶ ◇ f0 f0.py:0",
            "▸ 3 frames of libraries",
            "· f4 f4.py:4",
            "… 4 more",
            "thread 2: pause",
        ]
        assert (pane.next_frame(1), pane.next_frame(-1), pane.next_frame(9)) == (4, 0, 4)
        await pilot.press("j", "enter")
        assert pane.shows_libraries
        assert pane.next_frame(1) == 1

    driven(Alone(pane), scenario)


# --- tensors ---------------------------------------------------------------------------------------


class Tensors:
    """Looks at a tensor whose elements are their own position."""

    def __init__(self, shape, note=""):
        self.shape, self.note, self.windows = shape, note, []

    async def __call__(self, expression, reference, bins, window):
        summary = {"dtype": "float32", "shape": list(self.shape), "device": "cpu", "type_name": "Tensor"}
        summary |= {"count": math.prod(self.shape), "minimum": 0.0, "nans": 2, "note": self.note}
        self.windows.append(window)
        found = None
        if window is not None:
            parts = [part.strip() for part in window.split(",")]
            rows, columns = [
                range(size)[slice(*map(int, part.split(":")))]
                for size, part in zip(self.shape[-2:], parts[-2:], strict=True)
            ]
            found = [[float(row * 1000 + column) for column in columns] for row in rows]
        return Tensor(summary, Histogram((0.0, 0.5, 1.0), (1, 8)) if bins else None, found)


def test_a_small_matrix_is_shown_as_numbers_and_a_large_one_as_a_picture():
    small, large = Tensors((2, 3)), Tensors((4, 3, 1000, 2000))
    pane = InspectorPane(small)

    async def scenario(pilot):
        pane.focus()
        await pane.inspect("x", "x")
        await pilot.pause()
        text = "\n".join(drawn(pane))
        assert "float32[2, 3] cpu  Tensor, 6 elements" in text
        assert "2 NaN" in text
        assert "    0         0        1        2\n    1      1000     1001     1002" in text
        await pilot.press("v")
        await until(pilot, lambda: not pane.is_numbers and "1 ██████" in "\n".join(drawn(pane)))

        pane._look = large
        await pane.inspect("y", "y")
        rows, columns = (range(*map(int, part.split(":"))) for part in large.windows[-1].split(",")[-2:])
        assert (len(rows) <= pane._room[0], len(columns) <= pane._room[1]) == (True, True)
        assert large.windows[-1].startswith("0, 0, 0:1000:")
        await pilot.press("greater_than_sign")
        await until(pilot, lambda: large.windows[-1].startswith("0, 1, "))
        await pilot.press("less_than_sign", "less_than_sign")
        await until(pilot, lambda: large.windows[-1].startswith("3, 2, "))
        step = pane._sight.step
        await pilot.press("plus")
        await until(pilot, lambda: large.windows[-1].endswith(f":{step // 2}"))
        await pilot.press("right")
        await until(pilot, lambda: ", 0:" not in large.windows[-1].split(",", 3)[-1])

    driven(Alone(pane), scenario)


@pytest.mark.parametrize(("shape", "note"), [((), ""), ((0, 3), ""), ((2, 3), "a meta tensor has no values")])
def test_what_has_no_elements_to_show_has_its_facts_only(shape, note):
    tensors = Tensors(shape, note)
    pane = InspectorPane(tensors)

    async def scenario(pilot):
        await pane.inspect("x", "x")
        assert set(tensors.windows) == {None}
        await pilot.pause()
        assert note in "\n".join(drawn(pane))

    driven(Alone(pane), scenario)


def test_a_tensor_that_is_gone_at_the_next_stop_says_so():
    pane = InspectorPane(Tensors((2, 2)))

    async def scenario(_):
        await pane.inspect("[0]", "", 12)
        await pane.again()
        assert pane._why == "[0] was a value of the last stop"

    driven(Alone(pane), scenario)


def test_a_histogram_and_a_heat_map_are_told_apart_without_colour():
    assert picture.columns([0, 1, 4, 8], 2, ASCII.blocks) == ["   @", " :@@"]
    assert picture.columns([], 2, UNICODE.blocks) == ["", ""]
    assert picture.columns([0, 0], 1, UNICODE.blocks) == ["  "]
    levels = [picture.level(value, 0.0, 1.0) for value in (0.0, 0.5, 1.0)]
    assert [picture.shade(level, ASCII.shades) for level in levels] == [" ", ":", "#"]
    assert picture.level(math.nan, 0, 1) is None
    assert picture.level(3.0, 3.0, 3.0) == 0.5
    assert [picture.number(one) for one in (True, "-inf", 2)] == [1.0, -math.inf, 2.0]
    assert math.isnan(picture.number("nan"))
    assert math.isnan(picture.number("(1+2j)"))
    values = (0.123456789, -123456.789, 1e-30, 7, "nan")
    assert [picture.short(one) for one in values] == ["0.1235", "-1.2e+05", "1e-30", "7", "nan"]
    assert all(len(picture.short(value)) <= 8 for value in (-1.2345e-300, 123456789, -0.000012345))


# --- watches and what is kept ------------------------------------------------------------------------


def test_watches_are_edited_taken_out_and_never_twice():
    async def evaluate(expression):
        if expression == "bad":
            raise ClientError("NameError: name 'bad' is not defined\nand more")
        return Variable(expression, f"<{expression}>")

    pane = WatchesPane(evaluate)

    async def scenario(pilot):
        pane.focus()
        for expression in ("a", "b", "a", "", "bad"):
            pane.put(expression)
        assert pane.expressions == ["a", "b", "bad"]
        await pane.evaluate_all()
        await pilot.pause()
        assert drawn(pane)[:3] == ["a = <a>", "b = <b>", "bad = NameError: name 'bad' is not defined"]
        pane.put("c", "a")
        await pilot.press("j", "x")
        assert pane.expressions == ["c", "bad"]

    driven(Alone(pane), scenario)


def test_breakpoints_are_kept_and_read_again_whatever_has_become_of_the_file():
    book = Book(
        [Wanted(file="/m.py", line=3, condition="x > 1"), Wanted(op_pattern="*relu*", is_enabled=False)]
    )
    book.add(Wanted(address="0x10", label="op 1"))
    book.toggle_filter("nan", "step > 3")
    again = Book.from_data(json.loads(json.dumps(book.to_data())))
    assert again.entries == book.entries[:2]  # an op of that process means nothing to another
    assert again.filters == {"nan": "step > 3"}
    for damaged in (
        None,
        [],
        {"breakpoints": 7, "filters": []},
        {"breakpoints": [None, {"file": 3}, {"line": 2}]},
    ):
        assert Book.from_data(damaged) == Book()
    odd = {"breakpoints": [{"file": "/m.py", "line": True}, {"file": "/m.py", "line": 2, "later": 1}] * 2}
    assert Book.from_data(odd).entries == [Wanted(file="/m.py", line=2)]


def test_only_what_has_changed_is_sent():
    book, sent = Book(), {}
    assert unsent(book, sent) is None
    book.add(Wanted(file="/m.py", line=3))
    key, command, arguments, wanted = unsent(book, sent)
    assert (command, arguments["breakpoints"], wanted) == ("setBreakpoints", [{"line": 3}], book.entries)
    sent[key] = arguments
    assert unsent(book, sent) is None
    book.toggle(book.entries[0])
    assert unsent(book, sent)[1:] == ("setBreakpoints", {"source": {"path": "/m.py"}, "breakpoints": []}, [])


def test_a_change_that_comes_before_the_answer_is_not_lost():
    book = Book([one := Wanted(file="/m.py", line=3)])
    book.changed({"id": 7, "verified": True, "line": 4})
    book.told([one], [{"id": 7, "verified": False, "line": 3}])
    assert (book.state(one).is_verified, book.state(one).line) == (True, 4)
