"""The page in a real browser: its script runs, the policy blocks nothing of ours and all that is not ours."""

from __future__ import annotations

import os
from dataclasses import replace

import pytest

from recordings import RUN, Process, Run, Timeline, function
from report.pages import made
from report.pages.browser import CHROMIUM, Browser
from tracedbg.report.html.palette import contrast

pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="needs Chromium, which is not here")
EVIL = "</script><script>document.title='owned'</script><img src=x onerror=\"document.title='owned'\">"
FLAME = "document.querySelector('figure.flame')"
COLOURS = "['color', 'backgroundColor'].map((name) => getComputedStyle(document.documentElement)[name])"
HERE = "document.activeElement.getAttribute('aria-label')"


@pytest.fixture(scope="module")
def browser():
    browser = Browser()
    yield browser
    browser.close()


@pytest.fixture(scope="module")
def every(tmp_path_factory):
    path = tmp_path_factory.mktemp("pages") / "every.html"
    path.write_text(made.page(made.every()))
    return path


@pytest.fixture(scope="module")
def ledger(tmp_path_factory):
    path = tmp_path_factory.mktemp("pages") / "ledger.html"
    path.write_text(made.page(made.shown.with_ledger()))
    return path


def test_the_tab_key_stops_at_tables_that_have_to_be_scrolled_alone(browser, every):
    stops = "[...document.querySelectorAll('.scroll[tabindex]')].filter((one) => one.clientWidth)"
    whole = (
        f"{stops}.filter((one) => one.scrollWidth <= one.clientWidth && one.scrollHeight <= one.clientHeight)"
    )
    browser.open(every, width=400)
    assert (browser.run(f"{stops}.length > 3"), browser.run(f"{whole}.length")) == (True, 0)
    browser.open(every, width=1600)
    assert browser.run(f"{whole}.length") == 0


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [400, 1280])
def test_the_page_runs_without_a_complaint_and_keeps_to_the_width(browser, every, width, scheme):
    browser.open(every, width=width, scheme=scheme)
    assert browser.complaints == []
    assert browser.run("document.documentElement.scrollWidth") <= width
    assert browser.run("document.querySelectorAll('.graph .call').length") > 0
    text, ground = browser.run(COLOURS)
    assert (brightness(text) < brightness(ground)) == (scheme == "light")


def brightness(colour):
    return sum(int(part) for part in colour.removeprefix("rgb(").removesuffix(")").split(","))


def test_injected_markup_is_text_and_an_injected_script_is_blocked(browser, tmp_path):
    of = function(EVIL, 10, file=f"/tmp/{EVIL}.py")
    run = Run(Process([Timeline().trace(of)]), info=replace(RUN, argv=(EVIL,)))
    (tmp_path / "evil.html").write_text(made.page(run))
    browser.open(tmp_path / "evil.html")
    assert browser.complaints == []
    assert browser.run("document.title").endswith("onerror=\"document.title='owned'\"> - tracedbg")
    assert browser.run("document.querySelector('h1').textContent") == EVIL
    blocked = made.page(run).replace("</main>", "</main><script>document.title='owned'</script>")
    (tmp_path / "blocked.html").write_text(blocked)
    browser.open(tmp_path / "blocked.html")
    assert browser.run("document.title") != "owned"
    assert ["Content Security Policy" in words for words in browser.complaints] == [True]


def test_a_table_is_sorted_by_the_keyboard(browser, every):
    browser.open(every)
    table = "document.querySelector('#functions table')"
    column = f"[...{table}.tBodies[0].rows].map((row) => Number(row.cells[4].dataset.value))"
    browser.run(f"{table}.tHead.rows[0].cells[4].querySelector('button').focus()")
    browser.press("Enter", "\r")
    told = f"{table}.tHead.rows[0].cells[4].getAttribute('aria-sort')"
    numbers = browser.run(column)
    assert (browser.run(told), numbers) == ("descending", sorted(numbers, reverse=True))
    browser.press("Enter", "\r")
    assert (browser.run(told), browser.run(column)) == ("ascending", sorted(numbers))


