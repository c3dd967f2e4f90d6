"""Feeds before typed-in prices: what is taken where a feed gives no price."""

from __future__ import annotations

import pytest

from tests.simulators.minting import ALICE, AS_OF, coin, holding, proven
from verifier.claims import PriceClaim
from verifier.errors import BadInput
from verifier.margin.declared import DeclaredPrice
from verifier.margin.fixed import Price
from verifier.margin.quotes import Feed, resolve
from verifier.positions import PositionKind, position
from verifier.primitives import Timestamp
from verifier.proven import ProvenPrice, SignedPrice, mint

E18 = 10**18
HOW = position(PositionKind.CALL, function="price()(uint256)", decimals=8)
CLAIM = PriceClaim(coin().chain_id, "ETH", "USD", ALICE, HOW)
TYPED = DeclaredPrice("ETH", Price(3_000 * E18), Timestamp(AS_OF - 10), "typed in")


def answer(price: int, age: int = 5) -> ProvenPrice:
    """A price as the verifier would have made it."""
    amount = proven(holding(coin()), 1)
    return mint(
        ProvenPrice,
        rests_on=amount.rests_on,
        claim=CLAIM,
        price=price,
        at=Timestamp(AS_OF - age),
        as_of=amount.as_of,
        moment=amount.moment,
        header=amount.header,
        bound_by=(),
        trust=amount.trust,
    )


@pytest.mark.parametrize(
    ("given", "reason"),
    [
        ((), "not proven"),
        ((answer(1_000 * E18, age=90_000),), "s old"),
        ((answer(600 * E18),), "outside"),
    ],
    ids=["withheld", "old", "outside of its band"],
)
def test_a_typed_price_does_not_come_back_where_its_feed_gives_none(given, reason: str) -> None:
    """Withholding a proof, or leaving the band, must not bring back a better price; a group without feeds keeps its own."""
    feed = Feed(CLAIM, least=900 * E18)
    found = resolve([feed], given, [TYPED], AS_OF)
    assert "ETH" not in found.by_group
    assert reason in found.unusable[CLAIM]
    assert resolve([], given, [TYPED], AS_OF).by_group["ETH"].price == 3_000 * E18
    assert resolve([feed], (answer(3_001 * E18),), [TYPED], AS_OF).by_group["ETH"].price == 3_001 * E18


def signed(claim: PriceClaim, price: int, interval: int) -> SignedPrice:
    """What signers say of a price, as the verifier would have made it."""
    amount = proven(holding(coin()), 1)
    return mint(
        SignedPrice,
        rests_on=amount.header,
        claim=claim,
        price=price,
        interval=interval,
        at=Timestamp(AS_OF - 5),
        signed_by=(ALICE,),
        size=1,
        number=0,
        as_of=amount.as_of,
        moment=amount.moment,
        header=amount.header,
        bound_by=(),
        trust=amount.trust,
    )


def test_intervals_of_legs_add_up() -> None:
    """A price in another signed price may be off by both, rounded up; beyond what its feed takes, by none of them."""
    ratio = PriceClaim(coin().chain_id, "X", "ETH", ALICE, HOW)
    feeds = [Feed(CLAIM, interval=500_000), Feed(ratio, interval=500_000)]
    answers = [signed(CLAIM, 2_000 * E18, 200 * E18), signed(ratio, 3 * E18, 3 * E18 // 2)]
    quotes = resolve(feeds, answers, (), AS_OF).by_group
    assert (quotes["ETH"].interval, quotes["X"].interval) == (100_000, 500_000 + 100_000 + 50_000)
    assert quotes["X"].price == 6_000 * E18
    assert resolve([Feed(CLAIM)], [signed(CLAIM, 3, 0)], (), AS_OF).by_group["ETH"].interval == 0
    for interval, taken in ((20_000, True), (20_001, False)):
        found = resolve([Feed(CLAIM)], [signed(CLAIM, 10**6 * E18, interval * E18)], (), AS_OF)
        assert ("ETH" in found.by_group) is taken
    assert (
        resolve([Feed(CLAIM, interval=400_000)], [signed(CLAIM, 3, 1)], (), AS_OF).by_group["ETH"].interval == 333_334
    )


@pytest.mark.parametrize("interval", [-1, 10**6])
def test_an_interval_of_everything_is_refused(interval: int) -> None:
    """Signers who may be off by the whole price say nothing."""
    assert Feed(CLAIM, interval=10**6 - 1)
    with pytest.raises(BadInput, match="max_interval"):
        Feed(CLAIM, interval=interval)
