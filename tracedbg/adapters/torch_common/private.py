"""A private name of torch: where it is, for which versions, what for; and what it says when it has gone."""

from __future__ import annotations

import importlib
from contextlib import suppress
from dataclasses import dataclass
from typing import Any


class MovedError(Exception):
    """torch has this private name no longer, or not yet."""


@dataclass(frozen=True)
class Private:
    """A private name of torch."""

    module: str
    path: str
    versions: str
    use: str

    def find(self) -> tuple[Any, str]:
        """What holds the name, and the last part of it.

        Raises:
            MovedError: if it is not there.
        """
        owner: Any = importlib.import_module(self.module)  # loaded by convert_frame: never a new import
        *parents, attribute = self.path.split(".")
        for part in (*parents, attribute):
            if not hasattr(owner, part):
                import torch

                raise MovedError(
                    f"torch {torch.__version__} has no {self.module}.{self.path} (known in {self.versions})"
                )
            if part is not attribute:
                owner = getattr(owner, part)
        return owner, attribute

    def get(self) -> Any:
        """The object of that name."""
        owner, attribute = self.find()
        return getattr(owner, attribute)


def find_first(*names: Private) -> tuple[Any, str]:
    """Like `find`, of the first of them that is there: names of newer versions come first.

    Raises:
        MovedError: if none is there; it names the first.
    """
    for name in names:
        with suppress(MovedError):
            return name.find()
    return names[0].find()
