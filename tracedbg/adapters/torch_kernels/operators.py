"""The line of an op that an operator of Python ran: `a * b` is no call, so that no profiler tells its line.

Between two calls, whose lines are known, a function's bytecode has few operators. The ops that ran there are
laid beside them in their order. It must not know a profiler.
"""

from __future__ import annotations

import dis
import linecache
from functools import lru_cache
from itertools import accumulate
from types import CodeType
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterator

_BINARY = {
    "+": ("add",),
    "-": ("sub", "rsub"),
    "*": ("mul",),
    "/": ("div", "true_divide", "reciprocal", "mul"),
    "//": ("floor_divide",),
    "%": ("remainder", "fmod"),
    "@": ("matmul", "mm", "mv", "bmm", "dot"),
    "**": ("pow",),
    "&": ("bitwise_and", "__and__"),
    "|": ("bitwise_or", "__or__"),
    "^": ("bitwise_xor", "__xor__"),
    "<<": ("bitwise_left_shift", "__lshift__"),
    ">>": ("bitwise_right_shift", "__rshift__"),
}
_COMPARE = {"<": "lt", "<=": "le", ">": "gt", ">=": "ge", "==": "eq", "!=": "ne"}
_INDEXING = frozenset(
    {
        "slice",
        "select",
        "index",
        "unsqueeze",
        "alias",
        "expand",
        "view",
        "index_put",
        "fill",
        "copy",
        "lift_fresh",
        "to",
        "item",
        "_local_scalar_dense",
        "masked_fill",
        "empty",
        "as_strided",
        "nonzero",
        "index_select",
        "squeeze",
        "detach",
        "zero",
        "_index_put_impl",
    }
)
_TRUTH = ["is_nonzero", "item", "_local_scalar_dense"]
_OLD_BINARY = {  # CPython 3.10
    "ADD": "+",
    "SUBTRACT": "-",
    "MULTIPLY": "*",
    "TRUE_DIVIDE": "/",
    "FLOOR_DIVIDE": "//",
    "MODULO": "%",
    "MATRIX_MULTIPLY": "@",
    "POWER": "**",
    "AND": "&",
    "OR": "|",
    "XOR": "^",
    "LSHIFT": "<<",
    "RSHIFT": ">>",
}
_UNARY = {"UNARY_NEGATIVE": ["neg"], "UNARY_INVERT": ["bitwise_not"], "UNARY_NOT": _TRUTH}
_TURNED = frozenset({"permute", "transpose", "t", "numpy_T", "adjoint", "mT", "mH", "matrix_H", "conj"})
_PROPERTIES = {
    **dict.fromkeys(("T", "mT", "H", "mH"), _TURNED),
    "real": frozenset({"real", "view_as_real", "select", "alias"}),
    "imag": frozenset({"imag", "view_as_real", "select"}),
    "data": frozenset({"detach", "alias", "set_data"}),
}
_ANY = ("LOAD_ATTR", "LOAD_METHOD", "STORE_ATTR", "GET_ITER", "FOR_ITER", "UNPACK_SEQUENCE", "FORMAT_")
"""How instructions begin that may run any op, as a property does."""
_CALLS = ("CALL", "BEFORE_WITH")
"""Those that make a call, which is told as one: but for that of a class (`float(x)`)."""
_BY_CLASSES = frozenset({"item", "_local_scalar_dense", "is_nonzero"})
"""What `float(x)`, `int(x)` and `bool(x)` run."""
_UNLIKELY, _FROM_CALL, _OTHER_OP, _AGAIN = 2, 6, 24, 12
_JUMP, _ELSEWHERE = 1, 40
"""What it costs to go on in the next turn of a loop; and anywhere before, for no reason that is known."""
_SKIPPED_CALL, _SKIPPED_OPERATOR = 4, 2
"""What it costs that a site was passed and has run nothing."""
_FAR = 10**9


class Site(NamedTuple):
    """An instruction that may run an op."""

    line: int
    ops: frozenset[str]
    """Those that it runs; empty: any."""
    runs_several: bool = False
    is_call: bool = False
    skipped: int = 0
    """What speaks against its having been passed without an op or a call."""


class Anchor(NamedTuple):
    """A call between ops, whose line is known."""

    line: int


@lru_cache(maxsize=256)
def codes_of(file: str) -> dict[tuple[str, int], CodeType]:
    """The code objects in a file, by name and first line; none where there is no source of this Python's."""
    try:
        module = compile("".join(linecache.getlines(file)), file, "exec", dont_inherit=True)
    except (SyntaxError, ValueError):
        return {}
    return {(code.co_name, code.co_firstlineno): code for code in _all(module)}


def _all(code: CodeType) -> Iterator[CodeType]:
    yield code
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            yield from _all(constant)


def code_at(file: str, function: str, line: int) -> CodeType | None:
    """The code of a function by the line of its `def`, or by any that it was on."""
    codes = codes_of(file)
    found = codes.get((function, line))
    if found is None:
        around = [code for (name, first), code in codes.items() if name == function and first <= line]
        found = max(around, key=lambda code: code.co_firstlineno, default=None)
    return found


class Sites(NamedTuple):
    """The sites of a function, in the order of the bytecode."""

    sites: tuple[Site, ...]
    skipped: tuple[int, ...]
    """What it costs to pass all sites before each, and all of them."""
    jumps: tuple[tuple[int, int], ...]
    """Jumps back, as those of loops: the number of the next site, from and to."""


