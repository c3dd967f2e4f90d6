"""Pyth: what guardians signed of a feed, out of an update that anyone may hand over. Signed, and never proven.

    update    "PNAU", version 1 (1 byte), minor (1), further header (1, and as many bytes), kind 0 (1), length (2) and a
              message of guardians, how many prices (1); for each: length (2), price, length of its proof (1), 20 each
    payload   "AUWV", kind 0 (1), slot (8), ring (4), root (20)
    price     kind 0 (1), feed (32), price (8, signed), interval (8), exponent (4, signed), time (8), time before (8),
              slow price (8, signed), its interval (8)

Hashes are the first 20 bytes of keccak256: 0x00 before a price, 0x01 before two sorted nodes. The message must come
from Pyth's own emitter. Minor versions may append; what we do not know is refused rather than passed over.

The newest update of a feed that is not after the account's moment counts; how old it may be is the feed's heartbeat.
The set of guardians is the one that the core contract keeps under the block's state, or one that the checker's policy
names.

Source: pyth-network/pyth-crosschain 7c915eb, target_chains/ethereum/contracts/contracts/pyth/PythAccumulator.sol and
libraries/MerkleTree.sol; emitter: contract_manager/src/core/base.ts, for the stable network as for the beta one.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from verifier.assets.reader import Reader
from verifier.claims import PriceClaim, Source
from verifier.codec.packed import Packed
from verifier.crypto.keccak import keccak256
from verifier.errors import (
    BadPrice,
    MalformedSigned,
    MissingEvidence,
    UnreviewedMeaning,
    Where,
    WrongBinding,
    WrongHash,
)
from verifier.policy import Signers
from verifier.positions import Given
from verifier.prices.quote import Said, power
from verifier.prices.wormhole import Message, parse_message, read_signers, verify_message
from verifier.primitives import Address, Hash32, Timestamp, to_hex
from verifier.proven import ProvenWord

CHAIN: Final = 26
"""Pythnet, in Wormhole's own numbers."""
EMITTER: Final = bytes.fromhex("e101faedac5851e32b9b23b5f9411a8c2bac4aae3ed4dd7b811dd1a72ea4aa71")
LOWEST, HIGHEST = -18, 0
"""Exponents that are taken: within our scale a price then loses no digit."""


@dataclass(frozen=True, slots=True)
class Parameters:
    """`id` of the feed; `signers`: a set of the policy's, or else the core contract's own; the emitter."""

    feed: Hash32
    signers: str
    chain: int
    emitter: Hash32


def parse(given: Given, contract: Address) -> Parameters:  # noqa: ARG001 - the port's words
    """A feed; `contract` is Wormhole's core contract on the network."""
    chain = given.uint("emitter_chain", CHAIN, most=(1 << 16) - 1)
    return Parameters(given.hash("id"), given.text("signers", "-"), chain, given.hash("emitter", EMITTER))


@dataclass(frozen=True, slots=True)
class Price:
    """A price as an update says it; `raw` is what was hashed, `proof` what leads from there to the root."""

    feed: Hash32
    price: int
    interval: int
    exponent: int
    time: int
    raw: bytes
    proof: tuple[bytes, ...]


@dataclass(frozen=True, slots=True)
class Update:
    """An update as it was handed over; believed by no one yet."""

    message: Message
    root: bytes
    prices: tuple[Price, ...]


def parse_update(raw: bytes, where: Where) -> Update:
    """
    An update in its one form.

    Raises:
        MalformedSigned: It ends too soon or late, or a part of it is of a kind that is not known.
    """
    data = Packed(raw, "an update", where)
    _expect(data.take(4), b"PNAU", "the mark of an update", where)
    _expect(data.take(1), b"\1", "the version of an update", where)
    data.take(1)
    _expect(data.take(1), b"\0", "the length of a further header", where)
    _expect(data.take(1), b"\0", "the kind of an update", where)
    message = parse_message(data.take(data.uint(2)), where)
    prices = tuple(_price(data, where) for _ in range(data.uint(1)))
    data.done()
    return Update(message, _root(message.payload, where), prices)


