"""The report: every figure with its cause, the status, and the digests of what it was computed from.

`MarginReport` is computed from a `MarginAccount` and in no other way. A `Snapshot` from elsewhere gives a
`HypotheticalReport`, another type, which no statement takes.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final, Literal

from verifier.errors import BadInput, ValuationOverflow
from verifier.margin.account import MarginAccount, snapshot
from verifier.margin.digest import digest
from verifier.margin.fixed import Usd
from verifier.margin.haircut import NO_PRICE, PriceView, view_price
from verifier.margin.instruments import Future
from verifier.margin.lines import LineValue, value_line
from verifier.margin.modes import Mode, Pocket, pockets
from verifier.margin.positions import (
    OrdersValue,
    PositionValue,
    is_option,
    split_orders,
    weigh_all_orders,
    weigh_future,
    weigh_position,
)
from verifier.margin.requirements import GroupValue, weigh_group, with_floor
from verifier.margin.risk import Ratio, Risk, total
from verifier.margin.rules import DEFAULT_RULES, MarginRules
from verifier.margin.snapshot import Doubt, Order, Position, Reason, Snapshot
from verifier.margin.status import Status, decide, worst
from verifier.policy import Factors, Policy
from verifier.primitives import Hash32

if TYPE_CHECKING:
    from verifier.margin.models.options import ExpiryRelief
    from verifier.margin.portfolio import PortfolioValue

NO_FACTORS: Final = Factors()
"""For a group the policy does not list: collateral counts nothing, a debt counts in full."""


@dataclass(frozen=True, slots=True)
class PocketReport:
    """One pool: the cross account, or an isolated pocket.

    Attributes:
        name: Empty for the cross pool.
        low: Its risk if every doubt is true; `known_low` is the same without what has no bound.
        high: Its risk if no doubt is true, or None where a holding has no bound.
        status: Decided by both, as `status.decide` says.
        orders: What resting orders may add, by market.
        reliefs: What bounded losses save, by expiry.
        portfolio: What the positions that are weighed by scenarios need together; None where there are none.
    """

    name: str
    lines: tuple[LineValue, ...]
    positions: tuple[PositionValue, ...]
    groups: tuple[GroupValue, ...]
    known_low: Risk
    known_high: Risk
    low_known: bool
    high_known: bool
    status: Status
    reasons: tuple[Reason, ...]
    bounds: tuple[int, ...]
    orders: tuple[OrdersValue, ...] = ()
    reliefs: tuple[ExpiryRelief, ...] = ()
    portfolio: PortfolioValue | None = None

    @property
    def low(self) -> Risk | None:
        """The low figure; None where a liability or position has no bound."""
        return self.known_low if self.low_known else None

    @property
    def high(self) -> Risk | None:
        """The high figure; None where a holding has no bound."""
        return self.known_high if self.high_known else None

    @property
    def free(self) -> Usd:
        """What may be withdrawn or put at new risk: nothing without a low figure."""
        return Usd(0) if self.low is None else self.low.free

    @property
    def buffer(self) -> Usd | None:
        """E − MM of the low figure."""
        return None if self.low is None else self.low.buffer

    def shown(self, ratio: Ratio | None) -> str | None:
        """A ratio as text, rounded down, never contradicting the status; None without a low figure."""
        return None if ratio is None or self.low is None else ratio.shown(self.bounds)


@dataclass(frozen=True, slots=True)
class Figures:
    """Everything that was computed.

    Attributes:
        status: The worst of the pockets'; each pocket's own stands beside it, for they do not affect one another.
        policy_digest: SHA-256 of the canonical form of policy, rules and mode.
        snapshot_digest: SHA-256 of the canonical form of what was weighed.
    """

    mode: Mode
    snapshot: Snapshot
    pockets: tuple[PocketReport, ...]
    status: Status
    reasons: tuple[Reason, ...]
    policy_digest: Hash32
    snapshot_digest: Hash32

    @property
    def lines(self) -> tuple[LineValue, ...]:
        """All lines, by pocket."""
        return tuple(line for pocket in self.pockets for line in pocket.lines)

    @property
    def positions(self) -> tuple[PositionValue, ...]:
        """All positions, by pocket."""
        return tuple(position for pocket in self.pockets for position in pocket.positions)

    @property
    def total_low(self) -> Risk | None:
        """The sum over pockets: what there is in all. It decides nothing, for pockets do not support one another."""
        return _total([pocket.low for pocket in self.pockets])

    @property
    def total_high(self) -> Risk | None:
        """The same in the high figure."""
        return _total([pocket.high for pocket in self.pockets])


@dataclass(frozen=True, slots=True)
class MarginReport:
    """The report of an account. Its figures are computed here, so they cannot be others than the account's."""

    account: MarginAccount
    figures: Figures = field(init=False)
    hypothetical: Literal[False] = field(default=False, init=False)

    def __post_init__(self) -> None:
        account = self.account
        figures = weigh(snapshot(account), account.policy, account.rules, account.mode)
        object.__setattr__(self, "figures", figures)

    @property
    def status(self) -> Status:
        """The worst of the pockets' statuses."""
        return self.figures.status


