"""Wormhole: messages that guardians signed, and the set of guardians as the core contract keeps it.

    message   version 1 (1 byte), set (4), count (1), then for each signature: guardian (1), r (32), s (32), v (1); body
    body      time (4), nonce (4), chain (2), emitter (32), sequence (8), consistency (1), payload
    core      slot 2: sets by their number: how many keys (the keys from keccak of that slot on), then when it expired
              slot 3: number of the current set (32 bits)

What is signed is keccak(keccak(body)). More than two thirds of the set must have signed; guardians ascend, so none
counts twice. Version and set stand outside of what is signed: only one version is taken, and another set has other
keys. A set that was replaced stands until it expires. Guardians sign with s in the lower half of the order (go-ethereum
does), and the other spelling is refused as everywhere.

Source: wormhole-foundation/wormhole 640e184, ethereum/contracts/Messages.sol, State.sol, Structs.sol.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import Final

from verifier.assets.reader import Reader
from verifier.codec.abi import array_slot, field, mapping_slot, offset_slot, pad_uint
from verifier.codec.packed import Packed
from verifier.crypto.keccak import keccak256
from verifier.crypto.secp256k1 import recover
from verifier.errors import BadPrice, MalformedSigned, TooFewSigners, TooOld, Where, WrongBinding, WrongSignature
from verifier.policy import MOST_SIGNERS, Signers
from verifier.primitives import Address, Hash32, slot_key
from verifier.proven import ProvenWord

VERSION: Final = 1
SETS: Final = 2
CURRENT: Final = 3


@dataclass(frozen=True, slots=True)
class Message:
    """
    A message as it was handed over; believed by no one yet.

    Attributes:
        set_number: Of the guardians that are said to have signed.
        signatures: By ascending guardian, each with its 65 bytes.
        digest: What they signed, of our own hashing.
        chain: Of the emitter, in Wormhole's own numbers.
    """

    set_number: int
    signatures: tuple[tuple[int, bytes], ...]
    digest: Hash32
    chain: int
    emitter: Hash32
    payload: bytes


def parse_message(raw: bytes, where: Where) -> Message:
    """
    A message in its one form.

    Raises:
        MalformedSigned: It ends too soon, is of another version, or its guardians do not ascend.
    """
    data = Packed(raw, "a message of guardians", where)
    if (version := data.uint(1)) != VERSION:
        raise MalformedSigned(where, f"a message of version {VERSION} is due", version)
    number, count = data.uint(4), data.uint(1)
    signatures = tuple((data.uint(1), _spelled(data.take(65))) for _ in range(count))
    places = [place for place, _ in signatures]
    if places != sorted(set(places)):
        raise MalformedSigned(where, "guardians ascend, each once", str(places))
    body = data.rest()
    inner = Packed(body, "the body of a message", where)
    inner.take(4 + 4)
    chain, emitter = inner.uint(2), Hash32(inner.take(32))
    inner.take(8 + 1)
    return Message(number, signatures, Hash32(keccak256(keccak256(body))), chain, emitter, inner.rest())


def _spelled(raw: bytes) -> bytes:
    """A signature with its recovery value as elsewhere: 27 and 28 for 0 and 1; what is beyond a byte is no value."""
    return raw[:64] + bytes([min(raw[64] + 27, 255)])


def verify_message(message: Message, signers: Signers, where: Where) -> tuple[Address, ...]:
    """
    Establish that a quorum of a set signed a message.

    Returns:
        Who signed, in the set's order.

    Raises:
        WrongBinding: It names another set.
        TooFewSigners: Fewer signed than more than two thirds of the set.
        MalformedSigned: It names a guardian that the set does not have.
        WrongSignature, MalformedAttestation, BadAttestation: A signature is not that guardian's over this message.
    """
    if message.set_number != signers.number:
        raise WrongBinding(where, "the set of guardians", signers.number, message.set_number)
    if len(message.signatures) < signers.quorum:
        raise TooFewSigners(where, signers.quorum, len(message.signatures), len(signers.keys), "guardians")
    signed: list[Address] = []
    for place, raw in message.signatures:
        if place >= len(signers.keys):
            raise MalformedSigned(where, f"the set has {len(signers.keys)} guardians", place)
        if _signer(message.digest, raw) != signers.keys[place]:
            raise WrongSignature(where, message.digest, signers.keys[place])
        signed.append(signers.keys[place])
    return tuple(signed)


@lru_cache(maxsize=1_024)
def _signer(digest: Hash32, raw: bytes) -> Address:
    """Kept, since the prices of one update rest on the same signatures."""
    return recover(digest, raw)


def read_signers(core: Address, number: int, reader: Reader) -> tuple[Signers, ProvenWord]:
    """
    A set of guardians as the core contract keeps it, and the word that says which set is the current one.

    Args:
        number: Which set is asked for; one that was replaced counts until it expires.

    Raises:
        TooOld: The set was replaced, and has expired before the block.
        BadPrice: The contract has no such set.
    """
    base = mapping_slot(pad_uint(number), slot_key(SETS))
    current, size = reader.words((core, [CURRENT, base]))
    count = int.from_bytes(size.word, "big")
    if not 0 < count <= MOST_SIGNERS:
        raise BadPrice(size.where, f"the contract has no set {number} of guardians", count)
    until = [] if field(current.word, 0, 32) == number else [offset_slot(base, 1)]
    words = reader.words((core, [*(array_slot(base, i) for i in range(count)), *until]))
    for word in words[count:]:
        if (expired := field(word.word, 0, 32)) < reader.time:
            raise TooOld(word.where, f"the time since set {number} of guardians expired", 0, reader.time - expired)
    keys = tuple(Address(field(key.word, 0, 160).to_bytes(20, "big")) for key in words[:count])
    return Signers(number, keys), current