def test_the_flame_graph_is_walked_zoomed_and_searched_by_the_keyboard(browser, ledger):
    browser.open(ledger)
    browser.run(f"{FLAME}.querySelector('.call[tabindex=\"0\"]').focus()")
    first = browser.run(HERE)
    assert first == "main  train.py:30: 2.590 s, 64.8% of all"
    browser.press("ArrowDown")
    inner = browser.run(HERE)
    assert inner.startswith("step  train.py:12: ")
    browser.press("Enter", "\r")
    width = (
        "document.activeElement.getBoundingClientRect().width / document.querySelector('.graph').clientWidth"
    )
    assert browser.run(width) == pytest.approx(1, abs=0.01)
    assert browser.run(f"{FLAME}.querySelectorAll('.call.outer').length") == 1
    browser.press("Escape")
    assert browser.run(width) < 0.5
    browser.press("ArrowUp")
    assert browser.run(HERE) == first
    browser.press("ArrowRight")
    assert browser.run(HERE) != first
    browser.run(f"{FLAME}.querySelector('input').focus()")
    for letter in "train.py:12":
        browser.press(letter, letter)
    assert browser.run(f"{FLAME}.querySelectorAll('.call.found').length") == 1
    assert browser.run(f"{FLAME}.querySelector('output').textContent").startswith("1 found: ")


def test_without_its_script_the_flame_graph_is_a_table(browser, ledger):
    browser.open(ledger, script=False)
    assert browser.complaints == []
    assert browser.run(f"{FLAME}.querySelector('details').open")
    assert browser.run(f"{FLAME}.querySelector('tbody').rows.length") > 5
    assert browser.run("document.querySelectorAll('button, input').length") == 0


def test_the_reader_chooses_dark_and_light(browser, every):
    browser.open(every)
    ground = "getComputedStyle(document.documentElement).backgroundColor"
    light = browser.run(ground)
    browser.run("document.querySelector('button.theme').focus()")
    browser.press("Enter", "\r")
    dark = browser.run(ground)
    assert brightness(dark) < brightness(light)
    assert browser.run("document.querySelector('button.theme').textContent") == "Light"
    browser.press("Enter", "\r")
    assert browser.run(ground) == light


def test_a_link_to_a_closed_part_opens_it(browser, tmp_path):
    page = made.page(made.every())
    assert (
        "<details>" not in page.partition('id="causes"')[2].partition("<section")[0]
    )  # there is none that is settled
    settled = page.replace('id="cause-1"', 'id="elsewhere"').replace(
        "<h2", '<details><p id="cause-1">here</p></details><h2', 1
    )
    (tmp_path / "page.html").write_text(settled)
    browser.open(tmp_path / "page.html")
    is_open = "document.getElementById('cause-1').closest('details').open"
    assert not browser.run(is_open)
    browser.run(
        "document.querySelector('a[href=\"#cause-1\"]').click(), new Promise((done) => setTimeout(done, 0))"
    )
    assert browser.run(is_open)


def test_what_is_on_paper_is_light(browser, every):
    browser.open(every, scheme="dark")
    browser.ask(
        "Emulation.setEmulatedMedia",
        media="print",
        features=[{"name": "prefers-color-scheme", "value": "dark"}],
    )
    text, ground = browser.run(COLOURS)
    assert contrast(as_hex(text), as_hex(ground)) > 10
    assert brightness(ground) == 3 * 255
    assert browser.run("getComputedStyle(document.querySelector('nav')).display") == "none"
    browser.ask("Emulation.setEmulatedMedia", media="")


def as_hex(colour):
    parts = colour.removeprefix("rgb(").removesuffix(")").split(",")
    return "#" + "".join(f"{int(part):02x}" for part in parts)


def test_a_picture_and_a_print_of_it_have_something_on_them(browser, every):
    browser.open(every)
    printed = browser.ask("Page.printToPDF")["data"]
    assert len(printed) > 20_000
    assert os.path.getsize(every) < 1_000_000
