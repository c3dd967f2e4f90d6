"""Where a yes-or-no answer turns over, to one unit: integers only, exact, and in few questions.

The measure beside the answer is nearly a straight line in places; each round asks where it would cross zero, with the
measure of an end that stayed taken for half as much (the Illinois rule), and where that is no help, in the middle. The
answer alone decides; the measure only saves questions.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

PATIENCE: Final = 3
"""After so many questions that together did not halve the bracket, the middle is asked."""


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
    wide, asked = abs(far.at - near.at), 0
    # Of either end: what it is taken to measure.
    before, after = near.measure, far.measure
    stayed: Point | None = None
    while abs(far.at - near.at) > 1:
        at = _crossing(near, far, before, after)
        if asked == PATIENCE:
            at = (near.at + far.at) // 2
        was = near
        near, far = _narrowed(probe, near, far, at)
        if near is was:
            before, after = before // 2 if stayed is near else before, far.measure
            stayed = near
        else:
            before, after = near.measure, after // 2 if stayed is far else after
            stayed = far
        asked += 1
        if 2 * abs(far.at - near.at) <= wide or asked > PATIENCE:
            wide, asked = abs(far.at - near.at), 0
    return far


def _narrowed(probe: Callable[[int], Point], near: Point, far: Point, at: int) -> tuple[Point, Point]:
    """The bracket with one end moved to a place strictly inside it; unchanged for any other place."""
    if not min(near.at, far.at) < at < max(near.at, far.at):
        return near, far
    found = probe(at)
    return (near, found) if found.turned else (found, far)


def _crossing(near: Point, far: Point, before: int, after: int) -> int:
    """Where the straight line between the ends is zero, strictly inside them."""
    rise, side = after - before, 1 if far.at > near.at else -1
    at = near.at if rise == 0 else near.at - before * (far.at - near.at) // rise
    inside = (near.at + side, far.at - side)
    return min(max(at, min(inside)), max(inside))
