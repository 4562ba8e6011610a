"""The objects of a class that there are in this process, whoever has made them."""

from __future__ import annotations

import gc
from typing import Any


def instances_of(*bases: type) -> list[Any]:
    """All objects of these classes and of those made from them; safe in any thread.

    Who refers to the classes is found: each object does. `gc.get_objects` would be simpler, but it gives away
    tuples that another thread has not finished: C code that goes on with one of those then finds a reference
    too many, and raises a SystemError.
    """
    classes = {found for base in bases for found in classes_of(base)}
    if not classes:
        return []
    return [one for one in gc.get_referrers(*classes) if type(one) in classes]


def classes_of(base: type) -> list[type]:
    """A class and those made from it."""
    found = [base]
    for one in found:  # it grows meanwhile
        found += type.__subclasses__(one)
    return found
