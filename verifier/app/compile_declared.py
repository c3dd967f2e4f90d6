"""What the file declares, into the margin engine's own types: prices, debts, positions, and the rules they meet."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal
from types import MappingProxyType
from typing import Final, TypeVar

from verifier.app.account_file import AccountFile, DeclaredDebtPart, MarginPart, MarketPart, PricePart
from verifier.app.errors import did_you_mean
from verifier.app.problems import Problems
from verifier.app.quantities import scaled
from verifier.app.toml_source import Path_
from verifier.errors import BadInput
from verifier.margin.declared import CROSS, DeclaredDebt, DeclaredPosition, DeclaredPrice
from verifier.margin.fixed import DIGITS, Price, Usd
from verifier.margin.rules import Floor, Ladder, MarginRules, Market, PriceRules, Tier

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


def compile_declared(file: AccountFile, problems: Problems) -> Declared:
    """Everything of it; what is wrong goes to `problems`."""
    prices = [_price(group, part, problems) for group, part in file.prices.items()]
    declared = [(i, part) for i, part in enumerate(file.debts) if isinstance(part, DeclaredDebtPart)]
    debts = [_debt(part, i, problems) for i, part in declared]
    positions = [_position(file, i, problems) for i in range(len(file.positions))]
    rules = _made(problems, ("margin",), lambda: _rules(file, problems)) or MarginRules()
    named: list[tuple[Path_, str | None]] = [(("debts", i), part.name) for i, part in declared]
    named += [(("positions", i), part.name) for i, part in enumerate(file.positions)]
    _refuse_same_names(named, problems)
    return Declared(_present(prices), _present(debts), _present(positions), rules)


def _made(problems: Problems, path: Path_, make: Callable[[], T]) -> T | None:
    """The value, or a problem where its own type refuses it."""
    try:
        return make()
    except BadInput as error:
        problems.add(path, f"expected {error.expected}, got {error.got}")
    except ValueError as error:
        problems.add(path, str(error))
    return None


def _present(values: list[T | None]) -> tuple[T, ...]:
    return tuple(value for value in values if value is not None)


def _e18(value: Decimal) -> int:
    return scaled(value, DIGITS)


def _price(group: str, part: PricePart, problems: Problems) -> DeclaredPrice | None:
    path: Path_ = ("prices", group, "usd")
    return _made(problems, path, lambda: DeclaredPrice(group, Price(_e18(part.usd)), part.at, part.source))


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
    return _made(
        problems,
        path,
        lambda: DeclaredPosition(
            name=part.name or f"{part.market}-{index + 1}",
            group=market.underlying,
            size=_e18(part.size),
            decimals=_UNITS,
            entry=Price(_e18(part.entry)),
            pocket=part.pocket or CROSS,
        ),
    )


def _refuse_same_names(named: list[tuple[Path_, str | None]], problems: Problems) -> None:
    seen: set[str] = set()
    for path, name in named:
        if name is not None and name in seen:
            problems.add((*path, "name"), f"{name} names another debt or position; names are distinct in an account")
        if name is not None:
            seen.add(name)


def _rules(file: AccountFile, problems: Problems) -> MarginRules:
    assets = file.policy.assets
    return MarginRules(
        ladder=_ladder(file.margin),
        prices=_price_rules(file.margin),
        floor=Floor(Usd(_e18(file.margin.floor_initial)), Usd(_e18(file.margin.floor_maintenance))),
        markets=MappingProxyType(_markets(file, problems)),
        volatility=MappingProxyType({g: f.volatility for g, f in assets.items() if f.volatility is not None}),
        debt_rates=MappingProxyType({g: f.interest for g, f in assets.items() if f.interest is not None}),
    )


def _ladder(part: MarginPart) -> Ladder:
    base = Ladder()
    return Ladder(
        part.warning or base.warning, part.margin_call or base.margin_call, part.final_call or base.final_call
    )


def _price_rules(part: MarginPart) -> PriceRules:
    base = PriceRules()
    newest = base.max_age if part.max_price_age is None else part.max_price_age
    oldest = base.hard_age if part.hard_price_age is None else part.hard_price_age
    return PriceRules(newest, oldest, base.z)


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
