"""Tries from the writer's side, built with codecs that share nothing with the verifier: `rlp`, pycryptodome, py-trie.

`build` makes the honest trie of a key set, raw keys that are prefixes of one another included. `leaf`, `extension`,
`branch` and `refer` make single nodes of any shape, also those that no honest trie holds; `Forge` links them by hash.
`mainnet_like` makes paths with the node shapes of a trie of hundreds of millions of random keys.
"""

from __future__ import annotations

import random
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

import rlp
from Crypto.Hash import keccak as pycryptodome
from trie import HexaryTrie

Structure = bytes | list  # what the `rlp` package encodes


def keccak(data: bytes) -> bytes:
    """Keccak-256 by pycryptodome, so that the verifier's own backend is not tested against itself."""
    return pycryptodome.new(digest_bits=256, data=data).digest()


EMPTY_ROOT = keccak(b"\x80")


def nibbles(key: bytes) -> tuple[int, ...]:
    """High nibble first."""
    return tuple(n for byte in key for n in (byte >> 4, byte & 15))


def hex_prefix(path: Sequence[int], *, is_leaf: bool) -> bytes:
    """The compact form of a path."""
    flag = (2 if is_leaf else 0) + len(path) % 2
    digits = [flag, *path] if len(path) % 2 else [flag, 0, *path]
    return bytes(16 * high + low for high, low in zip(digits[::2], digits[1::2], strict=True))


def leaf(path: Sequence[int], value: bytes) -> list:
    """A leaf node, as a structure."""
    return [hex_prefix(path, is_leaf=True), value]


def extension(path: Sequence[int], child: Structure) -> list:
    """An extension node, as a structure."""
    return [hex_prefix(path, is_leaf=False), child]


def branch(children: Mapping[int, Structure], value: bytes = b"") -> list:
    """A branch node, as a structure, from its children by nibble."""
    return [*(children.get(n, b"") for n in range(16)), value]


@dataclass
class Forge:
    """Encodes structures, links them by hash where they are due, and keeps what it linked."""

    nodes: dict[bytes, bytes] = field(default_factory=dict)

    def refer(self, structure: Structure, *, always: bool = False) -> Structure:
        """What stands in the parent: the structure itself if it encodes to fewer than 32 bytes, else its hash."""
        raw = rlp.encode(structure)
        return structure if len(raw) < 32 and not always else self.keep(raw)

    def keep(self, raw: bytes) -> bytes:
        """Takes the bytes of a node, of whatever shape, and gives their hash."""
        digest = keccak(raw)
        self.nodes[digest] = raw
        return digest

    def root(self, structure: Structure) -> bytes:
        """The root hash of a trie with this top node."""
        return self.keep(rlp.encode(structure))

    def all(self) -> list[bytes]:
        """Every node linked so far, in the order of their making."""
        return list(self.nodes.values())


@dataclass(frozen=True)
class Built:
    """An honest trie: its root, and all its hashed nodes."""

    root: bytes
    nodes: Mapping[bytes, bytes]
    items: Mapping[bytes, bytes]

    def prove(self, key: bytes) -> list[bytes]:
        """The hashed nodes from the root towards a key, as `eth_getProof` lists them; written without our walk."""
        proof: list[bytes] = []
        path, at = nibbles(key), 0
        reference: Structure = self.root if self.items else b""
        while reference:
            if isinstance(reference, bytes):
                raw = self.nodes[reference]
                proof.append(raw)
                node = rlp.decode(raw)
            else:
                node = reference
            if len(node) == 17:
                if at == len(path):
                    break
                reference, at = node[path[at]], at + 1
                continue
            flag, shared = node[0][0] >> 4, nibbles(node[0])
            shared = shared[1:] if flag % 2 else shared[2:]
            if flag >= 2 or path[at : at + len(shared)] != shared:
                break
            reference, at = node[1], at + len(shared)
        return proof

    def prove_all(self, keys: Iterable[bytes]) -> list[bytes]:
        """The nodes of several proofs, each once."""
        return list(dict.fromkeys(node for key in keys for node in self.prove(key)))


def build(items: Mapping[bytes, bytes]) -> Built:
    """The honest trie of a key set."""
    forge = Forge()
    if not items:
        return Built(EMPTY_ROOT, {}, {})
    top = _subtree([(nibbles(key), value) for key, value in sorted(items.items())], 0, forge)
    return Built(forge.root(top), dict(forge.nodes), dict(items))


