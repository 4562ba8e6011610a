"""The section that says where the wall time went."""

from __future__ import annotations

from dataclasses import replace
from textwrap import dedent

import pytest
import shown

from tracedbg.activities import Activity
from tracedbg.explain import summarise
from tracedbg.report.ledger import NAMES, where_wall_time_went
from tracedbg.report.style import Style

STYLE = Style(folder="/home/me")


def text(run, **more):
    return "\n".join(where_wall_time_went(summarise(run), replace(STYLE, **more))) + "\n"


def test_the_section():
    assert text(shown.with_ledger()) == dedent(
        """\
        Where the time went
          4.000 s, by 350 samples of the main thread; 1 other thread ran for 0.700 s
          beside it
            0.900 s   22.5%  ██▎         imports        loading modules
            0.800 s   20.0%  ██          eager ops      optimizer 0.800 s
            0.700 s   17.5%  █▊          waiting        for locks, files, time, others
            0.590 s   14.8%  █▌          Python         your code, and libraries
            0.490 s   12.2%  █▎          start and end  starting 0.250 s, ending 0.240 s
            0.300 s    7.5%  ▊           compiled       tf.function 0.300 s
            0.200 s    5.0%  ▌           tracing        Python to graphs

            1.440 s   36.0%  train.py:12 in step
                             eager ops 56%, Python 41%, tracing 3%
            0.900 s   22.5%  train.py:5 in step
                             imports
            0.700 s   17.5%  train.py:14 in step
                             waiting
            0.450 s   11.2%  train.py:30 in main
                             compiled 67%, tracing 33%

          1 other process, 1.000 s together: data loading 100%
        """
    )


def test_every_activity_has_a_name():
    assert set(NAMES) == {activity.value for activity in Activity}


def test_a_short_run_has_no_section():
    summary = summarise(shown.with_ledger())
    short = replace(summary, ledgers=(replace(summary.ledgers[0], seconds=0.4),))
    assert where_wall_time_went(short, STYLE) == []
    assert where_wall_time_went(replace(summary, ledgers=()), STYLE) == []


@pytest.mark.parametrize("width", [72, 80, 120])
def test_long_names_stay_in_their_line(width):
    summary = summarise(shown.with_ledger())
    main = summary.ledgers[0]
    file = "/srv/with/a/long/way/to/it/and_a_very_long_name_of_a_training_script_" + "x" * 90 + ".py"
    lines = tuple(replace(line, file=file, function="f" * 200) for line in main.lines)
    long = replace(summary, ledgers=(replace(main, lines=lines), *summary.ledgers[1:]))
    assert max(map(len, where_wall_time_went(long, replace(STYLE, width=width)))) <= width
