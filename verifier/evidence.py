"""Evidence: bytes that anyone may have handed us, in answer-free shapes.

Nothing here holds an address, a balance or a value from a reply. Nodes and headers are kept as bytes; what they are
about comes from our question, and what they say comes out of the proof.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from verifier.claims import Claim, PriceClaim
from verifier.primitives import ChainId, Timestamp


class Link(StrEnum):
    """How a step reaches an older header from the one before it."""

    PARENT = "parent"
    """By the parent hash in the newer header."""
    HISTORY = "history"
    """By the block hash in the history contract under the newer header's state (EIP-2935)."""


@dataclass(frozen=True, slots=True)
class HeaderStep:
    """One step back in time: the RLP of an older header, and what ties it to the newer one."""

    link: Link
    header: bytes


@dataclass(frozen=True, slots=True)
class Settling:
    """What ties a rollup's header to a contract of its parent, whose own section anchors the parent.

    Attributes:
        preimages: What the network's scheme opens hashes in the contract's words with.
    """

    parent: ChainId
    preimages: tuple[bytes, ...]


@dataclass(frozen=True, slots=True)
class LightEvidence:
    """
    What leads a light client to the anchor: objects in SSZ of the newest form, and nothing that one has to believe.

    Attributes:
        bootstrap: Of the checkpoint that the gatherer began from; None where only a checker that kept a state of its
            own can begin.
        updates: With the next committee each, of one period after the other.
        final: The update that finalizes the anchor; None where the last of the others does, or the checkpoint is it.
        attested: The update that attests the anchor, where that is not final.
    """

    bootstrap: bytes | None = None
    updates: tuple[bytes, ...] = ()
    final: bytes | None = None
    attested: bytes | None = None

    def __bool__(self) -> bool:
        return self != LightEvidence()


@dataclass(frozen=True, slots=True)
class Section:
    """The evidence of one network.

    Attributes:
        anchor: RLP of the header that a trust root of the checker must name, or that `settling` ties to the parent.
        steps: From there back to the snapshot's header; empty where the anchor is the snapshot.
        nodes: Indices into the bundle's node list, strictly ascending: the nodes this network's proofs use, those in
            the parent's state among them.
        codes: Indices into the bundle's list of contract code, strictly ascending: the code its calls run.
        light: What proves the anchor to a checker with a beacon checkpoint; None where it is pinned or observed.
        updates: Signed prices as their signers' network hands them out, in ascending order of their bytes.
    """

    chain_id: ChainId
    anchor: bytes
    steps: tuple[HeaderStep, ...]
    nodes: tuple[int, ...]
    settling: Settling | None = None
    codes: tuple[int, ...] = ()
    light: LightEvidence | None = None
    updates: tuple[bytes, ...] = ()


@dataclass(frozen=True, slots=True)
class Bundle:
    """A self-contained question with its evidence. It holds no trust root, no policy, and no figure.

    Attributes:
        as_of: The one moment of the whole account.
        claims: In the order of the account.
        omitted: Indices of claims for which the gatherer found no evidence, strictly ascending.
        sections: One for each network, by ascending chain id.
        nodes: Trie nodes, each once, in ascending order of their bytes.
        codes: Contract code, each once, in ascending order of its bytes.
        prices: Price claims that the gatherer found evidence for, each once, in the order of the account.
    """

    as_of: Timestamp
    claims: tuple[Claim, ...]
    omitted: tuple[int, ...]
    sections: tuple[Section, ...]
    nodes: tuple[bytes, ...]
    codes: tuple[bytes, ...] = ()
    prices: tuple[PriceClaim, ...] = ()