def _expect(found: bytes, due: bytes, what: str, where: Where) -> None:
    if found != due:
        raise MalformedSigned(where, f"{what} is {to_hex(due)}", found)


def _root(payload: bytes, where: Where) -> bytes:
    data = Packed(payload, "the payload of an update", where)
    _expect(data.take(4), b"AUWV", "the mark of a payload", where)
    _expect(data.take(1), b"\0", "the kind of a payload", where)
    data.take(8 + 4)
    root = data.take(20)
    data.done()
    return root


def _price(outer: Packed, where: Where) -> Price:
    raw = outer.take(outer.uint(2))
    proof = tuple(outer.take(20) for _ in range(outer.uint(1)))
    data = Packed(raw, "a price of an update", where)
    _expect(data.take(1), b"\0", "the kind of a price", where)
    feed, price, interval = Hash32(data.take(32)), data.signed(8), data.uint(8)
    exponent, time = data.signed(4), data.uint(8)
    data.take(8 + 8 + 8)
    data.done()
    return Price(feed, price, interval, exponent, time, raw, proof)


def verify_price_in(price: Price, root: bytes, where: Where) -> None:
    """
    Establish that a price is one of those under a root.

    Raises:
        WrongHash: Its proof leads elsewhere.
    """
    node = _hash(b"\0" + price.raw)
    for other in price.proof:
        node = _hash(b"\1" + min(node, other) + max(node, other))
    if node != root:
        raise WrongHash(where, "the price with its proof", root, node)


def _hash(data: bytes) -> bytes:
    return keccak256(data)[:20]


def read(of: Parameters, claim: PriceClaim, reader: Reader) -> Said:
    """
    The newest signed price of the feed that is not after the moment asked for.

    Raises:
        MissingEvidence: No update at hand has one.
        MalformedSigned, WrongBinding, WrongHash, WrongSignature, TooFewSigners: The update does not show that a quorum
            of the guardians signed it.
        BadPrice: What they signed is not above zero, or of an exponent beyond any that is known.
        UnreviewedMeaning: The policy names no signers of that name.
    """
    where = reader.where
    raw, update, price = _newest(of.feed, reader)
    found = update.message
    if (found.chain, found.emitter) != (of.chain, of.emitter):
        got = f"{found.chain}:{to_hex(found.emitter)}"
        raise WrongBinding(where, "the emitter", f"{of.chain}:{to_hex(of.emitter)}", got)
    if price.price <= 0:
        raise BadPrice(where, "the signed price is not above zero", price.price)
    if not LOWEST <= price.exponent <= HIGHEST:
        raise BadPrice(where, f"an exponent from {LOWEST} to {HIGHEST} is due", price.exponent)
    verify_price_in(price, update.root, where)
    signers, word = _signers(of, claim, found.set_number, reader)
    signed_by = verify_message(found, signers, where)
    reader.used_update(raw)
    unit = power(18 + price.exponent)
    return Said(price.price * unit, price.interval * unit, Timestamp(price.time), signers, signed_by, word)


def _newest(feed: Hash32, reader: Reader) -> tuple[bytes, Update, Price]:
    """Of all updates at hand; of two of one time the later in the order of their bytes."""
    found: list[tuple[int, bytes, Update, Price]] = []
    for raw in reader.updates:
        update = parse_update(raw, reader.where)
        found += [(p.time, raw, update, p) for p in update.prices if p.feed == feed and p.time <= reader.as_of]
    if not found:
        raise MissingEvidence(reader.where, f"a signed update of feed {to_hex(feed)} that is not after the moment")
    _, raw, update, price = max(found, key=lambda entry: entry[:2])
    return raw, update, price


def _signers(of: Parameters, claim: PriceClaim, number: int, reader: Reader) -> tuple[Signers, ProvenWord | None]:
    if of.signers == "-":
        return read_signers(claim.contract, number, reader)
    found = reader.signers.get(of.signers)
    if found is None:
        raise UnreviewedMeaning(reader.where, Source.USER.value, f"the policy names no signers {of.signers!r}")
    return found, None
