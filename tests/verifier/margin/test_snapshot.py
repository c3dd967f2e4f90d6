"""The plain value: what it refuses, and that what was added later leaves older digests alone."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest

from tests.simulators.minting import AS_OF
from tests.verifier.margin.build import line, position, snapshot
from verifier.errors import BadInput
from verifier.margin.digest import canonical_bytes, digest
from verifier.margin.fixed import Price, price, usd
from verifier.margin.instruments import Future, InversePerp, Option
from verifier.margin.market import Depth, ExpiryQuote, Route
from verifier.margin.snapshot import Order, Snapshot
from verifier.primitives import Timestamp

EXPIRY = Timestamp(AS_OF + 30 * 86_400)
QUOTED = ExpiryQuote(group="ETH", expiry=EXPIRY, at=AS_OF, forward=price("3000"))
BID = Order(id="bid", group="ETH", size=1, decimals=0, limit=price("2900"))
ROUTE = Route("ethereum", "base", usd("1000"))


def base(**changes: Any) -> Snapshot:
    return replace(snapshot(line("a", "ETH", "1"), position("p", "ETH", "1", "3000"), ETH="3000"), **changes)


@pytest.mark.parametrize(
    ("good", "bad"),
    [
        ({"orders": (BID,)}, {"orders": (BID, BID)}),
        ({"orders": (BID,)}, {"orders": (replace(BID, id="a"),)}),
        ({"expiries": (QUOTED,)}, {"expiries": (QUOTED, replace(QUOTED, forward=price("1")))}),
        ({"routes": (ROUTE,)}, {"routes": (ROUTE, replace(ROUTE, cost=1))}),
        ({"returns": {"ETH": (1, 2), "BTC": (3, 4)}}, {"returns": {"ETH": (1, 2), "BTC": (3,)}}),
    ],
    ids=["order-twice", "order-named-as-line", "expiry-twice", "route-twice", "returns-of-two-lengths"],
)
def test_nothing_stands_twice_and_series_have_one_clock(good: dict[str, Any], bad: dict[str, Any]) -> None:
    """A snapshot in which something is named twice is refused; its sibling is taken."""
    base(**good)
    with pytest.raises(BadInput):
        base(**bad)


@pytest.mark.parametrize(
    ("make", "good", "bad"),
    [
        (lambda p: Option(p, EXPIRY, call=True), Price(1), Price(0)),
        (InversePerp, Price(1), Price(0)),
        (lambda v: Depth(v, 1), usd("1"), usd("0")),
        (lambda end: Route("base", end, usd("1")), "ethereum", "base"),
        (lambda cost: Route("base", "ethereum", usd("1"), cost), 1_000_000, 1_000_001),
        (lambda forward: replace(QUOTED, forward=forward), Price(1), Price(0)),
        (lambda sure: replace(QUOTED, confidence=sure), 1_000_000, 1_000_001),
        (lambda limit: replace(BID, limit=limit), Price(1), Price(0)),
        (lambda part: line("l", "ETH", "1", encumbered=part), 10**18, 10**18 + 1),
    ],
    ids=["strike", "multiplier", "volume", "one-network", "cost", "forward", "confidence", "limit", "encumbered"],
)
def test_a_value_out_of_range_is_refused(make: Any, good: Any, bad: Any) -> None:
    """Each bound holds, and its last good value is taken."""
    make(good)
    with pytest.raises(BadInput):
        make(bad)


def test_what_says_nothing_leaves_the_digest_alone() -> None:
    """Fields that were added later are in the digest only where they say something."""
    plain = base()
    assert b"orders" not in canonical_bytes(plain)
    assert b"terms" not in canonical_bytes(plain)
    assert digest(base(orders=(BID,))) != digest(plain)


def test_terms_of_different_types_have_different_digests() -> None:
    """A future is not taken for another instrument with the same fields."""
    dated = replace(position("p", "ETH", "1", "3000"), terms=Future(EXPIRY))
    assert b'"Future"' in canonical_bytes(dated)


def test_equal_decimals_have_one_text() -> None:
    """A rate is its value, not its spelling."""
    assert canonical_bytes([Decimal("1.50"), Decimal("-0")]) == canonical_bytes([Decimal("1.5"), Decimal(0)])
    with pytest.raises(TypeError, match="finite"):
        canonical_bytes(Decimal("NaN"))
