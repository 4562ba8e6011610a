"""The page: well formed, loads nothing, says what the JSON says, and stays small."""

from __future__ import annotations

import base64
import os
import re
from dataclasses import replace
from hashlib import sha256
from html import unescape
from itertools import pairwise

import pytest
import shown

from recordings import RUN, Process, Run, Timeline, function
from report.pages import made
from report.pages.parsed import parsed, rows, table_of
from tracedbg import events as ev
from tracedbg.explain import summarise
from tracedbg.explain.detail import detail_of
from tracedbg.report.html.autograph import paired
from tracedbg.report.html.report import ranks_to_html, to_html
from tracedbg.report.json import to_json
from tracedbg.report.ranks.json import ranks_data
from tracedbg.report.text import headline

LOADED = {
    "src",
    "srcset",
    "action",
    "formaction",
    "background",
    "poster",
    "data",
    "manifest",
    "xlink:href",
    "style",
}
MOST_BYTES = 1_000_000


@pytest.fixture(scope="module")
def every():
    return made.page(made.every())


@pytest.fixture(params=made.RUNS)
def name(request):
    return request.param


def test_a_page_is_well_formed_and_its_links_lead_somewhere(name):
    page = parsed(made.page(made.RUNS[name]()))
    ids = [tag.attributes["id"] for tag in page.all() if "id" in tag.attributes]
    assert len(ids) == len(set(ids))
    links = [tag.attributes["href"] for tag in page.all("a")]
    assert {link for link in links if link.removeprefix("#") not in ids} == set()
    named = {tag.attributes["aria-labelledby"] for tag in page.all() if "aria-labelledby" in tag.attributes}
    assert named <= set(ids)


def test_every_section_is_in_the_list_of_contents(every):
    page = parsed(every)
    sections = [section.attributes["id"] for section in page.one("main").all("section")]
    assert [link.attributes["href"][1:] for link in page.one("nav").all("a")] == sections
    assert sections == [
        "summary", "functions", "ranks", "causes", "stale", "eager", "breaks", "changes", "autograph", "time",
        "kernels", "ops", "syncs", "processes", "faults",
    ]  # fmt: skip


def test_a_reader_of_the_screen_finds_landmarks_headings_and_heads_of_tables(every):
    page = parsed(every)
    assert page.one("html").attributes["lang"] == "en"
    assert page.one("title").text == "train.py --lr 0.1 - tracedbg"
    assert [len(page.all(name)) for name in ("main", "nav", "footer", "h1")] == [1, 1, 1, 1]
    levels = [int(tag.name[1]) for tag in page.all() if re.fullmatch(r"h[1-6]", tag.name)]
    assert all(after - before <= 1 for before, after in pairwise(levels))
    for table in page.all("table"):
        assert table.one("caption").text
        assert {head.attributes["scope"] for head in table.one("thead").all("th")} == {"col"}
        assert {head.attributes["scope"] for head in table.one("tbody").all("th")} <= {"row"}
    for drawn in page.all("svg"):
        assert drawn.attributes["aria-hidden"] == "true"
    for scrolled in page.all(role="region"):
        assert scrolled.attributes["aria-label"]
        assert scrolled.attributes["tabindex"] == "0"


def test_it_loads_nothing_and_allows_its_own_style_and_script_alone(every):
    page = parsed(every)
    assert every.isascii()
    assert re.findall(r"(?:https?:)?//[\w.]+\.\w+", re.sub(r"// .*", "", every)) == []
    assert {
        name for tag in page.all() for name in tag.attributes if name in LOADED or name.startswith("on")
    } == set()
    assert [
        tag for tag in page.all() if tag.name in ("link", "img", "iframe", "object", "embed", "base", "form")
    ] == []
    assert (
        re.findall(r"url\(|@import|innerHTML|outerHTML|eval\(|document\.write|fetch\(|XMLHttp", every) == []
    )
    (style,), (script,) = page.all("style"), page.all("script")
    policy = page.one("meta", http_equiv="Content-Security-Policy").attributes["content"]
    hashes = {"style-src": hash_of(style.text), "script-src": hash_of(script.text)}
    assert dict(part.strip().split(" ", 1) for part in policy.split(";")) == {
        "default-src": "'none'", **hashes, "base-uri": "'none'", "form-action": "'none'",
    }  # fmt: skip


def hash_of(text):
    return f"'sha256-{base64.b64encode(sha256(text.encode()).digest()).decode()}'"


