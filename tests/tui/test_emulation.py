"""A terminal's memory: what it shows, what it keeps, and that skipping a flood changes neither."""

from __future__ import annotations

import random

import pytest
from rich.console import Console

from tracedbg_tui import emulation
from tracedbg_tui.emulation import MAX_ROWS, Emulator

CONSOLE = Console(color_system="truecolor", width=200)


def rows(emulator: Emulator) -> list[str]:
    return [emulator.row(index).plain.rstrip() for index in range(emulator.row_count)]


def looks(emulator: Emulator, index: int) -> list[tuple[str, str | None, bool]]:
    """Each character of a row with its colour and weight."""
    found = []
    for part in emulator.row(index).render(CONSOLE):
        style = part.style
        colour = style.color.get_truecolor().hex if style and style.color else None
        found += [
            (character, colour, bool(style and style.bold)) for character in part.text if character != " "
        ]
    return found


def test_lines_that_scroll_off_are_kept_with_their_colours():
    emulator = Emulator(3, 20)
    emulator.feed(b"\x1b[31mred\x1b[0m\r\n" + b"x\r\n" * 5)
    assert rows(emulator) == ["red", *"xxxxx", ""]
    assert looks(emulator, 0) == [(letter, "#800000", False) for letter in "red"]


def test_a_bar_that_redraws_itself_is_one_row():
    emulator = Emulator(5, 40)
    for percent in range(0, 101, 10):
        emulator.feed(b"\r%3d%%" % percent)
    emulator.feed(b"\r\ndone")
    assert rows(emulator) == ["100%", "done"]


def test_pieces_may_begin_and_end_anywhere():
    data = "größe \x1b[1;32mgrün\x1b[0m\r\nzwei\r\n".encode()
    whole, pieces = Emulator(5, 40), Emulator(5, 40)
    whole.feed(data)
    for at in range(len(data)):
        pieces.feed(data[at : at + 1])
    assert rows(whole) == rows(pieces) == ["größe grün", "zwei", ""]
    assert looks(whole, 0) == looks(pieces, 0)


@pytest.mark.parametrize("seed", range(5))
def test_a_flood_looks_as_if_it_had_come_slowly(seed):
    chance = random.Random(seed)
    words = [
        "plain",
        "\x1b[32mgreen",
        "\x1b[1m",
        "\x1b[0m",
        "\x1b[38;2;9;8;7mrgb",
        "\x1b[94m",
        "wide 漢字",
        "\ttab",
    ]
    lines = ["".join(chance.choices(words, k=chance.randint(0, 6))) for _ in range(400)]
    data = "\r\n".join(lines).encode()
    fast, slow = Emulator(10, 60), Emulator(10, 60)
    fast.feed(data)
    for at in range(0, len(data), 100):
        slow.feed(data[at : at + 100])
    assert rows(fast) == rows(slow)
    assert fast.cursor == slow.cursor
    for index in range(fast.row_count):
        assert looks(fast, index) == looks(slow, index)


def test_lines_of_a_flood_that_are_too_long_are_wrapped_as_the_screen_does():
    data = b"".join(b"%d " % n + b"x" * (n % 50) + b"\r\n" for n in range(300))
    fast, slow = Emulator(5, 20), Emulator(5, 20)
    fast.feed(data)
    for at in range(0, len(data), 50):
        slow.feed(data[at : at + 50])
    assert rows(fast) == rows(slow)


def test_a_flood_that_moves_the_cursor_is_emulated():
    data = b"".join(b"line %d\x1b[1K\r\n" % n for n in range(300))
    emulator = Emulator(10, 40)
    emulator.feed(data)
    assert set(rows(emulator)) == {""}


def test_an_endless_flood_of_pictures_takes_no_longer_than_its_end(monkeypatch):
    emulator, fed = Emulator(10, 40), []
    monkeypatch.setattr(emulator, "_emulate", fed.append)
    emulator.feed(b"\x1b[H\x1b[2Jpicture" * 100_000)
    assert sum(map(len, fed)) == emulation._MAX_BYTES


def test_what_is_kept_is_bounded_and_what_is_forgotten_is_counted():
    emulator = Emulator(24, 80)
    for _ in range(40):
        emulator.feed(b"line\r\n" * (MAX_ROWS // 20))
    assert emulator.row_count + emulator.forgotten == 2 * MAX_ROWS + 1
    assert emulator.row_count <= MAX_ROWS * 9 // 8 + 24


def test_a_smaller_screen_loses_nothing():
    emulator = Emulator(10, 40)
    emulator.feed(b"\r\n".join(b"line %d" % n for n in range(8)))
    emulator.resize(3, 20)
    assert rows(emulator) == [f"line {n}" for n in range(8)]
    assert emulator.cursor == (7, 6)
    emulator.resize(10, 40)
    emulator.feed(b"\r\nnext")
    assert rows(emulator) == [*(f"line {n}" for n in range(8)), "next"]


def test_clearing_what_has_scrolled_off_leaves_the_screen():
    emulator = Emulator(3, 20)
    emulator.feed(b"x\r\n" * 10 + b"\x1b[3J")
    assert emulator.row_count <= 3


def test_a_program_that_asks_what_the_terminal_is_gets_an_answer():
    answers: list[bytes] = []
    emulator = Emulator(5, 40, answers.append)
    emulator.feed(b"ab\x1b[6n\x1b[c")
    assert answers == [b"\x1b[1;3R", b"\x1b[?6c"]


@pytest.mark.parametrize(
    "sequence",
    [b"\x1b[>4;1m", b"\x1b[?1049h", b"\x1b]0;title\x07", b"\x1b[999;999H", b"\x1b[?25", b"\xff\xfe"],
)
def test_no_sequence_breaks_it(sequence):
    emulator = Emulator(5, 40)
    emulator.feed(b"before\r\n" + sequence)
    emulator.feed(b"\x1b[0m\r\nafter\r\n")
    assert any("after" in row for row in rows(emulator))


def test_random_bytes_break_nothing():
    chance = random.Random(1)
    emulator = Emulator(5, 40)
    for _ in range(200):
        emulator.feed(chance.randbytes(300))
        for index in range(emulator.row_count):
            emulator.row(index)
