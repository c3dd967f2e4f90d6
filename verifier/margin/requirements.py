"""Rule-based requirements: spot debt by asset group, the tiers of a market, and the floor.

Spot is weighed by asset group. Holdings and debts of one group net first, so a collateral rate never shrinks a
liability and two networks' balances of one asset are one; then what is left over is haircut, or weighted up:

    E − IM = Σ⁺ net·(1 − h) − Σ⁻ |net|·w        (the lending market's own inequality, section 6.3)

Source: margin reference, sections 4, 6.1 and 6.3.
"""

from __future__ import annotations

from dataclasses import dataclass

from verifier.margin.fixed import Usd, charge, part_of
from verifier.margin.lines import LineValue
from verifier.margin.risk import Risk
from verifier.margin.rules import Floor, Market
from verifier.policy import PPM, Factors


@dataclass(frozen=True, slots=True)
class GroupValue:
    """One asset group of one pocket: its net value, and the risk of it, in the low and the high figure.

    Attributes:
        low_known: False where a debt of unknown size, or without a usable price, is among its lines: `low` then
            leaves it out, and there is no low figure.
        high_known: False where a holding of unknown size or price is among its lines.
        declared: Whether a line that someone typed in is among them.
    """

    group: str
    factors: Factors
    net_low: Usd
    net_low_initial: Usd
    net_high: Usd
    low: Risk
    high: Risk
    low_known: bool
    high_known: bool
    declared: bool = False


def weigh_group(group: str, lines: tuple[LineValue, ...], factors: Factors) -> GroupValue:
    """Net the lines of one asset, then weigh what is left."""
    low = Usd(sum(line.known_low for line in lines))
    initial = Usd(sum(line.known_low_initial for line in lines))
    high = Usd(sum(line.known_high for line in lines))
    return GroupValue(
        group=group,
        factors=factors,
        net_low=low,
        net_low_initial=initial,
        net_high=high,
        low=weigh_net(low, initial, factors),
        high=weigh_net(high, high, factors),
        low_known=all(line.low_known for line in lines),
        high_known=all(line.high_known for line in lines),
        declared=any(line.line.declared for line in lines),
    )


def weigh_net(net: int, net_initial: int, factors: Factors) -> Risk:
    """The risk of a net balance: its value after data haircuts of maintenance and of initial level."""
    held, held_initial = max(net, 0), max(net_initial, 0)
    owed, owed_initial = max(-net, 0), max(-net_initial, 0)
    haircut = charge(*part_of(held, factors.haircut.maintenance))
    haircut_initial = charge(*part_of(held_initial, factors.haircut.initial))
    added = charge(*part_of(owed, factors.debt_weight_maintenance - PPM))
    added_initial = charge(*part_of(owed_initial, factors.debt_weight_initial - PPM))
    contingency = net - net_initial
    return Risk(
        equity=Usd(net),
        initial=Usd(haircut_initial + added_initial + contingency),
        maintenance=Usd(haircut + added),
        initial_haircut=Usd(haircut_initial + contingency),
        data_contingency=Usd(contingency),
        maintenance_haircut=Usd(haircut),
        weighted=Usd(held - haircut),
        owed=Usd(owed + added),
    )


def market_requirement(market: Market, notional: Usd) -> tuple[Usd, Usd]:
    """IM and MM of a notional: `N·r_k − a_k` of the tier it reaches, each rounded up once."""
    allowance_initial = allowance_maintenance = 0
    tier = market.tiers[0]
    for upper in market.tiers[1:]:
        if notional <= upper.above:
            break
        allowance_initial += upper.above * (upper.initial - tier.initial)
        allowance_maintenance += upper.above * (upper.maintenance - tier.maintenance)
        tier = upper
    initial = charge(notional * tier.initial - allowance_initial, PPM)
    maintenance = charge(notional * tier.maintenance - allowance_maintenance, PPM)
    return Usd(initial), Usd(maintenance)


def with_floor(risk: Risk, floor: Floor) -> Risk:
    """At least the floor, beside the haircuts of collateral, which are no requirement of what is open."""
    short_initial = max(0, floor.initial - (risk.initial - risk.initial_haircut))
    short_maintenance = max(0, floor.maintenance - (risk.maintenance - risk.maintenance_haircut))
    return risk + Risk(initial=Usd(short_initial), maintenance=Usd(short_maintenance))
