"""Lists of one form only: ascending, each item once, and left out where they are empty."""

from __future__ import annotations

from itertools import pairwise

from verifier.errors import MalformedBundle
from verifier.shape import Shape
from verifier.wire.envelope import HERE


def ascending_bytes(item: Shape, limit: int, width: int, what: str) -> tuple[bytes, ...]:
    """Byte strings, each greater than the one before it."""
    found = tuple(item.all_bytes(limit, width))
    for one, two in pairwise(found):
        if one >= two:
            raise MalformedBundle(HERE, f"{what} ascend, each once; out of order or repeated", two)
    return found


def not_empty(item: Shape) -> None:
    """A list that may be left out, and is not."""
    if not item.value:
        raise MalformedBundle(HERE, f"{item.path} is there and empty; then it is left out")


def ascending(item: Shape, limit: int, below: int) -> tuple[int, ...]:
    """Indices below a bound, each greater than the one before it."""
    indices = tuple(item.all_uints(limit))
    if any(one >= two for one, two in pairwise(indices)) or (indices and indices[-1] >= below):
        raise MalformedBundle(HERE, f"indices ascend, each once, and stay below {below}")
    return indices
