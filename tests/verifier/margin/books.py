"""Books of perpetuals, futures and options that are weighed by scenarios, and what they are weighed by."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from typing import Any

from hypothesis import strategies as st

from tests.simulators.minting import AS_OF
from tests.verifier.margin.build import line, policy, position, snapshot
from verifier.margin.fixed import price
from verifier.margin.instruments import Future, InversePerp, Option
from verifier.margin.market import ExpiryQuote
from verifier.margin.modes import Mode
from verifier.margin.report import HypotheticalReport, PocketReport
from verifier.margin.rules import MarginRules, flat_market
from verifier.margin.snapshot import Line, Position, Snapshot
from verifier.policy import Factors, Haircut
from verifier.primitives import Timestamp

MONTH = Timestamp(AS_OF + 30 * 86_400)
HALF = Timestamp(AS_OF + 180 * 86_400)
MARKET = flat_market(100_000, 50_000)
RULES = MarginRules(
    markets={"ETH": MARKET, "BTC": MARKET, "SOL": MARKET}, volatility={"ETH": 650_000, "BTC": 500_000, "SOL": 900_000}
)
POLICY = policy(ETH=Factors(Haircut(200_000, 150_000)), BTC=Factors(Haircut(200_000, 150_000)))
PRICES = {"ETH": "3000", "BTC": "60000", "SOL": "150", "USDC": "1"}
QUOTES = tuple(
    ExpiryQuote(group=g, expiry=e, at=AS_OF, forward=price(f), rate=40_000, volatility=650_000)
    for g, f in (("ETH", "3020"), ("BTC", "60500"), ("SOL", "151"))
    for e in (MONTH, HALF)
)


def perp(id: str, group: str, size: str, **kwargs: Any) -> Position:
    return position(id, group, size, PRICES[group], **({"counts_gain": True} | kwargs))


def option(
    id: str, size: str, strike: str, *, call: bool, group: str = "ETH", expiry: Timestamp = MONTH, **kw: Any
) -> Position:
    return perp(id, group, size, terms=Option(price(strike), expiry, call), **kw)


def account(*parts: Line | Position, **changes: Any) -> Snapshot:
    return replace(snapshot(line("usdc", "USDC", "100000"), *parts, **PRICES), **({"expiries": QUOTES} | changes))


def pool(taken: Snapshot, mode: Mode = Mode.PORTFOLIO, rules: MarginRules = RULES) -> PocketReport:
    (made,) = HypotheticalReport(taken, POLICY, rules, mode).figures.pockets
    return made


def needed(taken: Snapshot, rules: MarginRules = RULES) -> int:
    made = pool(taken, rules=rules).portfolio
    assert made is not None
    return made.initial


def with_scenarios(**changes: Any) -> MarginRules:
    return replace(RULES, scenarios=replace(RULES.scenarios, **changes))


# --- what nets, and what does not ---------------------------------------------------------------------------


sizes = st.integers(-2_000, 2_000).filter(bool).map(lambda n: str(Decimal(n) / 100))


@st.composite
def positions(draw: st.DrawFn) -> tuple[Position, ...]:
    made = []
    for i in range(draw(st.integers(1, 5))):
        group, size = draw(st.sampled_from(["ETH", "BTC", "SOL"])), draw(sizes)
        kind = draw(st.sampled_from(["perp", "inverse", "future", "call", "put"]))
        expiry = draw(st.sampled_from([MONTH, HALF]))
        held = perp(f"p{i}", group, size, counts_gain=draw(st.booleans()))
        if kind == "inverse":
            held = replace(held, terms=InversePerp(price("100")))
        elif kind == "future":
            held = replace(held, terms=Future(expiry))
        elif kind in ("call", "put"):
            strike = str(Decimal(PRICES[group]) * draw(st.integers(60, 150)) / 100)
            held = replace(held, terms=Option(price(strike), expiry, kind == "call"))
        made.append(held)
    return tuple(made)
