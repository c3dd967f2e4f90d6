"""Nodes by the hash that we computed: the only way in which the walk finds one.

A reference that is found here is thereby authenticated, since nobody else's word about a hash is ever taken. The order
of the nodes does not matter. A table is not changed after it is built, apart from a memo of parsed nodes, which is a
function of the bytes alone and holds no position, so that equal sub-trees may share it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, KeysView
from dataclasses import dataclass
from itertools import chain, islice
from typing import Final, Self, cast, final

from verifier.crypto.keccak import keccak256
from verifier.errors import NOWHERE, BadInput, LimitExceeded, UnusedEvidence, Where
from verifier.primitives import Hash32
from verifier.trie.nodes import Node, parse_node


@dataclass(frozen=True, slots=True)
class TrieLimits:
    """Sizes and counts of a set of nodes, tested before the first hash.

    Attributes:
        max_nodes: Nodes in all.
        max_node_bytes: Of one node. State nodes have at most 532; the leaf of a receipt holds the receipt.
        max_bytes: Of all nodes together.
    """

    max_nodes: int = 1_000_000
    max_node_bytes: int = 64 * 1_024
    max_bytes: int = 512 << 20


DEFAULT_LIMITS: Final = TrieLimits()

_PIECE: Final = 128
"""Nodes that are taken together, so that each is still in the processor's cache for the next thing done to it. A pass
over all nodes of a large batch fetches every one of them from memory anew."""


@final
class NodeTable:
    """A set of trie nodes, keyed by their Keccak-256. Made by `build` or `from_hashed`.

    Attributes:
        get: The bytes that hash to a reference, or None.
    """

    __slots__ = ("_nodes", "_parsed", "get")

    get: Callable[[bytes], bytes | None]

    def __init__(self, nodes: dict[Hash32, bytes]) -> None:
        self._nodes = nodes
        self._parsed: dict[bytes, Node] = {}
        # The dictionary's own method, since the walk calls it for every node.
        self.get = cast("Callable[[bytes], bytes | None]", nodes.get)

    @classmethod
    def build(cls, nodes: Iterable[bytes], limits: TrieLimits = DEFAULT_LIMITS, where: Where = NOWHERE) -> Self:
        """A table of nodes that we hash, each of them once.

        Raises:
            BadInput: Something that is not bytes.
            LimitExceeded: Too many nodes, or too large.
            UnusedEvidence: The same node twice.
        """
        pieces = _bounded(nodes, limits)
        table: dict[Hash32, bytes] = {}
        for piece in pieces:
            table.update(zip(map(keccak256, piece), piece, strict=True))
        repeated = sum(map(len, pieces)) - len(table)
        if repeated:
            raise UnusedEvidence(where, "repeated trie nodes", repeated, _first_repeated(chain.from_iterable(pieces)))
        return cls(table)

    @classmethod
    def from_hashed(cls, pairs: Iterable[tuple[Hash32, bytes]]) -> Self:
        """A table of nodes that the caller has hashed.

        This takes the caller's word. Each hash must be `keccak256` of the bytes beside it, computed by us in this
        process, never read from anywhere; sizes and counts were bounded before. The bundle uses it, where one node is
        hashed once and shared by several sections.
        """
        return cls(dict(pairs))

    def parsed(self, reference: bytes, raw: bytes, where: Where) -> Node:
        """A node of this table in decoded form, parsed once. Raises as `parse_node`."""
        node = self._parsed.get(reference)
        if node is None:
            node = self._parsed[reference] = parse_node(raw, where)
        return node

    def hashes(self) -> KeysView[Hash32]:
        """The hashes of all nodes, for whoever counts which were used."""
        return self._nodes.keys()

    def __len__(self) -> int:
        return len(self._nodes)

    def __contains__(self, reference: object) -> bool:
        return reference in self._nodes

    def __repr__(self) -> str:
        return f"<NodeTable of {len(self._nodes)} nodes>"


def _bounded(nodes: Iterable[bytes], limits: TrieLimits) -> list[list[bytes]]:
    """The nodes in pieces, after their types, count and sizes were looked at; their content was not."""
    supply = islice(nodes, limits.max_nodes + 1)
    pieces: list[list[bytes]] = []
    count = total = 0
    while piece := list(islice(supply, _PIECE)):
        strangers = set(map(type, piece)) - {bytes}
        if strangers:
            raise BadInput("trie node", "bytes", ", ".join(sorted(kind.__name__ for kind in strangers)))
        sizes = list(map(len, piece))
        if max(sizes) > limits.max_node_bytes:
            raise LimitExceeded("bytes of a trie node", limits.max_node_bytes, max(sizes))
        count, total = count + len(piece), total + sum(sizes)
        pieces.append(piece)
    if count > limits.max_nodes:
        raise LimitExceeded("trie nodes", limits.max_nodes, f"more than {limits.max_nodes}")
    if total > limits.max_bytes:
        raise LimitExceeded("bytes of all trie nodes", limits.max_bytes, total)
    return pieces


def _first_repeated(nodes: Iterable[bytes]) -> str:
    seen: set[bytes] = set()
    for node in nodes:
        if node in seen:
            return "0x" + keccak256(node).hex()
        seen.add(node)
    return "none"
