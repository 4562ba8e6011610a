"""Programs that use TensorFlow show the same at each level of recording as alone."""

from __future__ import annotations

import pytest

from process.levels import at_both_levels, at_each_level

pytestmark = pytest.mark.tensorflow
QUIET = {"TF_CPP_MIN_LOG_LEVEL": "3"}


@at_each_level
def test_what_tensorflow_computes_traces_and_tells_is_the_same(levels, level):
    levels.same(level, "tf_sections.py", env=QUIET)


@at_both_levels
def test_what_its_compilers_do_and_say_is_the_same(levels, level):
    levels.same(level, "tf_compiler.py", env=QUIET)


@at_both_levels
def test_programs_end_as_they_would_alone(levels, level):
    levels.same(level, "tf_endings.py", env=QUIET)
