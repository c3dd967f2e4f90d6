"""Random accounts for comparing one way of weighing with another: of every kind, with doubts, odd scales and edges."""

from __future__ import annotations

from dataclasses import dataclass, replace
from random import Random
from types import MappingProxyType

from tests.simulators.minting import AS_OF
from verifier.margin.fixed import SCALE, Price, Usd
from verifier.margin.instruments import Future, InversePerp, Option
from verifier.margin.liquidation_loop import Rung
from verifier.margin.liquidation_steps import Charge, Trading
from verifier.margin.market import Depth, ExpiryQuote
from verifier.margin.models.selling import impacts_of
from verifier.margin.modes import Mode
from verifier.margin.rules import Floor, MarginRules, Market, Tier, flat_market
from verifier.margin.snapshot import Doubt, Line, Order, Position, Quote, Reason, Snapshot
from verifier.margin.trial import Scales, Setting, Trial
from verifier.policy import PRACTICAL, Factors, Haircut, Policy
from verifier.primitives import Timestamp
from verifier.trust import Anchor, Trust

MONTH = Timestamp(AS_OF + 30 * 86_400)
MODES = [Mode.CROSS] * 6 + [Mode.ISOLATED] * 3 + [Mode.PORTFOLIO, Mode.MIXED]
TRUSTS = [Trust(Anchor.PINNED)] * 4 + [None, Trust(Anchor.QUORUM), Trust(Anchor.ATTESTED)]


@dataclass(frozen=True)
class Account:
    """A made-up account, how it is weighed, and what it would be sold into."""

    trial: Trial
    setting: Setting
    trading: Trading
    ladder: dict[str, tuple[Rung, ...]] | None

    @property
    def by_scenarios(self) -> bool:
        return self.setting.mode in (Mode.PORTFOLIO, Mode.MIXED)


