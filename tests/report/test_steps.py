"""The report on steps of eager code, in full."""

from textwrap import dedent

import pytest
import shown

from tracedbg.explain import summarise
from tracedbg.report.style import size
from tracedbg.report.text import render


def test_changes_and_costs_are_told_by_function():
    text = render(summarise(shown.stepped()), folder="/home/me")
    assert text.partition("\n\n")[2].partition("\n\nOps by line\n")[0] + "\n" == dedent(
        """\
        Graphs of eager code that change from step to step
          train.py:60 in train                                                 8 changes
            backward: 12 steps with 5 different graphs, 10 looked at; up to 13 nodes
              5x  diverges at node 2: MulBackward0 (train.py:12) → AddBackward0
                  (train.py:13) (2 of them back, first in step 2)
              1x  diverges at node 2: AddBackward0 (train.py:13) → MmBackward0
                  (train.py:14) (first in step 5)
              1x  2 nodes from MmBackward0 (train.py:14) on ran 3 times, then 5 (first
                  in step 6)
              1x  the graphs were not kept: there were too many (first in step 7)
            ▸ if it is to be compiled: a Python branch is a retrace for each side, or a
              graph break where a tensor decides; torch.where or torch.cond keep both
              sides in one graph
            ▸ if it is to be compiled: each number of turns is another trace; pad to a
              few lengths and mask the rest, or use torch.while_loop, or one op over the
              whole sequence

          train.py:70 in evaluate                                               1 change
            call without gradients: 4 steps with 2 different graphs; up to 2 nodes
              1x  diverges at node 1: the end → aten::relu (train.py:41) (first in step
                  2)
            ▸ if it is to be compiled: a Python branch is a retrace for each side, or a
              graph break where a tensor decides; torch.where or torch.cond keep both
              sides in one graph

        What lines of the forward keep for the backward, and what it takes
          train.py:60 in train                                      212 MB kept, 14.0 ms
              saved             backward  line
             205 MB  ████████     9.0 ms  train.py:14 in forward
            7.33 MB  ▎            4.0 ms  train.py:10 in forward
              512 B  ▏                    of no line that is known
                                  1.0 ms  train.py:20 in forward
            ▸ torch.utils.checkpoint around train.py:14 would compute that again in the
              backward instead of keeping 205 MB
        """
    )


@pytest.mark.parametrize(
    ("number", "words"),
    [
        (0, "0 B"),
        (999, "999 B"),
        (1000, "1 kB"),
        (1536, "1.54 kB"),
        (999_600, "1 MB"),
        (7_330_000, "7.33 MB"),
        (204_800_000, "205 MB"),
        (3 * 10**12, "3 TB"),
        (5 * 10**15, "5000 TB"),
    ],
)
def test_sizes_have_three_digits(number, words):
    assert size(number) == words
