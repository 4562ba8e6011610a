"""Kernels that the file has no launch for, and kernels that a graph replayed: lines by likeness.

Both are marked as inferred: the first from other kernels of the file, the second from where the graph was
captured. It must not know how sequences are compared.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from typing import TYPE_CHECKING

from tracedbg.explain.kernels.align import Example, Likeness, Numbers, infer
from tracedbg.explain.kernels.attributed import Attributed, Rule, Whose
from tracedbg.kernels import Kernel, Kind

if TYPE_CHECKING:
    from collections.abc import Hashable, Iterable, Sequence

    from tracedbg.explain.kernels.attribute import Attribution
    from tracedbg.kernels import Launch

_GRAPH_LAUNCH = "GraphLaunch"
_MIN_EXAMPLES = 3
_FEW_NAMES = 8
_SETTLED_SHARE = 0.99


def infer_before(found: list[Attributed]) -> list[Attributed]:
    """Give the kernels that have no launch the lines of the same kernels in a later step of their stream."""
    streams: dict[tuple[str, str], list[int]] = defaultdict(list)
    for at, one in enumerate(found):
        streams[one.kernel.device, one.kernel.stream].append(at)
    result = list(found)
    for places in streams.values():
        unknown = [index for index, at in enumerate(places) if found[at].whose is Whose.BEFORE]
        if not unknown:
            continue
        sequence = Numbers().sequence(found[at].kernel.name for at in places)
        answers = [None if found[at].whose is Whose.BEFORE else found[at] for at in places]
        example = Example(sequence, answers, [_key(found[at]) for at in places])
        inferred = infer(sequence, unknown, [example])
        of_name = _settled_names(found[at] for at in places)
        for index in unknown:
            kernel = found[places[index]].kernel
            likeness = inferred.get(index)
            answer = of_name.get(kernel.name) if likeness is None else _known_of(likeness)
            if answer is not None:
                result[places[index]] = answer._replace(kernel=kernel, rule=Rule.ALIGNED, is_inferred=True)
    return result


def _known_of(likeness: Likeness[Attributed]) -> Attributed:
    """What is known by a likeness: with several layers alike, the line, and not of which of them it is."""
    if likeness.is_single:
        return likeness.answer
    return likeness.answer._replace(
        frames=tuple(frame for frame in likeness.answer.frames if not frame.module)
    )


def _settled_names(found: Iterable[Attributed]) -> dict[str, Attributed]:
    """For each name of which all but a hundredth of the known time comes from one line: that line.

    Only of a stream with few names, as collectives have one: there, neighbours tell nothing.
    """
    times: dict[str, Counter[Hashable]] = defaultdict(Counter)
    counts: Counter[str] = Counter()
    answers: dict[tuple[str, Hashable], Attributed] = {}
    for one in found:
        if one.whose is not Whose.BEFORE:
            name, key = one.kernel.name, _key(one)
            counts[name] += 1
            times[name][key] += one.duration_ns
            answers.setdefault((name, key), one)
    settled: dict[str, Attributed] = {}
    if len(times) > _FEW_NAMES:
        return settled
    for name, of_keys in times.items():
        key, time_ns = of_keys.most_common(1)[0]
        if counts[name] >= _MIN_EXAMPLES and time_ns >= _SETTLED_SHARE * sum(of_keys.values()):
            settled[name] = answers[name, key]
    return settled


def is_replayed(kernel: Kernel) -> bool:
    """Whether a CUDA or HIP graph ran it."""
    return kernel.launch is not None and _GRAPH_LAUNCH in kernel.launch.api


def infer_replayed(found: list[Attributed], captures: Sequence[Attribution]) -> list[Attributed]:
    """Give the kernels that graphs replayed the lines of the launches that were captured.

    Args:
        found: the kernels, those of each graph launch in the order of their starts.
        captures: where to look for the captured launches.
    """
    replays: dict[tuple[Hashable, ...], list[int]] = defaultdict(list)
    for at, one in enumerate(found):
        launch = one.kernel.launch
        if launch is not None and is_replayed(one.kernel) and one.kernel.kind is Kind.KERNEL:
            replays[launch.thread, launch.start_ns].append(at)
    if not replays:
        return found
    result = list(found)
    numbers = Numbers()
    examples = [example for capture in captures for example in _captured(capture, numbers)]
    for places in replays.values():
        answers = _replayed([found[at] for at in places], examples, numbers)
        for index, answer in answers.items():
            at = places[index]
            result[at] = answer._replace(kernel=found[at].kernel, rule=Rule.REPLAYED, is_inferred=True)
    return result


def _replayed(
    kernels: list[Attributed], examples: Sequence[Example[Attributed]], numbers: Numbers
) -> dict[int, Attributed]:
    """The captured launch of each kernel of one replay, by its place."""
    sequence = numbers.sequence(_plain(one.kernel.name) for one in kernels)
    whole: dict[int, Attributed] = {}
    contested: set[int] = set()
    for example in examples:
        for start in example.sequence.places_of(sequence):
            for index in range(sequence.length):
                answer = example.answers[start + index]
                if answer is not None and _key(whole.setdefault(index, answer)) != _key(answer):
                    contested.add(index)
    for index in contested:
        del whole[index]
    if whole:
        return whole
    inferred = infer(sequence, range(sequence.length), examples)
    return {index: _known_of(one) for index, one in inferred.items()} or _by_count(kernels, examples)


def _by_count(kernels: list[Attributed], examples: Sequence[Example[Attributed]]) -> dict[int, Attributed]:
    """Where captured launches have no names of kernels: as many of them as kernels are the same ones."""
    nameless = [one for one in examples if all(answer and not answer.kernel.name for answer in one.answers)]
    fitting = [one for one in nameless if len(one.answers) == len(kernels)]
    if len(fitting) != 1:
        return {}
    return {index: answer for index, answer in enumerate(fitting[0].answers) if answer is not None}


def _captured(capture: Attribution, numbers: Numbers) -> list[Example[Attributed]]:
    """The launches of a timeline that ran nothing there, with their lines: one sequence for each thread."""
    threads: dict[Hashable, list[Launch]] = defaultdict(list)
    for launch in capture.timeline.captured:
        if "Memcpy" not in launch.api and "Memset" not in launch.api:
            threads[launch.thread].append(launch)
    examples = []
    for launches in threads.values():
        named = [launch for launch in launches if launch.kernel] or launches
        answers = [
            capture.of_launch(launch, Kernel("", "", launch.start_ns, 0, launch.kernel)) for launch in named
        ]
        sequence = numbers.sequence(_plain(launch.kernel) for launch in named)
        examples.append(Example(sequence, answers, [_key(answer) for answer in answers]))
    return examples


def _key(one: Attributed) -> Hashable:
    return one.lines or (one.whose, one.op)


def _plain(name: str) -> str:
    """A kernel's name as the launch has it: HIP's kernel descriptors end in `.kd`."""
    return name.removesuffix(".kd")
