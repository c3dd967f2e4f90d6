"""Fuzz the bundle: any bytes parse or raise `Malformed`, and no change of an honest bundle gives another figure.

Run it for as long as you like: `python -m tests.fuzz.bundle --seconds 600 --seed 7`.
"""

from __future__ import annotations

import argparse
import random
import time
from dataclasses import replace

import cbor2
import rlp

from tests.simulators.trie_builder import Built, build
from tests.simulators.world import TOKEN, World, balance_slot, checker, holder, run, uint
from verifier.claims import Asset, Claim, ClaimKind, PriceClaim, Source
from verifier.codec.abi import mapping_slot, pad_uint
from verifier.crypto.keccak import keccak256
from verifier.errors import Malformed
from verifier.gather import assemble, gather_section
from verifier.policy import STRICT
from verifier.positions import PositionKind, position
from verifier.primitives import Address, SlotKey, slot_key
from verifier.proven import ProvenPrice
from verifier.verify import Refusal, verify_bundle
from verifier.wire import content_id, encode_bundle, parse_bundle


class Target:
    """An honest bundle, what it proves, and mutations of it."""

    def __init__(self) -> None:
        owners: dict[bytes, int] = {holder(n): n * 10**9 + 1 for n in range(12)}
        world = World(1, owners, owners, blocks=4, storage_override=_words(owners))
        trusting = replace(STRICT, accept_contracts=frozenset({(world.network.chain_id, TOKEN)}))
        self.checker = checker(world, policy=trusting)
        claims = [*world.claims(), *_positions(world, owners)]
        asked, prices = list(enumerate(claims)), _prices(world)
        flow = gather_section(world.network, asked, world.pin(), self.checker.now, self.checker, prices)
        part, _ = run(flow, {1: world})
        self.data = encode_bundle(assemble(self.checker.now, claims, [part], prices=prices))
        self.body = cbor2.loads(self.data)[3]
        verified = verify_bundle(self.data, self.checker)
        self.truth = {o.claim: o.amount for o in verified.outcomes if not isinstance(o, Refusal)}
        self.prices = {o.claim: (o.price, o.at) for o in verified.prices if isinstance(o, ProvenPrice)}
        assert (len(self.truth), len(self.prices)) == (len(claims), len(prices))

    def once(self, rng: random.Random) -> None:
        """One mutation of the body under a right content id, and one string of plain bytes."""
        raw = bytearray(self.body)
        for _ in range(rng.randrange(1, 6)):
            at = rng.randrange(len(raw))
            match rng.randrange(4):
                case 0:
                    raw[at] = rng.randrange(256)
                case 1:
                    del raw[at : at + rng.randrange(1, 8)]
                case 2:
                    raw[at:at] = rng.randbytes(rng.randrange(1, 8))
                case _:
                    end = rng.randrange(len(raw))
                    raw[at:at] = raw[end : end + rng.randrange(1, 40)]
        whole = cbor2.dumps(["xmargin-bundle", 1, content_id(bytes(raw)), bytes(raw)], canonical=True)
        self.check(whole)
        self.check(rng.randbytes(rng.randrange(200)))

    def check(self, data: bytes) -> None:
        """Parse and verify; a figure for a claim that the honest bundle makes is the honest one."""
        try:
            parse_bundle(data)
            verified = verify_bundle(data, self.checker)
        except Malformed:
            return
        for price in verified.prices:
            if isinstance(price, ProvenPrice) and price.claim in self.prices:
                assert (price.price, price.at) == self.prices[price.claim], price
        for outcome in verified.outcomes:
            if not isinstance(outcome, Refusal) and outcome.claim in self.truth:
                assert outcome.amount == self.truth[outcome.claim], outcome


def _words(owners: dict[bytes, int]) -> Built:
    """Balances, and beside them the rounds of two feeds."""
    answer = 3 * 10**8
    words = {balance_slot(owner): value for owner, value in owners.items()}
    words |= {slot_key(43): 9 << 176, slot_key(11): 9 << 48}
    words |= {_round(44): answer | 1_699_999_000 << 192, _round(12): answer | 1_699_999_500 << 224}
    return build({keccak256(slot): rlp.encode(uint(value)) for slot, value in words.items()})


def _round(base: int) -> SlotKey:
    return mapping_slot(pad_uint(9), slot_key(base))


def _positions(world: World, owners: dict[bytes, int]) -> list[Claim]:
    """Parts of one word, each a figure of its own."""
    mine = balance_slot(next(iter(owners)))
    asset = Asset(world.network.chain_id, "PART", 6, "USD", TOKEN)
    parts = [position(PositionKind.STORAGE, slot=mine, offset=offset, width=8, path="p") for offset in (0, 8)]
    return [Claim(asset, Address(holder(77)), ClaimKind.HOLDING, Source.USER, part) for part in parts]


def _prices(world: World) -> list[PriceClaim]:
    feeds = [position(PositionKind.CHAINLINK, layout=layout, decimals=8, proxy="no") for layout in ("ocr1", "ocr2")]
    return [PriceClaim(world.network.chain_id, "ETH", "USD", TOKEN, feed) for feed in feeds]


def fuzz(seed: int, *, rounds: int | None = None, seconds: float | None = None) -> int:
    """Rounds done until the count or the time is over."""
    rng, target, done = random.Random(seed), Target(), 0
    end = None if seconds is None else time.monotonic() + seconds
    while (rounds is None or done < rounds) and (end is None or time.monotonic() < end):
        target.once(rng)
        done += 1
    return done


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=60)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    print(fuzz(options.seed, seconds=options.seconds), "rounds")
