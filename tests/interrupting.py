"""Ctrl+C at each moment of a function, one after the other."""

from __future__ import annotations

import sys


def interrupted_at(moment, function):
    """What Ctrl+C raises at a moment at which Python would call its handler; None if it is over before."""

    def count(frame, event, argument):
        nonlocal moment
        moment -= event in {"call", "c_return"}
        if moment < 0:
            sys.setprofile(None)
            raise KeyboardInterrupt

    sys.setprofile(count)
    try:
        function()
    except KeyboardInterrupt as error:
        return error
    finally:
        sys.setprofile(None)
    return None
