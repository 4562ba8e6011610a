"""Turns what a damaged or forged database does to its readers into one error of ours.

It must not know what the data mean.
"""

from __future__ import annotations

import functools
import inspect
import sqlite3
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, TypeVar

from tracedbg.errors import DamagedRunError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

_BAD = (
    sqlite3.Error,
    ValueError,
    LookupError,
    TypeError,
    AttributeError,
    OverflowError,
    RecursionError,
    MemoryError,
)
C = TypeVar("C", bound=type)


@contextmanager
def readable(path: str) -> Iterator[None]:
    """Turn what SQLite and the decoders say of a bad file into an error of ours."""
    try:
        yield
    except _BAD as error:
        said = str(error) or type(error).__name__
        raise DamagedRunError(f"cannot read {path}: {said}") from error


def decoding(path_of: Callable[[Any], str]) -> Callable[[C], C]:
    """Have all public methods of a class answer with what is there, or with a `DamagedRunError`.

    Args:
        path_of: the file that an object of the class reads.
    """

    def wrap(method: Callable[..., Any]) -> Callable[..., Any]:
        if inspect.isgeneratorfunction(method):

            @functools.wraps(method)
            def each(self: Any, *args: Any, **kwargs: Any) -> Iterator[Any]:
                with readable(path_of(self)):
                    yield from method(self, *args, **kwargs)

            return each

        @functools.wraps(method)
        def call(self: Any, *args: Any, **kwargs: Any) -> Any:
            with readable(path_of(self)):
                return method(self, *args, **kwargs)

        return call

    def decorate(cls: C) -> C:
        for name, member in list(vars(cls).items()):
            if name.startswith("_"):
                continue
            if inspect.isfunction(member):
                setattr(cls, name, wrap(member))
            elif isinstance(member, property) and member.fget is not None:
                setattr(cls, name, property(wrap(member.fget), doc=member.__doc__))
        return cls

    return decorate
