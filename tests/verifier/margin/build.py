"""Small builders that tests of the margin account share."""

from __future__ import annotations

from types import MappingProxyType
from typing import Any

from chains.registry import aliases
from tests.simulators.minting import AS_OF, BUNDLE
from verifier.margin.account import MarginAccount, build_account
from verifier.margin.declared import CROSS, DeclaredDebt, DeclaredPosition, DeclaredPrice
from verifier.margin.fixed import Price, price, scaled
from verifier.margin.report import HypotheticalReport
from verifier.margin.rules import DEFAULT_RULES, MarginRules
from verifier.margin.snapshot import Line, Position, Quote, Snapshot
from verifier.policy import PRACTICAL, Factors, Haircut, Policy
from verifier.primitives import Timestamp
from verifier.trust import Anchor, Trust

PINNED = Trust(Anchor.PINNED)


def policy(base: Policy = PRACTICAL, **factors: Factors) -> Policy:
    """A policy with these factors per group; ETH and USDC count in full unless said otherwise."""
    whole = {"ETH": Factors(Haircut(0, 0)), "USDC": Factors(Haircut(0, 0))}
    return Policy(
        name=base.name, anchors=base.anchors, settlements=base.settlements, factors=MappingProxyType(whole | factors)
    )


def declared_price(group: str, text: str, age: int = 0) -> DeclaredPrice:
    return DeclaredPrice(group, price(text), Timestamp(AS_OF - age), "test")


def declared_debt(
    amount: str, group: str = "USDC", *, name: str = "loan", pocket: str = CROSS, age: int = 0
) -> DeclaredDebt:
    return DeclaredDebt(name, group, scaled(amount, 6, "debt"), 6, Timestamp(AS_OF - age), pocket=pocket)


def declared_position(
    size: str, entry: str, group: str = "ETH", *, name: str = "perp", pocket: str = CROSS
) -> DeclaredPosition:
    return DeclaredPosition(name, group, scaled(size, 9, "size"), 9, price(entry), pocket=pocket)


PRICES = (declared_price("ETH", "3000"), declared_price("USDC", "1"))


def account(*outcomes: Any, **kwargs: Any) -> MarginAccount:
    given: dict[str, Any] = {"as_of": AS_OF, "bundle_id": BUNDLE, "policy": policy(), "prices": PRICES}
    given |= {"aliases": aliases()} | kwargs
    return build_account("test", outcomes, **given)


def line(id: str, group: str, amount: str | None, **kwargs: Any) -> Line:
    units = None if amount is None else scaled(amount, 18, "amount")
    given: dict[str, Any] = {"decimals": 18, "trust": PINNED, "liability": units is not None and units < 0} | kwargs
    return Line(id=id, group=group, amount=units, **given)


def position(id: str, group: str, size: str, entry: str, **kwargs: Any) -> Position:
    return Position(id=id, group=group, size=scaled(size, 18, "size"), decimals=18, entry=price(entry), **kwargs)


def snapshot(*parts: Line | Position, **prices: str) -> Snapshot:
    return Snapshot(
        as_of=AS_OF,
        lines=tuple(p for p in parts if isinstance(p, Line)),
        positions=tuple(p for p in parts if isinstance(p, Position)),
        quotes={group: Quote(Price(scaled(text, 18, "price")), AS_OF) for group, text in prices.items()},
    )


def weigh(taken: Snapshot, rules: MarginRules = DEFAULT_RULES, **factors: Factors) -> HypotheticalReport:
    return HypotheticalReport(taken, policy(**factors), rules)