@lru_cache(maxsize=4096)
def sites_of(code: CodeType) -> Sites:
    """What may run an op."""
    found: list[Site] = []
    at: dict[int, int] = {}
    jumps: list[tuple[int, int]] = []
    line = code.co_firstlineno
    for instruction in dis.get_instructions(code):
        positions = getattr(instruction, "positions", None)
        line = (positions.lineno if positions is not None else instruction.starts_line) or line
        at[instruction.offset] = len(found)
        if "JUMP" in instruction.opname and isinstance(instruction.argval, int):
            target = at.get(instruction.argval)
            if target is not None:
                jumps.append((len(found), target))
        site = _site(instruction, line)
        if site is not None:
            found.append(site)
    skipped = (0, *accumulate(site.skipped for site in found))
    return Sites(tuple(found), skipped, tuple(jumps))


def _site(instruction: dis.Instruction, line: int) -> Site | None:
    name, argument = instruction.opname, instruction.argrepr
    if name == "BINARY_OP" or name.removeprefix("INPLACE_").removeprefix("BINARY_") in _OLD_BINARY:
        sign = argument if name == "BINARY_OP" else _OLD_BINARY[name.partition("_")[2]]
        if sign == "[]":  # CPython 3.14
            return Site(line, _INDEXING, runs_several=True, skipped=_SKIPPED_OPERATOR)
        return Site(line, frozenset(_BINARY.get(sign.removesuffix("="), ())), skipped=_SKIPPED_OPERATOR)
    if name in {"BINARY_SUBSCR", "STORE_SUBSCR", "BINARY_SLICE", "STORE_SLICE"}:
        return Site(line, _INDEXING, runs_several=True, skipped=_SKIPPED_OPERATOR)
    if name == "COMPARE_OP":
        sign = argument.removeprefix("bool(").removesuffix(")")
        ops = frozenset({_COMPARE[sign]}) if sign in _COMPARE else frozenset()
        return Site(line, ops, skipped=_SKIPPED_OPERATOR)
    return _other_site(name, argument, line)


def _other_site(name: str, argument: str, line: int) -> Site | None:
    """A site that may well run nothing."""
    if name in _UNARY:
        return Site(line, frozenset(_UNARY[name]))
    if "JUMP" in name and "IF" in name:
        return Site(line, frozenset(_TRUTH))
    if name.startswith(_CALLS):
        return Site(line, frozenset(), runs_several=True, is_call=True, skipped=_SKIPPED_CALL)
    if name.startswith("LOAD_ATTR") and argument in _PROPERTIES:
        return Site(line, _PROPERTIES[argument], runs_several=True)
    if name.startswith(_ANY):
        return Site(line, frozenset(), runs_several=True)
    return None


@lru_cache(maxsize=65536)
def lines_of(code: CodeType, ran: tuple[str | Anchor, ...], *, is_begin: bool = False) -> tuple[int, ...]:
    """The lines of the ops in `ran`, which has the calls before, between and after them, too.

    The cheapest way through the function's sites, as they are passed in a run of it.

    Args:
        code: of the function.
        ran: what it has run, in a row.
        is_begin: whether that is the first it has run.
    """
    found = sites_of(code)
    sites = found.sites
    if not sites:
        return tuple(code.co_firstlineno for item in ran if isinstance(item, str))
    costs = list(found.skipped[:-1]) if is_begin else [0] * len(sites)
    costs = [cost + _match(site, ran[0]) for cost, site in zip(costs, sites, strict=True)]
    ways: list[list[int]] = [list(range(len(sites)))]
    for item in ran[1:]:
        costs, way = _advance(costs, found)
        costs = [cost + _match(site, item) for cost, site in zip(costs, sites, strict=True)]
        ways.append(way)
    at = min(range(len(sites)), key=costs.__getitem__)
    lines = []
    for item, way in zip(reversed(ran), reversed(ways), strict=True):
        if isinstance(item, str):
            lines.append(sites[at].line)
        at = way[at]
    return tuple(reversed(lines))


def _advance(costs: list[int], found: Sites) -> tuple[list[int], list[int]]:
    """One item further: what it costs to come to each site, and from which site one came."""
    skipped = found.skipped
    count = len(costs)
    # Before each site, the cheapest way there without what was passed since the function's beginning.
    cheapest = [(_FAR, 0)] * (count + 1)
    for at in range(count):
        come = (costs[at] - skipped[at + 1], at)
        cheapest[at + 1] = min(cheapest[at], come)
    for start, target in sorted(found.jumps):
        cost, source = cheapest[start]
        come = (cost + skipped[start] + _JUMP - skipped[target], source)
        for at in range(target, count + 1):
            if cheapest[at] <= come:
                break
            cheapest[at] = come
    anywhere = min(range(count), key=costs.__getitem__)
    new, way = [], []
    for at in range(count):
        cost, source = cheapest[at]
        ways = [(cost + skipped[at], source), (costs[anywhere] + _ELSEWHERE, anywhere)]
        ways.append((costs[at] + (0 if found.sites[at].runs_several else _AGAIN), at))
        best, source = min(ways)
        new.append(best)
        way.append(source)
    return new, way


def _match(site: Site, item: str | Anchor) -> int:
    """What speaks against `item` having been run there."""
    if isinstance(item, Anchor):
        if site.line != item.line:
            return 2 * _OTHER_OP + abs(site.line - item.line)
        return 0 if site.is_call else _UNLIKELY
    name = item.rpartition("::")[2]
    if name in site.ops or name.removesuffix("_") in site.ops:
        return 0
    if site.ops:
        return _OTHER_OP
    if site.is_call and name in _BY_CLASSES:
        return 0
    return _FROM_CALL if site.is_call else _UNLIKELY
