"""
Guardians of Wormhole and what Pyth makes them sign, with real keys: messages, trees of prices, updates.

Written from the formats alone, without a line of the verifier's, so that both agree only where both are right. Each part of a message can be
told otherwise by name, and what is signed is then what was told.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from hashlib import sha256

from eth_keys.datatypes import PrivateKey
from eth_utils import keccak

PYTHNET = 26
PYTH = bytes.fromhex("e101faedac5851e32b9b23b5f9411a8c2bac4aae3ed4dd7b811dd1a72ea4aa71")
ETH_USD = bytes.fromhex("ff61491a931112ddf1bd8147cd1b641375f79f5825126d665480874634fd0ace")


def packed(*parts: tuple[int, int] | bytes) -> bytes:
    """Bytes as they are, and numbers as (value, width), big-endian."""
    return b"".join(p if isinstance(p, bytes) else (p[0] % 256 ** p[1]).to_bytes(p[1], "big") for p in parts)


@dataclass(frozen=True)
class Feed:
    """One price as Pyth's network says it."""

    price: int
    interval: int = 10**8
    exponent: int = -8
    time: int = 1_800_000_000
    id: bytes = ETH_USD
    kind: int = 0

    @property
    def raw(self) -> bytes:
        """The bytes that are hashed."""
        head = packed((self.kind, 1), self.id, (self.price, 8), (self.interval, 8), (self.exponent, 4), (self.time, 8))
        return head + packed((self.time - 1, 8), (self.price, 8), (self.interval, 8))


def short_hash(data: bytes) -> bytes:
    """The first 20 bytes of keccak256."""
    return keccak(data)[:20]


def tree(leaves: list[bytes]) -> tuple[bytes, list[list[bytes]]]:
    """The root over some leaves, padded to a power of two, and the way to it from each."""
    size = 1
    while size < len(leaves):
        size *= 2
    row = [short_hash(b"\0" + leaf) for leaf in leaves] + [short_hash(b"\2")] * (size - len(leaves))
    ways: list[list[bytes]] = [[] for _ in leaves]
    places = list(range(len(leaves)))
    while len(row) > 1:
        for way, place in zip(ways, places, strict=True):
            way.append(row[place ^ 1])
        row = [short_hash(b"\1" + b"".join(sorted(row[i : i + 2]))) for i in range(0, len(row), 2)]
        places = [place // 2 for place in places]
    return row[0], ways


@dataclass(frozen=True)
class Guardians:
    """A set of guardians."""

    number: int = 4
    size: int = 19
    seed: str = "guardian"
    chain: int = PYTHNET
    emitter: bytes = PYTH
    version: int = 1
    who: tuple[int, ...] | None = None
    other: dict[int, PrivateKey] = field(default_factory=dict)

    @property
    def keys(self) -> list[PrivateKey]:
        """Their keys; `other` are keys that sign in a guardian's place without being its key."""
        return [PrivateKey(sha256(f"{self.seed} {i}".encode()).digest()) for i in range(self.size)]

    @property
    def addresses(self) -> tuple[bytes, ...]:
        """Who they are."""
        return tuple(key.public_key.to_canonical_address() for key in self.keys)

    @property
    def signing(self) -> tuple[int, ...]:
        """Who signs: the fewest that are enough, from the second on, unless told."""
        return self.who if self.who is not None else tuple(range(1, 2 * self.size // 3 + 2))

    def message(self, payload: bytes, *, nonce: int = 0, sequence: int = 1) -> bytes:
        """A signed message."""
        body = packed((1_700_000_000, 4), (nonce, 4), (self.chain, 2), self.emitter, (sequence, 8), (1, 1), payload)
        digest, keys = keccak(keccak(body)), self.keys
        signed = b"".join(
            packed((i, 1), self.other.get(i, keys[min(i, self.size - 1)]).sign_msg_hash(digest).to_bytes())
            for i in self.signing
        )
        return packed((self.version, 1), (self.number, 4), (len(self.signing), 1), signed, body)

    def update(self, *feeds: Feed, take: int | None = None, root: bytes | None = None) -> bytes:
        """An update with some prices, the first `take` of which it shows."""
        made, ways = tree([feed.raw for feed in feeds])
        payload = packed(b"AUWV", (0, 1), (7, 8), (10_000, 4), made if root is None else root)
        return wrap(self.message(payload), list(zip([f.raw for f in feeds], ways, strict=True))[:take])

    def but(self, **told: object) -> Guardians:
        """The same, with something told otherwise."""
        return replace(self, **told)  # type: ignore[arg-type]


def wrap(message: bytes, shown: list[tuple[bytes, list[bytes]]]) -> bytes:
    """An update around a signed message."""
    head = packed(b"PNAU", (1, 1), (0, 1), (0, 1), (0, 1), (len(message), 2), message, (len(shown), 1))
    return head + b"".join(packed((len(raw), 2), raw, (len(way), 1), *way) for raw, way in shown)