@dataclass(frozen=True, slots=True)
class HypotheticalReport:
    """The report of a snapshot that someone made up: the same arithmetic, and no one's account."""

    snapshot: Snapshot
    policy: Policy
    rules: MarginRules = DEFAULT_RULES
    mode: Mode = Mode.CROSS
    figures: Figures = field(init=False)
    hypothetical: Literal[True] = field(default=True, init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "figures", weigh(self.snapshot, self.policy, self.rules, self.mode))

    @property
    def status(self) -> Status:
        """The worst of the pockets' statuses."""
        return self.figures.status


def report(account: MarginAccount) -> MarginReport:
    """Weigh an account."""
    return MarginReport(account)


def weigh(taken: Snapshot, policy: Policy, rules: MarginRules, mode: Mode) -> Figures:
    """The figures of a snapshot: a pure function of these four."""
    weighed = weigh_pools(taken, policy, rules, mode)
    return Figures(
        mode=mode,
        snapshot=taken,
        pockets=weighed,
        status=worst(tuple(pocket.status for pocket in weighed)),
        reasons=taken.doubts + tuple(reason for pocket in weighed for reason in pocket.reasons),
        policy_digest=digest(policy, rules, mode),
        snapshot_digest=digest(taken),
    )


def weigh_pools(taken: Snapshot, policy: Policy, rules: MarginRules, mode: Mode) -> tuple[PocketReport, ...]:
    """The pools alone, without digests: for what-ifs, which weigh one account many times."""
    names = {line.group for line in taken.lines} | {position.group for position in taken.positions}
    names |= {order.group for order in taken.orders} | ({rules.settlement} if rules.settlement else set())
    views = {name: view_price(name, taken.quotes.get(name), taken.as_of, rules) for name in sorted(names)}
    return tuple(_weigh_pocket(pocket, taken, views, policy, rules, mode) for pocket in pockets(taken, mode))