# --- the same numbers as the JSON -----------------------------------------------------------------


def exact(*numbers):
    return [pytest.approx(number, abs=1e-6) for number in numbers]


def as_both(run):
    detail = made.detail(run)
    return to_json(detail.summary), parsed(to_html(detail))


@pytest.fixture(scope="module")
def both():
    return as_both(made.every())


def test_functions_have_the_numbers_of_the_json(both):
    data, page = both
    found = [each for one in data["functions"] for each in (one, *one["resumes"])]
    shown_rows = rows(table_of(page, "Functions that were traced, the costliest first"))
    assert len(shown_rows) == len(found)
    for row, one in zip(shown_rows, found, strict=True):
        calls = (one["calls"]["compiled"] or 0) + (one["calls"]["eager"] or 0)
        assert row[1:] == exact(
            one["seconds"], one["seconds"], one["self_seconds"], one["traces"], one["retraces"], one["graph_breaks"],
            one["failed"], calls, one["kernel_seconds"] or 0,
        )  # fmt: skip


def test_activities_and_lines_have_the_numbers_of_the_json():
    data, page = as_both(shown.with_ledger())
    ledger = data["ledger"][0]
    activities = rows(table_of(page, "Activities of the main thread; they add up to the wall time"))
    assert [row[1] for row in activities] == exact(*(share["seconds"] for share in ledger["shares"]))
    lines = rows(table_of(page, "Lines by wall time"))
    assert [row[:2] for row in lines] == [
        [f"{line['file']}:{line['line']:07}", pytest.approx(line["seconds"])] for line in ledger["lines"]
    ]


def test_the_flame_graphs_add_up_to_the_ledgers():
    data, page = as_both(shown.with_ledger())
    assert len(page.all("figure", class_="flame")) == len(data["ledger"]) == 2
    for figure, ledger in zip(page.all("figure", class_="flame"), data["ledger"], strict=False):
        assert float(figure.attributes["data-seconds"]) == pytest.approx(ledger["seconds"])
        calls = [
            (int(row.attributes["data-depth"]), float(row.attributes["data-seconds"]))
            for row in figure.one("tbody").all("tr")
        ]
        assert sum(spent for depth, spent in calls if not depth) == pytest.approx(ledger["seconds"])
        for at, (depth, spent) in enumerate(calls):
            below = []
            for deeper, inner in calls[at + 1 :]:
                if deeper <= depth:
                    break
                below += [inner] if deeper == depth + 1 else []
            assert not below or sum(below) == pytest.approx(spent)


def test_ops_kernels_and_processes_have_the_numbers_of_the_json(both):
    data, page = both
    ops = rows(table_of(page, "Ops by line"))
    assert [row[1] for row in ops] == exact(*(line["seconds"] for line in data["ops"]["lines"]))
    by_op = rows(table_of(page, "Ops by name and shapes"))
    assert [(row[0], row[1]) for row in by_op] == [
        (op["op"], pytest.approx(op["seconds"])) for op in data["ops"]["ops"]
    ]
    kernels = rows(table_of(page, "Lines by kernel time"))
    assert [(row[1], row[-1]) for row in kernels] == [
        (pytest.approx(line["seconds"]), line["kernels"]) for line in data["kernels"]["lines"]
    ]
    processes = rows(table_of(page, "Processes, each after the one that has started it"))
    assert sorted((row[1], row[2]) for row in processes) == sorted(
        (one["pid"], one["traces"]) for one in data["processes"]
    )


def test_cards_say_what_the_json_says(both):
    data, page = both
    found = [
        (cause, one["name"])
        for one in data["functions"]
        for each in (one, *one["resumes"])
        for cause in each["causes"]
    ]
    cards = [
        card
        for card in page.all("article")
        if card.attributes.get("id", "").startswith(("cause-", "settled-"))
    ]
    assert len(cards) == len(found)
    for cause, function_name in found:
        (card,) = [card for card in cards if plain_prose(cause["message"]) in card.text]
        head = card.one("header").text
        assert f"{cause['file'].rpartition('/')[2]}:{cause['line']} in {function_name}" in head
        assert re.search(rf"{cause['count']} retraces?{cause['seconds']:.3f} s", head)
        assert plain_prose(cause["advice"]) in card.text
    for key, slug in (("graph_breaks", "breaks"), ("syncs", "syncs"), ("faults", "faults")):
        section = page.one("section", id=slug)
        cards = section.all("article") or section.all("li")
        assert len(cards) == len(data[key]) or slug == "syncs"


