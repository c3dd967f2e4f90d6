"""Fuzz the bundle: any bytes parse or raise `Malformed`, and no change of an honest bundle gives another figure.

Run it for as long as you like: `python -m tests.fuzz.bundle --seconds 600 --seed 7`.
"""

from __future__ import annotations

import argparse
import random
import time

import cbor2

from tests.simulators.world import World, checker, holder, run
from verifier.errors import Malformed
from verifier.gather import assemble, gather_section
from verifier.verify import Refusal, verify_bundle
from verifier.wire import content_id, encode_bundle, parse_bundle


class Target:
    """An honest bundle, what it proves, and mutations of it."""

    def __init__(self) -> None:
        owners = {holder(n): n * 10**9 + 1 for n in range(12)}
        world = World(1, owners, owners, blocks=4)
        self.checker = checker(world)
        claims = world.claims()
        asked = list(enumerate(claims))
        part, _ = run(gather_section(world.network, asked, world.pin(), self.checker.now, self.checker), {1: world})
        self.data = encode_bundle(assemble(self.checker.now, claims, [part]))
        self.body = cbor2.loads(self.data)[3]
        self.truth = {
            o.claim: o.amount for o in verify_bundle(self.data, self.checker).outcomes if not isinstance(o, Refusal)
        }

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
            outcomes = verify_bundle(data, self.checker).outcomes
        except Malformed:
            return
        for outcome in outcomes:
            if not isinstance(outcome, Refusal) and outcome.claim in self.truth:
                assert outcome.amount == self.truth[outcome.claim], outcome


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