def _subtree(pairs: list[tuple[tuple[int, ...], bytes]], at: int, forge: Forge) -> list:
    if len(pairs) == 1:
        return leaf(pairs[0][0][at:], pairs[0][1])
    first, last = pairs[0][0], pairs[-1][0]  # sorted: what these two share, all share
    shared = 0
    while at + shared < min(len(first), len(last)) and first[at + shared] == last[at + shared]:
        shared += 1
    if shared:
        return extension(first[at : at + shared], forge.refer(_subtree(pairs, at + shared, forge)))
    ends_here = [value for path, value in pairs if len(path) == at]
    below: dict[int, list[tuple[tuple[int, ...], bytes]]] = {}
    for path, value in pairs:
        if len(path) > at:
            below.setdefault(path[at], []).append((path, value))
    children = {n: forge.refer(_subtree(group, at + 1, forge)) for n, group in below.items()}
    return branch(children, ends_here[0] if ends_here else b"")


def relink(proof: Sequence[bytes], index: int, changed: bytes) -> list[bytes]:
    """A proof with one node changed and all hashes above it made anew: the root is the hash of its first node."""
    linked = list(proof)
    for n in range(index, -1, -1):
        before, linked[n] = linked[n], changed
        if n:
            changed = linked[n - 1].replace(keccak(before), keccak(changed))
    return linked


def build_by_py_trie(items: Mapping[bytes, bytes]) -> bytes:
    """The root that py-trie computes."""
    trie = HexaryTrie({})
    for key, value in items.items():
        trie[key] = value
    return bytes(trie.root_hash)


def random_items(count: int, seed: int, *, size: int = 70) -> dict[bytes, bytes]:
    """Hashed keys with random values."""
    rng = random.Random(seed)
    return {keccak(rng.randbytes(20)): b"\xb8" + rng.randbytes(size - 1) for _ in range(count)}


def account_leaf(rng: random.Random) -> bytes:
    """The RLP of a plausible account: mostly without code, some with a storage root."""
    has_code = rng.random() < 0.3
    storage, code = (rng.randbytes(32), rng.randbytes(32)) if has_code else (EMPTY_ROOT, keccak(b""))
    nonce = rng.choice([1, 1, 2, 3, 10, 50, 300])
    balance = rng.randrange(1, 10 ** rng.choice([12, 15, 17, 18, 19]))
    return rlp.encode([rlp.sedes.big_endian_int.serialize(n) for n in (nonce, balance)] + [storage, code])


def mainnet_like(count: int, population: int, seed: int, items: Mapping[bytes, bytes] | None = None) -> Built:
    """Paths to `count` keys under one root, hash-linked, with fan-outs as in a trie of `population` random keys.

    Siblings off the paths are random hashes: nobody can tell them from those of real sub-trees, and no walk to one of
    our keys needs them.
    """
    rng = random.Random(seed)
    items = dict(items or {rng.randbytes(32): account_leaf(rng) for _ in range(count)})
    forge = Forge()
    pairs = [(nibbles(key), value) for key, value in sorted(items.items())]
    top = _crowded(pairs, population - count, 0, forge, rng)
    return Built(forge.root(top), dict(forge.nodes), items)


def _crowded(pairs: list, others: int, at: int, forge: Forge, rng: random.Random) -> list:
    """A sub-tree with our pairs and a number of keys of strangers, of which only the hashes are made."""
    if len(pairs) == 1 and not others:
        return leaf(pairs[0][0][at:], pairs[0][1])
    strangers = _scatter(others, rng)
    ours: dict[int, list] = {}
    for pair in pairs:
        ours.setdefault(pair[0][at], []).append(pair)
    places = [n for n in range(16) if strangers[n] or n in ours]
    if len(places) == 1:
        below = _crowded(pairs, others, at + 1, forge, rng)
        if len(below) == 17:
            return extension([places[0]], forge.refer(below))
        shared = nibbles(below[0])[1 if below[0][0] >> 4 & 1 else 2 :]
        return extension([places[0], *shared], below[1])
    children: dict[int, Structure] = {}
    for n in places:
        children[n] = (
            forge.refer(_crowded(ours[n], strangers[n], at + 1, forge, rng)) if n in ours else rng.randbytes(32)
        )
    return branch(children)


def _scatter(count: int, rng: random.Random) -> list[int]:
    """How many of `count` random keys fall under each of sixteen nibbles."""
    if count > 2_000:
        spread = (count * 15 / 256) ** 0.5
        return [max(0, round(rng.gauss(count / 16, spread))) for _ in range(16)]
    found = [0] * 16
    for _ in range(count):
        found[rng.randrange(16)] += 1
    return found
