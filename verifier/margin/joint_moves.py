"""Joint moves: how far everything may move together before an account fails.

Three answers beside the price of each asset alone: the distance to default in standard deviations with the most
likely way there, the smallest uniform fall of all assets, and the smallest move along one factor's betas.

Source: margin reference, section 10.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from verifier.margin.curves import PoolLow
from verifier.margin.fixed import Price, Usd, credit
from verifier.margin.liquidation_price import exposed
from verifier.margin.models.joint import Distance, betas, distance
from verifier.margin.pool_curve import PoolCurve
from verifier.margin.seek import Point, turning_point
from verifier.margin.trial import Scales, Trial
from verifier.policy import PPM

BUMP: Final = 1_000
"""Relative move, in ppm, by which slopes are measured."""
MOST_FALL: Final = 999_999
MOST_RISE: Final = 9_000_000
STEPS: Final = 12


@dataclass(frozen=True, slots=True)
class JointMoves:
    """What a pool withstands.

    Attributes:
        excess: E − MM now.
        slopes: Change of E − MM for a log move of one, by group.
        fall, rise: The smallest uniform move of all groups but the still ones at which the status flips, in ppm; None
            where none up to 99.9999 % down or 900 % up does.
        factor: Whose betas the ray follows; empty without past returns.
        factor_fall, factor_rise: The smallest move of the factor, in ppm.
    """

    pool: str
    excess: Usd
    slopes: Mapping[str, Usd]
    distance: Distance
    fall: int | None
    rise: int | None
    factor: str
    factor_fall: int | None
    factor_rise: int | None


def joint_moves(
    scales: Scales, trial: Trial, pool: str, *, still: frozenset[str] = frozenset(), factor: str = ""
) -> JointMoves | None:
    """
    What a pool withstands; None without a low figure.

    Args:
        still: Groups that do not take part in the uniform move: the money one counts in.
        factor: The group whose betas the ray follows; the one with the steepest slope where it is not given.
    """
    curve = PoolCurve(scales, trial, pool)
    state = curve.at({})
    if not state.known:
        return None
    groups = exposed(trial, pool, scales)
    slopes = {group: _slope(trial, curve, group) for group in groups}
    snapshot = trial.snapshot
    far = distance(state.buffer, slopes, snapshot.returns, scales.setting.rules.volatility, step=snapshot.return_step)
    moving = dict.fromkeys((g for g in groups if g not in still), PPM)
    chosen = factor or max((g for g in groups if g in snapshot.returns), key=lambda g: (abs(slopes[g]), g), default="")
    ray = _ray(snapshot.returns, chosen, moving)
    return JointMoves(
        pool=pool,
        excess=Usd(state.buffer),
        slopes=slopes,
        distance=far,
        fall=_smallest(trial, curve, moving, -1),
        rise=_smallest(trial, curve, moving, 1),
        factor=chosen,
        factor_fall=_smallest(trial, curve, ray, -1) if ray else None,
        factor_rise=_smallest(trial, curve, ray, 1) if ray else None,
    )


def _ray(returns: Mapping[str, tuple[int, ...]], factor: str, moving: Mapping[str, int]) -> dict[str, int]:
    if len(returns.get(factor, ())) < 2 or not any(returns[factor]):
        return {}
    found = betas(returns, factor)
    return {group: found[group] for group in moving if group in found}


def equity_slopes(scales: Scales, trial: Trial, pool: str, groups: Sequence[str]) -> dict[str, Usd]:
    """Change of equity for a log move of one, by group."""
    made, curve = {}, PoolCurve(scales, trial, pool)
    for group in groups:
        up, down = _ends(trial, curve, group)
        made[group] = Usd((up.low[0] - down.low[0]) * PPM // (2 * BUMP))
    return made


def _slope(trial: Trial, curve: PoolCurve, group: str) -> Usd:
    """Central difference of E − MM, for a log move of one."""
    up, down = _ends(trial, curve, group)
    return Usd((up.buffer - down.buffer) * PPM // (2 * BUMP))


def _ends(trial: Trial, curve: PoolCurve, group: str) -> tuple[PoolLow, PoolLow]:
    price = trial.price(group) or Price(1)
    up, down = (Price(max(price * (PPM + side * BUMP) // PPM, 1)) for side in (1, -1))
    return curve.at({group: up}), curve.at({group: down})


def _smallest(trial: Trial, curve: PoolCurve, betas_of: Mapping[str, int], side: int) -> int | None:
    """The smallest move along a ray, in ppm, at which the status flips: a coarse scan, then closed in on."""
    state = curve.at({})
    probe = _probe(trial, curve, betas_of, side, already=state.fails)
    most = MOST_FALL if side < 0 else MOST_RISE
    before = Point(0, turned=False, measure=state.buffer)
    for step in range(1, STEPS + 1):
        found = probe(most * step * step // (STEPS * STEPS))
        if found.turned:
            return turning_point(probe, before, found).at
        before = found
    return None


def _probe(
    trial: Trial, curve: PoolCurve, betas_of: Mapping[str, int], side: int, *, already: bool
) -> Callable[[int], Point]:
    held = {group: (trial.price(group), beta) for group, beta in betas_of.items()}

    def probe(move: int) -> Point:
        state = curve.at(
            {
                group: Price(max(credit(price * (PPM * PPM + side * move * beta), PPM * PPM), 1))
                for group, (price, beta) in held.items()
                if price is not None
            }
        )
        return Point(move, state.fails != already, state.buffer)

    return probe
