"""The line of an op that an operator of Python ran: `a * b` is no call, so that no profiler tells its line.

Between two calls, whose lines are known, a function's bytecode has few operators. The ops that ran there are
laid beside them in their order. It must not know a profiler.
"""

from __future__ import annotations

import dis
import linecache
from functools import lru_cache
from types import CodeType
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

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
_ANY = (
    "LOAD_ATTR",
    "CALL",
    "GET_ITER",
    "FOR_ITER",
    "UNPACK_SEQUENCE",
    "FORMAT_",
    "LOAD_METHOD",
    "STORE_ATTR",
)
"""How instructions begin that may run any op: a property, a class that is called (`float(x)`), ..."""
_UNLIKELY, _OTHER_OP, _BACK, _AGAIN = 1, 6, 2, 3
_FAR = 10**9


class Site(NamedTuple):
    """An instruction that may run an op."""

    line: int
    ops: frozenset[str]
    """Those that it runs; empty: any."""
    runs_several: bool = False


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


@lru_cache(maxsize=4096)
def sites_of(code: CodeType) -> tuple[Site, ...]:
    """What may run an op, in the order of the bytecode."""
    found = []
    line = code.co_firstlineno
    for instruction in dis.get_instructions(code):
        positions = getattr(instruction, "positions", None)
        line = (positions.lineno if positions is not None else instruction.starts_line) or line
        site = _site(instruction.opname, instruction.argrepr, line)
        if site is not None:
            found.append(site)
    return tuple(found)


def _site(name: str, argument: str, line: int) -> Site | None:  # noqa: PLR0911  one kind after the other
    if name == "BINARY_OP" or name.removeprefix("INPLACE_").removeprefix("BINARY_") in _OLD_BINARY:
        sign = argument if name == "BINARY_OP" else _OLD_BINARY[name.partition("_")[2]]
        if sign == "[]":  # CPython 3.14
            return Site(line, _INDEXING, runs_several=True)
        return Site(line, frozenset(_BINARY.get(sign.removesuffix("="), ())))
    if name in {"BINARY_SUBSCR", "STORE_SUBSCR", "BINARY_SLICE", "STORE_SLICE"}:
        return Site(line, _INDEXING, runs_several=True)
    if name == "COMPARE_OP":
        sign = argument.removeprefix("bool(").removesuffix(")")
        return Site(line, frozenset({_COMPARE[sign]}) if sign in _COMPARE else frozenset())
    if name in _UNARY:
        return Site(line, frozenset(_UNARY[name]))
    if "JUMP" in name and "IF" in name:
        return Site(line, frozenset(_TRUTH))
    if name.startswith(_ANY):
        return Site(line, frozenset(), runs_several=True)
    return None


@lru_cache(maxsize=65536)
def lines_of(code: CodeType, ran: tuple[str | Anchor, ...]) -> tuple[int, ...]:
    """The lines of the ops in `ran`, which has the calls before, between and after them, too.

    The cheapest way through the function's sites: forward for nothing, back (a loop) for a little.
    """
    sites = sites_of(code)
    if not sites:
        return tuple(code.co_firstlineno for item in ran if isinstance(item, str))
    costs = [0] * len(sites)
    ways: list[list[int]] = []
    for number, item in enumerate(ran):
        matches = [_match(site, item) for site in sites]
        costs, way = _advance(costs, matches, sites, is_first=number == 0)
        ways.append(way)
    at = min(range(len(sites)), key=costs.__getitem__)
    found = []
    for item, way in zip(reversed(ran), reversed(ways), strict=True):
        if isinstance(item, str):
            found.append(sites[at].line)
        at = way[at]
    return tuple(reversed(found))


def _advance(
    costs: list[int], matches: Sequence[int], sites: Sequence[Site], *, is_first: bool
) -> tuple[list[int], list[int]]:
    """One item further: what it costs to have run it at each site, and from which site one came."""
    if is_first:
        return list(matches), list(range(len(sites)))
    back = min(range(len(costs)), key=costs.__getitem__)
    best, best_cost = back, _FAR
    new, way = [], []
    for at, match in enumerate(matches):
        source, cost = best, best_cost
        if costs[back] + _BACK < cost:
            source, cost = back, costs[back] + _BACK
        again = costs[at] + (0 if sites[at].runs_several else _AGAIN)
        if again < cost:
            source, cost = at, again
        new.append(cost + match)
        way.append(source)
        if costs[at] < best_cost:
            best, best_cost = at, costs[at]
    return new, way


def _match(site: Site, item: str | Anchor) -> int:
    """What speaks against `item` having been run there."""
    if isinstance(item, Anchor):
        return 0 if site.line == item.line else 2 * _OTHER_OP + abs(site.line - item.line)
    name = item.rpartition("::")[2]
    if name in site.ops or name.removesuffix("_") in site.ops:
        return 0
    return _OTHER_OP if site.ops else _UNLIKELY