def _weigh_pocket(
    pocket: Pocket, taken: Snapshot, views: dict[str, PriceView], policy: Policy, rules: MarginRules, mode: Mode
) -> PocketReport:
    lines = tuple(value_line(line, views.get(line.group, NO_PRICE), policy, rules) for line in pocket.lines)
    by_group: dict[str, list[LineValue]] = {}
    for weighed in lines:
        by_group.setdefault(weighed.line.group, []).append(weighed)
    groups = tuple(
        weigh_group(name, tuple(by_group[name]), policy.factors.get(name, NO_FACTORS)) for name in sorted(by_group)
    )
    values, reliefs, saved = _weigh_positions(pocket, taken, views, rules, mode)
    positions = tuple(values[p.id] for p in pocket.positions)
    together = [p for p in pocket.positions if mode.nets(p)]
    ruled = [p for p in pocket.positions if not mode.nets(p)]
    joining, others = split_orders(pocket.orders, together, ruled, views, all_join=mode is Mode.PORTFOLIO)
    portfolio, fills, beyond = _together(together, joining, values, saved, groups, taken, views, rules)
    orders = (*fills, *weigh_all_orders(others, ruled, views, rules))
    parts = [(g.low, g.high) for g in groups] + [(r.low, r.high) for r in reliefs] + [(o.risk, o.risk) for o in orders]
    parts += [_counted(v) if mode.nets(v.position) and portfolio is not None else (v.low, v.high) for v in positions]
    parts += [] if portfolio is None else [(portfolio.low, portfolio.high)]
    low, high = total(part[0] for part in parts), total(part[1] for part in parts)
    if positions or orders or any(v.line.liability for v in lines):
        low, high = with_floor(low, rules.floor), with_floor(high, rules.floor)
    whole: tuple[GroupValue | PositionValue, ...] = (*groups, *positions)
    sure = not taken.doubts and not beyond and all(order.known for order in orders)
    low_known = sure and all(part.low_known for part in whole)
    high_known = sure and all(part.high_known for part in whole)
    reasons = [reason for line in lines for reason in line.reasons]
    reasons += [reason for position in positions for reason in position.reasons]
    reasons += [*(reason for order in orders for reason in order.reasons), *beyond]
    return PocketReport(
        name=pocket.name,
        lines=lines,
        positions=positions,
        groups=groups,
        known_low=low,
        known_high=high,
        low_known=low_known,
        high_known=high_known,
        status=decide(low if low_known else None, high if high_known else None, rules.ladder),
        reasons=tuple(reasons),
        bounds=rules.ladder.bounds,
        orders=orders,
        reliefs=reliefs,
        portfolio=portfolio,
    )


def _weigh_positions(
    pocket: Pocket, taken: Snapshot, views: dict[str, PriceView], rules: MarginRules, mode: Mode
) -> tuple[dict[str, PositionValue], tuple[ExpiryRelief, ...], tuple[ExpiryRelief, ...]]:
    """Every position alone, by rules; and the reliefs of expiries, of options weighed by rules and by scenarios."""
    values = {
        p.id: weigh_future(p, taken, views.get(p.group, NO_PRICE), rules)
        if isinstance(p.terms, Future)
        else weigh_position(p, views.get(p.group, NO_PRICE), rules)
        for p in pocket.positions
        if not is_option(p)
    }
    options = [p for p in pocket.positions if is_option(p)]
    if not options:
        return values, (), ()
    # The models load numpy and scipy, which an account without options has no use for.
    from verifier.margin.models.options import weigh_options

    netted = [p for p in options if mode.nets(p)]
    ruled = [p for p in options if not mode.nets(p)]
    found, reliefs = weigh_options(ruled, taken, views, rules)
    others, saved = weigh_options(netted, taken, views, rules)
    return values | found | others, reliefs, saved


def _together(
    positions: list[Position],
    orders: tuple[Order, ...],
    values: dict[str, PositionValue],
    saved: tuple[ExpiryRelief, ...],
    groups: tuple[GroupValue, ...],
    taken: Snapshot,
    views: dict[str, PriceView],
    rules: MarginRules,
) -> tuple[PortfolioValue | None, tuple[OrdersValue, ...], tuple[Reason, ...]]:
    """What they need together, and what fills add; beyond any figure that can be true, the doubt that says so."""
    if not positions:
        return None, (), ()
    from verifier.margin.models.from_snapshot import Setting
    from verifier.margin.order_fills import Together, weigh_fills
    from verifier.margin.portfolio import weigh_portfolio

    setting = Setting(taken, views, rules)
    try:
        made = weigh_portfolio(positions, values, saved, groups, setting)
        return made, weigh_fills(orders, made, Together(positions, values, saved, groups, setting)), ()
    except (BadInput, ValuationOverflow) as error:
        return None, (), (Reason(Doubt.OVERFLOW, "portfolio", str(error)),)


def _counted(value: PositionValue) -> tuple[Risk, Risk]:
    """What a position brings to equity; what it needs is asked for together with the others."""
    return Risk(equity=value.low.equity), Risk(equity=value.high.equity)


def _total(parts: list[Risk | None]) -> Risk | None:
    known = [part for part in parts if part is not None]
    return total(known) if len(known) == len(parts) else None
