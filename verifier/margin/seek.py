"""Where a yes-or-no answer turns over, to one unit: integers only, exact, and in few questions.

The measure beside the answer is nearly a straight line in places; each round asks where it would cross zero and just
beside it, and where that is no help, in the middle. The answer alone decides; the measure only saves questions.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Point:
    """One question and its answer.

    Attributes:
        measure: Signed; its sign changes about where the answer turns over.
    """

    at: int
    turned: bool
    measure: int


def turning_point(probe: Callable[[int], Point], near: Point, far: Point, hint: int | None = None) -> Point:
    """The point nearest to `near`, of those found, that has turned over while its neighbour towards `near` has not.

    Args:
        near: Not turned; `far`, on either side of it, turned.
        hint: A first guess, tried before anything else.
    """
    if hint is not None:
        near, far = _narrowed(probe, near, far, hint)
        near, far = _narrowed(probe, near, far, hint - 1 if far.at > near.at else hint + 1)
    width = 1
    while abs(far.at - near.at) > 1:
        near, far = _narrowed(probe, near, far, _crossing(near, far))
        side = 1 if far.at > near.at else -1
        near, far = _narrowed(probe, near, far, near.at + side * width)
        near, far = _narrowed(probe, near, far, far.at - side * width)
        near, far = _narrowed(probe, near, far, (near.at + far.at) // 2)
        width *= 64
    return far


def _narrowed(probe: Callable[[int], Point], near: Point, far: Point, at: int) -> tuple[Point, Point]:
    """The bracket with one end moved to a place strictly inside it; unchanged for any other place."""
    if not min(near.at, far.at) < at < max(near.at, far.at):
        return near, far
    found = probe(at)
    return (near, found) if found.turned else (found, far)


def _crossing(near: Point, far: Point) -> int:
    """Where the straight line between the ends is zero."""
    rise = far.measure - near.measure
    return near.at if rise == 0 else near.at - near.measure * (far.at - near.at) // rise
