"""Fuzzing the trie walk: any bytes as nodes, any root, any key.

The invariant: the walk gives bytes, or `ABSENT`, or raises an error of our own tree, and the plain walk does the same.
`python -m tests.fuzz.walk --seconds N [--seed S]` runs for N seconds and prints the case that broke it, if one did.
"""

from __future__ import annotations

import argparse
import random
import sys
import time
from collections import Counter

import rlp

from tests.simulators.plain_walk import plain_walk
from tests.simulators.trie_builder import Built, build, hex_prefix, keccak, relink
from verifier.errors import NOWHERE, VerifierError
from verifier.primitives import Hash32
from verifier.trie.table import NodeTable
from verifier.trie.walk import Absent, walk

ODD_BYTES = (
    0x00,
    0x01,
    0x20,
    0x37,
    0x38,
    0x7F,
    0x80,
    0x81,
    0xA0,
    0xB7,
    0xB8,
    0xBF,
    0xC0,
    0xC1,
    0xD1,
    0xF7,
    0xF8,
    0xF9,
    0xFF,
)


def target(root: bytes, key: bytes, nodes: list[bytes]) -> str:
    """One case: the name of what came out. Anything but a value, an absence or our own error goes through."""
    table = NodeTable.build(dict.fromkeys(nodes))
    try:
        fast: object = walk(Hash32(root), key, table, NOWHERE)
    except VerifierError as error:
        fast = type(error)
        str(error)
    try:
        plain: object = plain_walk(root, key, nodes)
    except VerifierError as error:
        plain = type(error)
    if fast != plain:
        raise RuntimeError(f"the walk gives {fast}, the plain walk {plain}")
    if not isinstance(fast, bytes | Absent | type):
        raise RuntimeError(f"neither a value nor an absence: {fast!r}")
    return fast.__name__ if isinstance(fast, type) else type(fast).__name__


class Cases:
    """An endless supply of cases from one seed: noise, trees of noise, and honest proofs with something done to them."""

    def __init__(self, seed: int) -> None:
        self.rng = random.Random(seed)
        self.tries = [self._trie(n) for n in range(24)]

    def next(self) -> tuple[bytes, bytes, list[bytes]]:
        """Root, key and nodes."""
        return self.rng.choice((self._noise, self._grown, self._changed, self._changed, self._changed))()

    def _trie(self, n: int) -> Built:
        rng = self.rng
        stem = rng.randbytes(32)
        items = {}
        for _ in range(rng.choice((1, 2, 5, 30, 200))):
            if n % 3 == 0:
                key = bytes(rng.choice((0, 1, 16, 128)) for _ in range(rng.randrange(5)))
            else:
                key = stem[: rng.choice((0, 0, 3, 29, 31))].ljust(32, b"\x00")[:32]
                key = bytes(b or rng.randrange(256) for b in key)
            items[key] = rng.randbytes(rng.choice((1, 1, 2, 20, 33, 60, 300)))
        return build(items)

    def _noise(self) -> tuple[bytes, bytes, list[bytes]]:
        raw = self._bytes(self.rng.choice((0, 1, 2, 17, 33, 83, 115, 532)))
        return keccak(raw), self._key(), [raw, self._bytes(40)]

    def _grown(self) -> tuple[bytes, bytes, list[bytes]]:
        """Nodes that are well-formed lists of doubtful items, each linked into the next."""
        rng, nodes = self.rng, list[bytes]()
        for _ in range(rng.randrange(1, 7)):
            pool = [b"", b"", self._bytes(32), self._bytes(rng.randrange(40)), [], [b"\x20", b"v"]]
            pool += [keccak(node) for node in nodes[-2:]] * 6
            pool += [rlp.decode(node) for node in nodes[-2:] if len(node) < 40]
            path = hex_prefix([rng.randrange(16) for _ in range(rng.randrange(6))], is_leaf=rng.random() < 0.4)
            count = rng.choice((2, 2, 17, 17, 17, 17, 3))
            items = [rng.choice(pool) for _ in range(count)]
            if count == 2 and rng.random() < 0.9:
                items[0] = path
            if count == 17 and rng.random() < 0.8:
                items[16] = b""
            nodes.append(rlp.encode(items))
        return keccak(nodes[-1]), self._key(), nodes

    def _changed(self) -> tuple[bytes, bytes, list[bytes]]:
        rng, trie = self.rng, self.rng.choice(self.tries)
        key = rng.choice(list(trie.items))
        if rng.random() < 0.3 and key:
            at = rng.randrange(len(key))
            key = key[:at] + bytes([key[at] ^ rng.choice((1, 16))]) + key[at + 1 :]
        proof = trie.prove(key)
        for _ in range(rng.choice((1, 1, 1, 2, 4))):
            at = rng.randrange(len(proof))
            proof = relink(proof, at, self._bent(proof[at]))
        if rng.random() < 0.05:
            del proof[rng.randrange(len(proof))]
        return (keccak(proof[0]) if proof else trie.root), key, proof

    def _bent(self, raw: bytes) -> bytes:
        rng = self.rng
        if not raw:
            return b"\x80"
        at = rng.choice((0, 1, 2, rng.randrange(len(raw)), rng.randrange(len(raw)), len(raw) - 1)) % len(raw)
        byte = bytes([rng.choice((*ODD_BYTES, raw[at] ^ 1, raw[at] ^ 16))])
        return rng.choice(
            (
                raw[:at] + byte + raw[at + 1 :],
                raw[:at] + byte + raw[at:],
                raw[:at] + raw[at + 1 :],
                raw[:at],
                raw + byte,
            )
        )

    def _bytes(self, size: int) -> bytes:
        return bytes(
            self.rng.choice(ODD_BYTES) if self.rng.random() < 0.5 else self.rng.randrange(256) for _ in range(size)
        )

    def _key(self) -> bytes:
        return self.rng.randbytes(self.rng.choice((0, 1, 2, 32, 32)))


def run(seed: int, *, cases: int | None = None, seconds: float | None = None) -> Counter[str]:
    """How often each outcome came, over a number of cases or for some seconds."""
    source, seen, ends = Cases(seed), Counter[str](), time.monotonic() + (seconds or 0)
    while seen.total() < cases if cases is not None else time.monotonic() < ends:
        root, key, nodes = source.next()
        try:
            seen[target(root, key, nodes)] += 1
        except Exception:
            shown = ", ".join(node.hex() for node in nodes)
            print(
                f"seed {seed}, case {seen.total()}: root {root.hex()} key {key.hex()} nodes [{shown}]", file=sys.stderr
            )
            raise
    return seen


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz.walk", description="fuzz the trie walk")
    parser.add_argument("--seconds", type=float, default=60)
    parser.add_argument("--seed", type=int, default=None)
    given = parser.parse_args()
    seed = given.seed if given.seed is not None else random.SystemRandom().randrange(2**32)
    print(f"seed {seed}: {dict(run(seed, seconds=given.seconds))}")


if __name__ == "__main__":
    main()
