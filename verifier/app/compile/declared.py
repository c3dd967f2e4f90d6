"""What the file declares, into the margin engine's own types: prices, debts, positions, and the rules they meet."""

from __future__ import annotations

from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import Final, TypeVar

from verifier.app.account_file import AccountFile, DeclaredDebtPart, MarginPart, MarketPart, PricePart
from verifier.app.compile.market import compile_market, terms_of
from verifier.app.compile.market import e18 as _e18
from verifier.app.compile.market import made as _made
from verifier.app.errors import did_you_mean
from verifier.app.problems import Problems
from verifier.app.profiles import bundled
from verifier.app.toml_source import Path_
from verifier.margin.declared import CROSS, DeclaredDebt, DeclaredPosition, DeclaredPrice
from verifier.margin.declared_market import DeclaredMarket
from verifier.margin.fixed import Price, Usd
from verifier.margin.profile import Profile
from verifier.margin.rules import DEFAULT_RULES, CallRules, Floor, Ladder, MarginRules, Market, PriceRules, Tier
from verifier.policy import PPM

T = TypeVar("T")
_UNITS: Final = 18
"""Declared amounts are kept in units of 1e-18 of the asset."""


@dataclass(frozen=True, slots=True)
class Declared:
    """Numbers that no one proved, and the rules of the account."""

    prices: tuple[DeclaredPrice, ...]
    debts: tuple[DeclaredDebt, ...]
    positions: tuple[DeclaredPosition, ...]
    rules: MarginRules
    market: DeclaredMarket
    profile: Profile | None = None
    venues: tuple[Venue, ...] = ()


@dataclass(frozen=True, slots=True)
class Venue:
    """A place that judges by rules of its own; without a network, the protocol wherever it is."""

    network: str | None
    protocol: str
    profile: Profile

    def judges(self, network: str, protocol: str) -> bool:
        """Whether a place is one of it: a protocol's markets begin with its name."""
        named = protocol == self.protocol or protocol.startswith(self.protocol + " ")
        return named and self.network in (None, network)


def compile_declared(file: AccountFile, problems: Problems) -> Declared:
    """Everything of it; what is wrong goes to `problems`."""
    prices = [_price(group, part, problems) for group, part in file.prices.items()]
    declared = [(i, part) for i, part in enumerate(file.debts) if isinstance(part, DeclaredDebtPart)]
    debts = [_debt(part, i, problems) for i, part in declared]
    positions = [_position(file, i, problems) for i in range(len(file.positions))]
    profile = _profile(file, problems)
    rules = _made(problems, ("margin",), lambda: _rules(file, profile, problems)) or MarginRules()
    named: list[tuple[Path_, str | None]] = [(("debts", i), part.name) for i, part in declared]
    named += [(("positions", i), part.name) for i, part in enumerate(file.positions)]
    _refuse_same_names(named, problems)
    market, venues = compile_market(file, problems), _venues(file, problems)
    return Declared(_present(prices), _present(debts), _present(positions), rules, market, profile, venues)


def _venues(file: AccountFile, problems: Problems) -> tuple[Venue, ...]:
    known = bundled() if file.venues else {}
    for i, part in enumerate(file.venues):
        if part.profile not in known:
            problems.add(("venues", i, "profile"), f"no such profile; {did_you_mean(part.profile, known)}")
    return tuple(Venue(v.network, v.protocol, known[v.profile]) for v in file.venues if v.profile in known)


def _profile(file: AccountFile, problems: Problems) -> Profile | None:
    """The venue's rules that the file starts from; a file of one's own is named on the command line only."""
    name = file.margin.profile
    if name is None:
        return None
    known = bundled()
    if name not in known:
        problems.add(("margin", "profile"), f"no such profile; {did_you_mean(name, known)}")
    return known.get(name)


def _present(values: list[T | None]) -> tuple[T, ...]:
    return tuple(value for value in values if value is not None)


def _price(group: str, part: PricePart, problems: Problems) -> DeclaredPrice | None:
    path: Path_ = ("prices", group, "usd")
    sure = PPM if part.confidence is None else part.confidence
    return _made(
        problems,
        path,
        lambda: DeclaredPrice(
            group,
            Price(_e18(part.usd)),
            part.at,
            part.source,
            None if part.stable is None else Price(_e18(part.stable)),
            sure,
        ),
    )