class Maker:
    """Draws one account from a seed."""

    def __init__(self, seed: int) -> None:
        self.random = Random(seed)
        self.odd = self.random.random() < 0.3
        self.mode = self.random.choice(MODES)
        self.few = self.mode in (Mode.PORTFOLIO, Mode.MIXED)
        self.groups = [f"G{n}" for n in range(self.random.randint(1, 6))]
        self.names = [*self.groups, "USDC"]
        self.prices = {group: int(10 ** self.random.uniform(-2, 4.5) * SCALE) + 1 for group in self.groups}
        self.prices["USDC"] = SCALE if self.chance(0.7) else int(SCALE * self.random.uniform(0.97, 1.02))
        self.pockets = ["", "", "", "a", "b"] if self.chance(0.5) else [""]

    def chance(self, share: float) -> bool:
        return self.random.random() < share

    def decimals(self) -> int:
        return self.random.choice([18, 18, 6, 8, 0, 27] if self.odd else [18, 9])

    def units(self, group: str, decimals: int) -> int:
        """Worth ten to a hundred thousand dollars."""
        return int(10 ** self.random.uniform(1, 5) * SCALE / self.prices[group] * 10**decimals)

    def line(self, name: str) -> Line:
        group, decimals, owed = self.random.choice(self.names), self.decimals(), self.chance(0.35)
        amount: int | None = self.units(group, decimals)
        if self.odd and self.chance(0.1):
            amount = self.random.choice([0, 1, 7, 10 ** (30 + decimals)])
        amount = -amount if owed else amount
        last, doubt = None, None
        if self.odd and self.chance(0.1):
            last, amount = (amount if self.chance(0.6) else None), None
            doubt = Reason(Doubt.HOLDING_MISSING, name, "gone")
        return Line(
            id=name,
            group=group,
            amount=amount,
            last_amount=last,
            doubt=doubt,
            decimals=decimals,
            liability=owed,
            pocket=self.random.choice(self.pockets),
            trust=self.random.choice(TRUSTS),
            age=self.random.choice([0, 0, 0, 3_000, 40_000]),
            soft_age=1_800,
            network=self.random.choice(["", "n1", "n2"]),
            protocol=self.random.choice(["", "x", "y"]),
            bridge=self.random.choice(["", "", "br"]),
            declared=self.chance(0.1),
            encumbered=amount // 3 if amount and amount > 0 and self.chance(0.2) else 0,
        )

    def position(self, name: str) -> Position:
        group, decimals = self.random.choice(self.names if self.odd else self.groups), self.decimals()
        size = self.units(group, decimals) * self.random.choice([1, -1])
        if self.odd and self.chance(0.1):
            size = self.random.choice([0, 1, -1, 10 ** (30 + decimals)])
        made = Position(
            id=name,
            group=group,
            size=size,
            decimals=decimals,
            entry=Price(max(1, int(self.prices[group] * self.random.uniform(0.7, 1.3)))),
            pocket=self.random.choice(self.pockets),
            counts_gain=self.chance(0.6),
            network=self.random.choice(["", "n1", "n2"]),
            protocol=self.random.choice(["", "x", "y"]),
            portfolio=self.chance(0.6),
        )
        kind = self.random.random()
        if kind < 0.1:
            contracts = int(10 ** self.random.uniform(1, 4)) * 10**decimals
            return replace(made, size=contracts, terms=InversePerp(Price(self.random.choice([1, 10, 100]) * SCALE)))
        if kind < 0.14:
            return replace(made, terms=Future(self.random.choice([Timestamp(AS_OF - 100), MONTH])))
        if kind < 0.18:
            return replace(made, terms=Option(Price(self.prices[group]), MONTH, call=self.chance(0.5)))
        return made

    def order(self, name: str) -> Order:
        group = self.random.choice(self.groups)
        size = self.units(group, 9) * self.random.choice([1, -1]) or 1
        limit = Price(max(1, int(self.prices[group] * self.random.uniform(0.8, 1.2))))
        return Order(id=name, group=group, size=size, decimals=9, limit=limit, pocket=self.random.choice(self.pockets))

    def quotes(self) -> dict[str, Quote]:
        ages = [0, 50, 4_000, 20_000, 100_000] if self.odd else [0, 0, 60]
        return {
            group: Quote(
                Price(price),
                Timestamp(AS_OF - self.random.choice(ages)),
                source=self.random.choice(["", "one", "two"]),
                stable=Price(int(price * self.random.uniform(0.9, 1.1)) + 1) if self.chance(0.2) else None,
                confidence=self.random.choice([1_000_000] * 4 + [400_000]),
                interval=self.random.choice([0] * 5 + [3_000, 20_000]),
            )
            for group, price in self.prices.items()
            if not (self.odd and self.chance(0.05))
        }

    def expiries(self) -> tuple[ExpiryQuote, ...]:
        return tuple(
            ExpiryQuote(
                group=group,
                expiry=MONTH,
                at=AS_OF,
                forward=Price(int(self.prices[group] * 1.01) + 1),
                rate=40_000,
                volatility=650_000,
            )
            for group in self.groups
            if self.chance(0.8)
        )

    def returns(self) -> dict[str, tuple[int, ...]]:
        if self.chance(0.2):
            return {}
        count = self.random.choice([2, 20] if self.few else [2, 3, 40, 130])
        return {
            group: tuple(int(self.random.gauss(0, 0.03) * 10**9) for _ in range(count))
            for group in self.names
            if self.chance(0.97)
        }

    def market(self) -> Market:
        if self.chance(0.5):
            return flat_market(self.random.choice([100_000, 200_000]), self.random.choice([50_000, 25_000]))
        second = Usd(int(10 ** self.random.uniform(1, 4)) * SCALE)
        return Market(
            (Tier(Usd(0), 50_000, 25_000), Tier(second, 100_000, 60_000), Tier(Usd(10**5 * SCALE), 200_000, 150_000))
        )

    def setting(self) -> Setting:
        rules = MarginRules(
            markets={group: self.market() for group in self.groups if self.chance(0.9)},
            volatility={group: self.random.choice([600_000, 10_000]) for group in self.names if self.chance(0.9)},
            debt_rates={"USDC": 80_000} if self.chance(0.3) else {},
            floor=Floor(Usd(5 * SCALE), Usd(2 * SCALE)) if self.chance(0.2) else Floor(),
            settlement="USDC" if self.chance(0.2) else "",
        )
        weights = [(1_200_000, 1_100_000), (1_000_000, 1_000_000)]
        factors = {
            group: Factors(Haircut(200_000, 150_000), *self.random.choice(weights))
            for group in self.groups
            if self.chance(0.9)
        }
        factors["USDC"] = Factors(Haircut(0, 0)) if self.chance(0.7) else Factors(Haircut(20_000, 10_000), 1_050_000)
        policy = Policy(
            name=PRACTICAL.name,
            anchors=PRACTICAL.anchors,
            settlements=PRACTICAL.settlements,
            factors=MappingProxyType(factors),
        )
        return Setting(policy, rules, self.mode)

    def trading(self, ids: list[str]) -> Trading:
        depths = {
            group: Depth(Usd(int(10 ** self.random.uniform(4, 8)) * SCALE), self.random.choice([20_000, 60_000]))
            for group in self.names
            if self.chance(0.7)
        }
        return Trading(
            impacts=impacts_of(depths),
            other=Charge(
                fee=self.random.choice([0, 1_000, 10_000]),
                bonus=self.random.choice([0, 30_000, 80_000]),
                lot=self.random.choice([1, 1, 10**6, 10**15]),
            ),
            frozen=frozenset(self.random.sample(ids, min(len(ids), 1)) if self.chance(0.2) else ()),
            slow=frozenset(self.random.sample(ids, min(len(ids), 2)) if self.chance(0.2) else ()),
        )

    def ladder(self) -> dict[str, tuple[Rung, ...]] | None:
        group, price = self.groups[0], self.prices[self.groups[0]]
        rungs = (Rung(Price(price * 9 // 10), Usd(10**5 * SCALE)), Rung(Price(price * 97 // 100), Usd(10**4 * SCALE)))
        return {group: rungs} if self.chance(0.2) else None

    def account(self) -> Account:
        lines = [self.line(f"l{n}") for n in range(self.random.randint(0, 3 if self.few else 9))]
        positions = [self.position(f"p{n}") for n in range(self.random.randint(0, 5 if self.few else 12))]
        orders = [self.order(f"o{n}") for n in range(self.random.choice([0, 0, 0, 2]))]
        taken = Snapshot(
            as_of=AS_OF,
            lines=tuple(lines),
            positions=tuple(positions),
            orders=tuple(orders),
            quotes=self.quotes(),
            doubts=(Reason(Doubt.SKEW, "account", "skew"),) if self.chance(0.03) else (),
            expiries=self.expiries(),
            returns=self.returns(),
        )
        setting = self.setting()
        trading = self.trading([x.id for x in lines] + [p.id for p in positions])
        return Account(self.near_its_margin(Trial(taken), setting), setting, trading, self.ladder())

    def near_its_margin(self, trial: Trial, setting: Setting) -> Trial:
        """With a balance of money that leaves equity a little above maintenance, or below it."""
        pool = Scales(setting).weigh(trial)[0]
        if not pool.low_known or self.chance(0.25):
            return trial
        share = self.random.choice([-30, -5, -1, 1, 5, 30])
        wanted = abs(pool.low.maintenance) * (100 + share) // 100 or SCALE
        units = (wanted - pool.low.equity) * SCALE // self.prices["USDC"]
        made = Line(
            id="balance", group="USDC", amount=units, decimals=18, liability=units < 0, trust=Trust(Anchor.PINNED)
        )
        return replace(trial, snapshot=replace(trial.snapshot, lines=(*trial.snapshot.lines, made)))


def account(seed: int) -> Account:
    """The account of a seed."""
    return Maker(seed).account()