def plain_prose(text):
    return text.replace("`", "")


def test_the_head_is_that_of_the_text(name):
    run = made.RUNS[name]()
    words = headline(summarise(run))
    assert (
        parsed(made.page(run)).one("section", id="summary").all("p")[0].text
        == f"{words[0].upper()}{words[1:]}."
    )


def test_ranks_have_the_numbers_of_the_json():
    run = shown.with_ranks()
    report = made.detail(run).ranks
    page = parsed(ranks_to_html(report, [process.info for process in run.processes]))
    generation = ranks_data(report)["generations"][0]
    counts = rows(table_of(page, "Functions that not all ranks have traced equally often"))
    assert [row[2:] for row in counts] == [
        exact(row["traces"], row["seconds"]) for one in generation["functions"] for row in one["counts"]
    ]
    cards = page.all("article")
    assert len(cards) == len(generation["odd"]) + len(generation["graphs"])
    waits = [wait for odd in generation["odd"] for wait in odd["waits"]]
    told = [
        row
        for table in page.all("table")
        if table.one("caption").text.startswith("Where other")
        for row in rows(table)
    ]
    assert sorted(row[3] for row in told) == sorted(
        exact(*(wait["seconds"] for wait in waits)), key=lambda one: one.expected
    )


def test_a_run_without_ranks_says_so():
    run = shown.healthy()
    page = parsed(ranks_to_html(replace(made.detail(shown.with_ranks()).ranks, run=RUN, generations=()), []))
    assert page.one("main").text == "RanksNo process of this run says which rank of a distributed job it is."
    assert run.info == RUN


# --- what is wrong, worst first -------------------------------------------------------------------


def test_findings_come_with_the_worst_first_and_lead_to_their_cards():
    page = parsed(made.page(shown.example()))
    found = page.one("ol", class_="findings").all("li")
    assert [item.all("span")[0].text for item in found] == [
        "May be wrong",
        "Costs time",
        "Costs time",
        "Worth a look",
    ]
    assert [item.one("p", class_="what").text for item in found] == [
        "step uses what has changed since: the global scale was 1.0 while tracing and is 5.0 now: calls go on with 1.0",
        "step is traced again: n took 3 Python values: 0, 1, 2",
        "f runs eager: recompile limit reached with 1 graph cached: k changed from 1 to 2 (a Python int is part of the"
        " trace's key)",
        "f is cut in two: Data-dependent branching",
    ]
    assert [item.one("a").attributes["href"] for item in found] == [
        "#stale-1",
        "#cause-1",
        "#eager-1",
        "#break-1",
    ]


def test_a_healthy_run_says_that_nothing_is_to_be_done():
    page = parsed(made.page(shown.healthy()))
    assert page.all("ol", class_="findings") == []
    assert page.one("p", class_="muted").text == "There is nothing here that wants to be changed."


def test_a_recording_that_is_not_whole_says_so_at_the_top():
    page = parsed(made.page(shown.broken()))
    assert page.one("p", role="note").text == "The recording is not whole: what is missing"
    assert [item.text for item in page.one("section", id="faults").all("li")] == [
        "tf_function.traces: KeyError: 'x'",
        "process 7: No space left on device",
        "counted but not kept, as the recording was full (see --max-mb): 12 GraphMade, 40 PhaseSpan",
    ]


# --- source ---------------------------------------------------------------------------------------


def code_of(run):
    page = parsed(made.page(run))
    return [pre.text for pre in page.all("pre", class_="code")], page.one("main").text


def settle(path, wall_ns):
    os.utime(path, ns=(wall_ns, wall_ns))


def test_a_cause_shows_the_lines_around_its_own(tmp_path):
    run = made.with_source(shown.example(), tmp_path)
    settle(tmp_path / "train.py", RUN.started_wall_ns - 10**9)
    code, _ = code_of(run)
    expected = "".join(f"line {number} of the program  # <b>&amp;\n" for number in range(28, 33))
    assert code == [expected]


def test_a_file_that_has_changed_since_is_not_quoted(tmp_path):
    run = made.with_source(shown.example(), tmp_path)
    settle(tmp_path / "train.py", RUN.started_wall_ns + 1)
    code, text = code_of(run)
    assert code == []
    assert "train.py has changed since the run: its lines are not shown." in text
    assert "of the program" not in text


