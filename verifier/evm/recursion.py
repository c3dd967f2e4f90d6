"""Python's recursion limit: higher while a call runs, and as it was when none does.

The specification calls itself for each call frame, from Python to Python: such calls lie on the heap, and take none of
the stack in C. The limit guards other code too, so it is raised by what a run may need and no more, and only as long as
one runs. It is one for the whole process; runs in several threads share the higher one.
"""

from __future__ import annotations

import sys
import threading
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import Final

_FRAMES: Final = 1_025
"""Call frames inside each other that the protocol allows: the outermost, and 1,024 below it."""
_EACH: Final = 6
"""Python frames for one of them: five for a contract that is created, four for a call."""
_BESIDE: Final = 1_000
"""For what runs at the bottom: precompiles, proofs."""
_ROOM: Final = _FRAMES * _EACH + _BESIDE


class _Room:
    """How many runs there are, and what the limit was before the first of them."""

    def __init__(self) -> None:
        self._lock, self._runs, self._before = threading.Lock(), 0, 0

    @contextmanager
    def taken(self) -> Iterator[None]:
        with self._lock:
            if not self._runs:
                self._before = sys.getrecursionlimit()
                sys.setrecursionlimit(self._before + _ROOM)
            self._runs += 1
        try:
            yield
        finally:
            with self._lock:
                self._runs -= 1
                sys.setrecursionlimit(self._before + _ROOM if self._runs else self._before)


_room: Final = _Room()


def deep_recursion() -> AbstractContextManager[None]:
    """Room for as many call frames as the protocol allows; whatever the limit is set to within is undone."""
    return _room.taken()


__all__ = ["deep_recursion"]
