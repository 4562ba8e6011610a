"""What the store gives back of what ran: ops, graphs of steps, samples.

The shape of `store.ran_reader.RanReader` alone, so that recordings can also be made by hand.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from tracedbg.ran import OpRows, OpsSeen, SamplesSeen, Stayed, StepGraph, StepsSeen


class Ran(Protocol):
    """What ran in one process."""

    def ops(self) -> Sequence[OpsSeen]: ...  # noqa: D102

    def op_rows(self) -> Iterator[OpRows]: ...  # noqa: D102

    def step_graphs(self) -> Sequence[StepGraph]: ...  # noqa: D102

    def steps(self) -> Sequence[StepsSeen]: ...  # noqa: D102

    def samples(self) -> Sequence[SamplesSeen]: ...  # noqa: D102

    def stays(self) -> Sequence[Stayed]: ...  # noqa: D102


class NothingRan:
    """Where none of that is recorded, or none of it is asked for."""

    def ops(self) -> Sequence[OpsSeen]:
        """None; the same for those below."""
        return ()

    def op_rows(self) -> Iterator[OpRows]:  # noqa: D102
        return iter(())

    def step_graphs(self) -> Sequence[StepGraph]:  # noqa: D102
        return ()

    def steps(self) -> Sequence[StepsSeen]:  # noqa: D102
        return ()

    def samples(self) -> Sequence[SamplesSeen]:  # noqa: D102
        return ()

    def stays(self) -> Sequence[Stayed]:  # noqa: D102
        return ()
