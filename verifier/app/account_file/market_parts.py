"""The tables of an account file that value and burden it: positions, orders, markets, prices, routes, margin rules."""

from __future__ import annotations

from decimal import Decimal
from typing import Annotated, Literal

from pydantic import Field

from verifier.app.account_file.words import (
    AddressText,
    FeedWord,
    Name,
    Number,
    Part,
    Positive,
    Rate,
    Share,
    Span,
    Weight,
    When,
)


class PositionPart(Part):
    """[[positions]]: a perpetual, future or option that is typed in. It only burdens the account."""

    market: Name
    size: Number
    kind: Literal["perp", "inverse", "future", "call", "put"] = "perp"
    entry: Positive | None = None
    multiplier: Positive | None = None
    strike: Positive | None = None
    expiry: When | None = None
    portfolio: bool = False
    network: Name | None = None
    protocol: Annotated[str, Field(min_length=1, max_length=200)] | None = None
    name: Name | None = None
    pocket: Name | None = None


class OrderPart(Part):
    """[[orders]]: a resting order on a perpetual: a bid above zero, an ask below."""

    market: Name
    size: Number
    limit: Positive
    name: Name | None = None
    pocket: Name | None = None


class ExpiryPart(Part):
    """[[expiries]]: forward, rate and volatilities of one underlying and expiry."""

    group: Name
    expiry: When
    at: When
    forward: Positive
    fixed: Number = Decimal(0)
    rate: Rate | None = None
    volatility: Rate | None = None
    vols: dict[str, Rate] = Field(default={})
    confidence: Share | None = None


class RoutePart(Part):
    """[[routes]]: how money gets from one network to another."""

    start: Name
    end: Name
    capacity: Positive
    cost: Share = 0
    latency: Span = 0
    open: bool = True
    bridge: Name | None = None


class VenuePart(Part):
    """[[venues]]: by which profile a place judges what stands there."""

    protocol: Annotated[str, Field(min_length=1, max_length=200)]
    network: Name | None = None
    profile: Name


class DepthPart(Part):
    """[depths.<GROUP>]: what is traded in a day, and how far a day moves the price."""

    volume: Positive
    volatility: Rate
    coefficient: Weight = 1_000_000


class ReturnsPart(Part):
    """[returns]: past log returns by group, oldest first, all on one clock."""

    step: Span = 86_400
    series: dict[Name, Annotated[tuple[Number, ...], Field(strict=False, max_length=20_000)]] = Field(default={})


class TierPart(Part):
    """One tier of a market, from a notional in USD on."""

    from_notional: Number = Decimal(0)
    initial: Share
    maintenance: Share


class MarketPart(Part):
    """[markets.<name>]: what positions on it need."""

    underlying: Name
    tiers: Annotated[tuple[TierPart, ...], Field(strict=False, min_length=1)]


class PricePart(Part):
    """[prices.<GROUP>]: a price that is typed in, with its time and source."""

    usd: Positive
    at: When
    source: Annotated[str, Field(min_length=1, max_length=200)]
    stable: Positive | None = None
    confidence: Share | None = None


class FeedPart(Part):
    """[[feeds]]: a price by proof, of a group, as a contract says it; or one that was signed, out of a file."""

    group: Name
    network: Name
    feed: FeedWord
    contract: AddressText
    quote: Name = "USD"
    given: dict[Name, int | Annotated[str, Field(min_length=1, max_length=256)]] = Field(default={}, alias="with")
    heartbeat: Span | None = None
    least: Positive | None = None
    most: Positive | None = None
    max_deviation: Share | None = None
    max_interval: Share | None = None
    updates: Annotated[str, Field(min_length=1, max_length=1_024)] | None = None


class MarginPart(Part):
    """[margin]: bounds of the ratio, limits on prices, and the least an account must hold."""

    warning: Weight | None = None
    margin_call: Weight | None = None
    final_call: Weight | None = None
    max_price_age: Span | None = None
    hard_price_age: Span | None = None
    floor_initial: Number = Decimal(0)
    floor_maintenance: Number = Decimal(0)
    profile: Name | None = None
    settlement: Name | None = None
    margin_grace: Span | None = None
    final_grace: Span | None = None
    data_grace: Span | None = None
    quiet: Span | None = None
    hysteresis: Share | None = None
    latencies: dict[Name, Span] = Field(default={})
