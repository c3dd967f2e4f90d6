"""Asks of hand-made tries: under a root, and below it."""

from __future__ import annotations

import rlp

from tests.simulators.trie_builder import (
    Forge,
    branch,
    keccak,
    nibbles,
)
from verifier.errors import NOWHERE
from verifier.primitives import Hash32
from verifier.trie.table import NodeTable
from verifier.trie.walk import Absent, walk

KEY = keccak(b"a holder")


PATH = nibbles(KEY)


VALUE = b"v" * 60


OTHER = b"\x0f" * 32


def ask(root: bytes, nodes: list[bytes], key: bytes = KEY) -> bytes | Absent:
    return walk(Hash32(root), key, NodeTable.build(nodes), NOWHERE)


def under_root(structure, key: bytes = KEY, forge: Forge | None = None) -> bytes | Absent:
    """The answer of a trie whose top node is `structure`, all links held."""
    forge = forge or Forge()
    root = forge.root(structure)
    return ask(root, forge.all(), key)


def below(raw: bytes, key: bytes = KEY, at: int = 1) -> bytes | Absent:
    """The answer of a trie in which some bytes are the node behind the key's first nibbles."""
    forge = Forge()
    reference = forge.keep(raw)
    for n in reversed(nibbles(key)[:at]):
        reference = forge.keep(rlp.encode(branch({n: reference, (n + 1) % 16: OTHER})))
    return ask(reference, forge.all(), key)
