"""Feeds before typed-in prices: what is taken where a feed gives no price."""

from __future__ import annotations

import pytest

from tests.simulators.minting import ALICE, AS_OF, coin, holding, proven
from verifier.claims import PriceClaim
from verifier.margin.declared import DeclaredPrice
from verifier.margin.fixed import Price
from verifier.margin.quotes import Feed, resolve
from verifier.positions import PositionKind, position
from verifier.primitives import Timestamp
from verifier.proven import ProvenPrice, mint

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