@pytest.mark.parametrize("kind", ["gone", "folder", "short", "pipe", "nul"])
def test_a_file_that_is_not_there_is_passed_over(tmp_path, kind):
    run = made.with_source(shown.example(), tmp_path)
    path = tmp_path / "train.py"
    path.unlink()
    if kind == "folder":
        path.mkdir()
    if kind == "short":
        path.write_text("one line\n")
    if kind == "pipe":
        os.mkfifo(path)
    if kind == "nul":
        made.moved(run, "/tmp/\x00.py")
    if kind in ("short", "pipe"):
        settle(path, RUN.started_wall_ns - 10**9)
    code, _ = code_of(run)
    assert code == []


def test_a_redacted_run_quotes_no_source(tmp_path):
    run = made.with_source(shown.example(), tmp_path)
    settle(tmp_path / "train.py", RUN.started_wall_ns - 10**9)
    run.info = replace(RUN, redacted=True)
    page = made.page(run)
    assert "of the program" not in page
    assert "Values" in parsed(page).one("dl", class_="facts").text


# --- AutoGraph ------------------------------------------------------------------------------------


def test_each_line_stands_beside_what_was_made_of_it():
    (code,) = made.detail(made.converted()).code
    assert [(pair.line, pair.text, [number for number, _ in pair.generated]) for pair in paired(code)] == [
        (11, "def step(x):", [3, 4, 5]),
        (12, "    if x > 0:", [6]),
        (13, "        y = 1", [7]),
        (14, "    return y", [8]),
    ]
    page = parsed(made.page(made.converted()))
    table = table_of(page, "step, line by line")
    cells = [[cell.text.strip() for cell in row.all("td")] for row in table.one("tbody").all("tr")]
    assert cells[1] == ["if x > 0:\ncond", "if x > 0 and '</code></pre><script>':"]
    assert page.one("ul", class_="constructs").text == "if in line 12 became tf.cond"


# --- hostile names, and very many of them -----------------------------------------------------------


def test_a_name_that_is_markup_stays_text():
    evil = "</code></script><script>alert(1)</script><img src=x onerror=alert(1)>\" '\u202e"
    of = function(evil, 10, file=f"/tmp/{evil}.py")
    process = Process([Timeline().trace(of)], all_faults=[ev.Fault(evil, evil, 0)])
    text = made.page(Run(process, info=replace(RUN, argv=(evil,), id=evil)))
    page = parsed(text)
    assert len(page.all("script")) == 1
    assert page.all("img") == []
    assert "\u202e" not in unescape(text)
    assert "\\u202e" in page.one("section", id="faults").text


def test_a_run_of_very_many_functions_makes_a_page_that_opens():
    """Whatever the number: what has no room is counted. (20,000 functions make a page of the same size.)"""
    number = 1200
    text = made.page(made.huge(number))
    assert len(text) < MOST_BYTES
    page = parsed(text)
    levels = [item.all("span")[0].text for item in page.one("ol", class_="findings").all("li")]
    assert levels == ["May be wrong"] * 5 + ["Costs time"] * 5  # one kind does not hide the others
    left_out = [p.text for p in page.all("p") if "left out" in p.text]
    calls = 2 * number + 1  # a line and its activity each, and their caller
    assert [words.split(" left out")[0] for words in left_out] == [
        f"{number - 200} more functions", f"{calls - 600} shorter calls", f"{number - 60} more lines",
        f"{number - 100} more lines", "940 more ops",
    ]  # fmt: skip
    assert [p.text for p in page.all("p") if p.text.startswith("And ")] == [
        f"And {3 * number - 10} more, below.",
        *[f"And {number - 40} more: see --format json."] * 3,
    ]


def test_what_is_left_out_adds_up():
    detail = made.detail(made.huge(230))
    (words,) = [p.text for p in parsed(to_html(detail)).one("section", id="functions").all("p")]
    rest = detail.summary.functions[200:]
    assert words == (
        f"30 more functions left out here: {sum(one.traces for one in rest)} traces,"
        f" {sum(one.self_seconds for one in rest):.3f} s. See --format json."
    )


def test_a_stack_that_is_very_deep_is_drawn_to_a_depth():
    process = Process()
    process.ran.all_samples.append(
        shown.ran.SamplesSeen(100, 0, 10**9, 0, (shown.sampled(tuple(range(1, 1500)), "python", 1000),))
    )
    detail = detail_of(Run(process), summarise(Run(process)))
    depths = [
        int(row.attributes["data-depth"])
        for row in parsed(to_html(detail)).one("figure").one("tbody").all("tr")
    ]
    assert max(depths) == 100