def _debt(part: DeclaredDebtPart, index: int, problems: Problems) -> DeclaredDebt | None:
    return _made(
        problems,
        ("debts", index),
        lambda: DeclaredDebt(
            name=part.name or f"debt-{index + 1}",
            group=part.group,
            amount=_e18(part.amount),
            decimals=_UNITS,
            at=part.at,
            source=part.note or "declared",
            pocket=part.pocket or CROSS,
        ),
    )


def _position(file: AccountFile, index: int, problems: Problems) -> DeclaredPosition | None:
    part = file.positions[index]
    path: Path_ = ("positions", index)
    market = file.markets.get(part.market)
    if market is None:
        known = did_you_mean(part.market, file.markets)
        problems.add((*path, "market"), f"no [markets.{part.market}] is in the file; {known}")
        return None
    if part.size == 0:
        problems.add((*path, "size"), "a position of no size is none; remove it")
        return None
    terms = terms_of(part, path, problems)
    if terms is None:
        return None
    return _made(
        problems,
        path,
        lambda: DeclaredPosition(
            name=part.name or f"{part.market}-{index + 1}",
            group=market.underlying,
            size=_e18(part.size),
            decimals=_UNITS,
            entry=Price(0 if part.entry is None else _e18(part.entry)),
            pocket=part.pocket or CROSS,
            terms=terms,
            portfolio=part.portfolio,
            network=part.network or "",
            protocol=part.protocol or "",
        ),
    )


def _refuse_same_names(named: list[tuple[Path_, str | None]], problems: Problems) -> None:
    seen: set[str] = set()
    for path, name in named:
        if name is not None and name in seen:
            problems.add((*path, "name"), f"{name} names another debt or position; names are distinct in an account")
        if name is not None:
            seen.add(name)


def _rules(file: AccountFile, profile: Profile | None, problems: Problems) -> MarginRules:
    assets, base = file.policy.assets, DEFAULT_RULES if profile is None else profile.rules
    return replace(
        base,
        ladder=_ladder(file.margin, base.ladder),
        prices=_price_rules(file.margin, base.prices),
        floor=Floor(Usd(_e18(file.margin.floor_initial)), Usd(_e18(file.margin.floor_maintenance))),
        markets=MappingProxyType({**base.markets, **_markets(file, problems)}),
        volatility=MappingProxyType({g: f.volatility for g, f in assets.items() if f.volatility is not None}),
        debt_rates=MappingProxyType({g: f.interest for g, f in assets.items() if f.interest is not None}),
        settlement=file.margin.settlement or base.settlement,
        latencies=MappingProxyType({**base.latencies, **file.margin.latencies}),
        calls=_calls(file.margin, base.calls),
    )


def _calls(part: MarginPart, base: CallRules) -> CallRules:
    given = {
        name: value
        for name in ("margin_grace", "final_grace", "data_grace", "quiet", "hysteresis")
        if (value := getattr(part, name)) is not None
    }
    return replace(base, **given)


def _ladder(part: MarginPart, base: Ladder) -> Ladder:
    return replace(
        base,
        warning=part.warning or base.warning,
        margin_call=part.margin_call or base.margin_call,
        final_call=part.final_call or base.final_call,
    )


def _price_rules(part: MarginPart, base: PriceRules) -> PriceRules:
    newest = base.max_age if part.max_price_age is None else part.max_price_age
    oldest = base.hard_age if part.hard_price_age is None else part.hard_price_age
    return replace(base, max_age=newest, hard_age=oldest)


def _markets(file: AccountFile, problems: Problems) -> dict[str, Market]:
    """Markets by underlying; two with one underlying would leave open which of them holds."""
    made: dict[str, Market] = {}
    for name, part in file.markets.items():
        path: Path_ = ("markets", name)
        market = _market(part, (*path, "tiers"), problems)
        if part.underlying in made:
            problems.add((*path, "underlying"), f"a market on {part.underlying} is given before; keep one")
        if market is not None:
            made[part.underlying] = market
    return made


def _market(part: MarketPart, path: Path_, problems: Problems) -> Market | None:
    return _made(
        problems,
        path,
        lambda: Market(tuple(Tier(Usd(_e18(t.from_notional)), t.initial, t.maintenance) for t in part.tiers)),
    )
