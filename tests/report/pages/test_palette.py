"""The colours: contrast as WCAG 2 asks for at level AA, in both schemes."""

from __future__ import annotations

import re

import pytest

from tracedbg.report.html import palette
from tracedbg.report.html.page import style
from tracedbg.report.html.palette import DARK, FILLS, GRAPHIC, GROUNDS, LIGHT, TEXT_ON_GROUND, contrast

SCHEMES = {"light": LIGHT, "dark": DARK}
TEXT, DRAWN = 4.5, 3.0


def test_contrast_is_that_of_wcag():
    assert contrast("#000000", "#ffffff") == pytest.approx(21)
    assert contrast("#777777", "#ffffff") == pytest.approx(4.48, abs=0.005)
    assert contrast("#123456", "#123456") == 1


@pytest.mark.parametrize("scheme", SCHEMES)
def test_text_can_be_read(scheme):
    colours = SCHEMES[scheme]
    pairs = [(text, ground) for text in TEXT_ON_GROUND for ground in GROUNDS] + [
        ("on-fill", fill) for fill in FILLS
    ]
    faint = {
        pair: contrast(*map(colours.get, pair)) for pair in pairs if contrast(*map(colours.get, pair)) < TEXT
    }
    assert faint == {}


@pytest.mark.parametrize("scheme", SCHEMES)
def test_what_is_drawn_can_be_seen(scheme):
    colours = SCHEMES[scheme]
    for drawn in GRAPHIC:
        for ground in ("ground", "surface"):
            assert contrast(colours[drawn], colours[ground]) >= DRAWN, (drawn, ground)


def test_both_schemes_have_the_same_colours_and_the_style_uses_no_other():
    assert set(LIGHT) == set(DARK)
    rules = style().removeprefix(f"\n{palette.stylesheet()}")
    assert re.findall(r"#[0-9a-fA-F]{3,8}\b", rules) == []
    assert set(re.findall(r"var\(--([\w-]+)\)", rules)) == set(LIGHT)


def test_every_text_colour_is_one_that_is_tested():
    """`color:` in the style names what is tested above."""
    used = set(re.findall(r"(?<![\w-])color:var\(--([\w-]+)\)", style()))
    assert used <= {*TEXT_ON_GROUND, "on-fill", "line"}
