"""Every kind of error has a page behind its slug, and the tree in the docstring is the real one."""

from __future__ import annotations

import re
from pathlib import Path

from tracedbg import errors

PAGE = Path(__file__).parents[2] / "docs" / "reference" / "messages.md"


def all_errors(cls=errors.TracedbgError):
    yield cls
    for child in cls.__subclasses__():
        if child.__module__ == "tracedbg.errors":
            yield from all_errors(child)


def slugs_of_all():
    warnings = [one for one in vars(errors).values() if isinstance(one, type) and issubclass(one, Warning)]
    return [cls.slug for cls in (*all_errors(), *warnings)]


def test_every_error_has_an_entry_in_the_messages_page_and_the_other_way_round():
    slugs = re.findall(r"^`([a-z-]+)`\n:", PAGE.read_text(), flags=re.MULTILINE)
    assert sorted(slugs) == sorted(slugs_of_all())


def test_the_tree_in_the_docstring_names_every_error_below_its_parent():
    tree = errors.__doc__.splitlines()
    for cls in all_errors():
        line = next(line for line in tree if re.search(rf"\b{cls.__name__}\b", line))
        if cls is not errors.TracedbgError:
            parent = next(line for line in tree if re.search(rf"\b{cls.__bases__[0].__name__}\b", line))
            assert line.index(cls.__name__) > parent.index(cls.__bases__[0].__name__)


def test_no_two_errors_share_a_slug():
    slugs = slugs_of_all()
    assert len(slugs) == len(set(slugs))
