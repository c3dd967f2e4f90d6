"""The cheapest flows of money between networks, by a linear programme; a proposal that integers check.

Source: margin reference, section 17.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from verifier.margin.fixed import SCALE, Usd
from verifier.margin.models.money import gain_of
from verifier.margin.models.programme import transfers
from verifier.policy import PPM

if TYPE_CHECKING:
    from verifier.margin.pool import UsableRoute


def cheapest_flows(
    networks: Sequence[str], short: Mapping[str, int], spare: Mapping[str, int], routes: Sequence[UsableRoute]
) -> tuple[Usd, ...] | None:
    """How much to send over each route, for a billionth more than is lacking; None where nothing is feasible."""
    if not routes:
        return None
    place = {name: i for i, name in enumerate(networks)}
    lacking = [short[n] / SCALE * (1 + 1e-9) for n in networks]
    free = [spare[n] / SCALE for n in networks]
    edges = [(place[r.route.start], place[r.route.end], r.route.capacity / SCALE, 1 - r.kept / PPM) for r in routes]
    found = transfers(lacking, free, edges)
    if found is None:
        return None
    # A flow of less than a hundred-thousandth of a dollar is the solver's noise.
    return tuple(gain_of(min(a, e[2]) if a > 1e-5 else 0.0) for a, e in zip(found.amounts, edges, strict=True))
