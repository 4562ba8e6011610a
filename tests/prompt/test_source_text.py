"""Source as the prompt shows it."""

from __future__ import annotations

import json.decoder
import os
import sys

import pytest

from tracedbg.engine.specs import find_file
from tracedbg.prompt.source_text import short_path


def test_a_librarys_file_is_shown_as_it_can_be_typed(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for file in (pytest.__file__, json.decoder.__file__):
        file = os.path.realpath(file)
        shown = short_path(file)
        assert file.endswith(os.sep + shown)
        assert find_file(shown) == file
    assert short_path(os.path.realpath(pytest.__file__)) == "pytest/__init__.py"


def test_a_librarys_file_is_shown_in_full_where_the_working_folder_has_one_like_it(tmp_path, monkeypatch):
    (tmp_path / "pytest").mkdir()
    (tmp_path / "pytest/__init__.py").write_text("")
    monkeypatch.chdir(tmp_path)
    file = os.path.realpath(pytest.__file__)
    assert short_path(file) == file


def test_the_programs_own_file_is_shown_from_the_working_folder(tmp_path, monkeypatch):
    (tmp_path / "a").mkdir()
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", [str(tmp_path / "a"), *sys.path])
    assert short_path(str(tmp_path.resolve() / "a/model.py")) == "a/model.py"
