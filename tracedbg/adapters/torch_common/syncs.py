"""Which ops and methods make the host wait for the device, or would on a GPU: for debugger and recorder.

Names of torch's ops, without `aten::`; they hold for torch 2.7 to 2.13.
"""

from __future__ import annotations

from typing import NamedTuple


class Wait(NamedTuple):
    """What makes the host wait."""

    sync: str
    """A value of `ran.SYNCS`."""
    asked_by: str
    """As the program has it."""


OPS = {
    "_local_scalar_dense": Wait("item", "item()"),
    "is_nonzero": Wait("bool", "bool()"),
    "nonzero": Wait("nonzero", "nonzero()"),
    "equal": Wait("equal", "equal()"),
    "_unique": Wait("unique", "unique()"),
    "_unique2": Wait("unique", "unique()"),
    "unique_dim": Wait("unique", "unique()"),
    "unique_consecutive": Wait("unique", "unique_consecutive()"),
    "masked_select": Wait("mask", "masked_select()"),
    "bincount": Wait("nonzero", "bincount()"),
}
INDEXING = ("index", "index_put", "index_put_", "_index_put_impl_", "_unsafe_index")
"""By a mask, these look for what is not zero."""
COMPOSED = {"item": Wait("item", "item()"), "nonzero_numpy": Wait("nonzero", "nonzero()")}
"""Made of `OPS`, for whoever sees ops before they are taken apart."""
METHODS = ("tolist", "cpu", "numpy")
"""Methods of a tensor that wait, and run no op where the tensor is on the CPU."""
