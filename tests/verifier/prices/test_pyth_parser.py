"""Updates of Pyth, read here and by the parser that its authors publish: to the same prices, and refused by both."""

from __future__ import annotations

import json
import random
import subprocess
from typing import Any

import pytest

from tests.nodes.install import MODULES, module, node_program
from tests.nodes.packages import package
from tests.simulators.guardians import Feed, Guardians
from verifier.errors import MalformedSigned, Where
from verifier.prices.pyth import parse_update
from verifier.prices.wormhole import parse_message

SDK = "@pythnetwork/price-service-sdk"
# Reads updates as JSON from stdin; writes what the published parser makes of each, or null where it refuses.
SCRIPT = """
const Module = require("module");
process.env.NODE_PATH = process.argv[1];
Module._initPaths();
const sdk = require(process.argv[2]);
const one = (text) => {
  try {
    const { vaa, updates } = sdk.parseAccumulatorUpdateData(Buffer.from(text, "hex"));
    return { vaa: vaa.toString("hex"), prices: updates.map(({ message, proof }) => {
      const said = sdk.parsePriceFeedMessage(message);
      return [said.feedId.toString("hex"), said.price.fromTwos(64).toString(), said.confidence.toString(), said.exponent,
        said.publishTime.toString(), proof.map((node) => Buffer.from(node).toString("hex"))];
    }) };
  } catch (error) { return null; }
};
const updates = JSON.parse(require("fs").readFileSync(0, "utf8"));
process.stdout.write(JSON.stringify(updates.map(one)));
"""


def published(updates: list[bytes]) -> list[Any]:
    """What the authors' parser makes of some updates."""
    module("bn.js")
    parser = package(SDK, "dist", "cjs", "AccumulatorUpdateData.cjs")
    command = [str(node_program()), "-e", SCRIPT, str(MODULES), str(parser)]
    asked = json.dumps([update.hex() for update in updates])
    done = subprocess.run(command, input=asked, capture_output=True, text=True, timeout=60, check=True)
    found: list[Any] = json.loads(done.stdout)
    return found


def some_update(rng: random.Random) -> bytes:
    """An update of a few feeds with figures of every size and sign."""
    feeds = [
        Feed(
            price=rng.choice([1, -1, rng.randrange(-(2**63), 2**63)]),
            interval=rng.randrange(2**64),
            exponent=rng.randrange(-18, 1),
            time=rng.randrange(2**63),
            id=rng.randbytes(32),
        )
        for _ in range(rng.randrange(1, 6))
    ]
    return Guardians(size=4).update(*feeds, take=rng.choice([None, 1]))


def ours(update: bytes) -> dict[str, Any]:
    found = parse_update(update, Where())
    prices = [
        [p.feed.hex(), str(p.price), str(p.interval), p.exponent, str(p.time), [n.hex() for n in p.proof]]
        for p in found.prices
    ]
    return {"prices": prices, "message": found.message}


@pytest.mark.node("solc")
def test_updates_are_read_as_their_authors_read_them() -> None:
    """Feed, price, interval, exponent, time and proof of each, and the very message that guardians signed."""
    rng = random.Random(6)
    updates = [some_update(rng) for _ in range(60)]
    for update, theirs in zip(updates, published(updates), strict=True):
        mine = ours(update)
        assert mine["prices"] == theirs["prices"]
        assert mine["message"] == parse_message(bytes.fromhex(theirs["vaa"]), Where())


@pytest.mark.node("solc")
def test_what_their_parser_refuses_is_refused_here() -> None:
    """Cut off at every length, with a byte behind it, of another mark or version; whole, it is read by both."""
    update = some_update(random.Random(7))
    broken = [update[:n] for n in range(0, len(update), 7)] + [
        update + b"\0",
        b"P" + update,
        update[:4] + b"\2" + update[5:],
    ]
    whole, *refused = published([update, *broken])
    assert whole is not None
    assert ours(update)["prices"] == whole["prices"]
    assert refused == [None] * len(broken)
    for one in broken:
        with pytest.raises(MalformedSigned):
            parse_update(one, Where())
