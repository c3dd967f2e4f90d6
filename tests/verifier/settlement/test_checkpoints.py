"""Polygon's checkpoints: a block's leaf under the contract's word, receipts under the leaf, and no state anywhere."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields, replace

import pytest
import rlp

from tests.simulators.rollup import NOW, Contract, Parent, all_nodes, entry
from tests.simulators.trie_builder import build, keccak
from tests.simulators.world import EMPTY_TRIE
from verifier.claims import CodePin
from verifier.errors import (
    BadInput,
    Denied,
    MissingEvidence,
    MissingNode,
    NotThere,
    UnreviewedCode,
    UnusedEvidence,
    WrongBinding,
    WrongHash,
)
from verifier.network import Family, Network, OwnConsensus
from verifier.policy import STRICT, Policy
from verifier.primitives import Address, BlockNumber, ChainId, Hash32, Timestamp
from verifier.proven import ListKind
from verifier.settlement import SCHEMES
from verifier.settlement.checkpoints import Contract as Checkpoints
from verifier.settlement.checkpoints import Leaf, ProvenLeaf, ProvenUnderLeaf, verify_checkpoint, verify_under_leaf
from verifier.state.lists import MAX_INDEX
from verifier.trie.table import NodeTable
from verifier.trust import Anchor, Basis

POLYGON = Network(ChainId(137), "polygon", Family("bor"), "POL", OwnConsensus("bor"))
LOGIC = Address(b"\x1c" * 20)
CODE = b"the contract's logic"
FIRST, LAST = 1_000, 1_004


def tables(*tries: object) -> NodeTable:
    nodes = {node for trie in tries for node in all_nodes(trie)}  # type: ignore[arg-type]
    return NodeTable.from_hashed((Hash32(keccak(node)), node) for node in nodes)


@dataclass
class Scene:
    """A checkpoint of five blocks; of block 1,003 two receipts are at hand."""

    checkpoint: int = 80_000
    last: int = LAST

    def __post_init__(self) -> None:
        items = [rlp.encode([b"\x01", b"", bytes(256), []]), b"\x02" + rlp.encode([b"", b"\x09", bytes(256), []])]
        self.items = items
        self.receipts = build({rlp.encode(i): item for i, item in enumerate(items)})
        self.leaves = [
            Leaf(BlockNumber(n), Timestamp(NOW - n), Hash32(EMPTY_TRIE), Hash32(self.receipts.root))
            for n in range(FIRST, LAST + 1)
        ]
        level = [leaf.hash for leaf in self.leaves] + [bytes(32)] * 3
        self.levels = [level]
        while len(level) > 1:
            level = [keccak(a + b) for a, b in zip(level[::2], level[1::2], strict=True)]
            self.levels.append(level)
        self.parent = Parent()
        self.address = Address(b"\x86" * 20)
        base = entry(self.checkpoint, 5)
        words = {1: int.from_bytes(LOGIC, "big"), base: int.from_bytes(level[0], "big"), base + 1: FIRST,
                 base + 2: self.last, base + 3: NOW, base + 4: 7}  # fmt: skip
        self.parent.contracts |= {self.address: Contract(words), LOGIC: Contract(code=CODE)}
        self.pins = (CodePin(Hash32(keccak(b"a proxy")), LOGIC, Hash32(keccak(CODE))),)

    def siblings(self, index: int) -> list[bytes]:
        return [level[(index >> i) ^ 1] for i, level in enumerate(self.levels[:-1])]

    def verify(
        self,
        number: int = 1_003,
        *,
        leaf: Leaf | None = None,
        siblings: Sequence[bytes] | None = None,
        policy: Policy = STRICT,
        checkpoint: int | None = None,
    ) -> ProvenLeaf:
        state, storages = self.parent.tries()
        return verify_checkpoint(
            self.parent.anchored(state),
            Checkpoints(POLYGON, self.address, self.pins),
            self.checkpoint if checkpoint is None else checkpoint,
            self.leaves[number - FIRST] if leaf is None else leaf,
            self.siblings(number - FIRST) if siblings is None else siblings,
            tables(state, *storages.values()),
            set(),
            policy,
        )


@pytest.mark.parametrize("number", range(FIRST, LAST + 1))
def test_each_block_of_a_checkpoint_is_proven_by_its_leaf(number: int) -> None:
    """On the word of a committee, under the parent's anchor; it holds no hash and no state."""
    proven = Scene().verify(number)
    assert proven.leaf.number == number
    assert proven.trust.bases == {Basis.COMMITTEE, Basis.REVIEWED_CODE}
    assert (proven.trust.anchor, proven.trust.settlement) == (Anchor.PINNED, None)
    assert {field.name for field in fields(Leaf)} == {"number", "timestamp", "transactions_root", "receipts_root"}
    assert not any("polygon" in name or "checkpoint" in name for name in SCHEMES)


def test_receipts_hang_under_it_and_their_end() -> None:
    scene = Scene()
    leaf, nodes = scene.verify(), tables(scene.receipts)
    found = [verify_under_leaf(leaf, ListKind.RECEIPTS, i, nodes, set()) for i in range(3)]
    assert [one.raw for one in found] == [*scene.items, None]
    assert isinstance(found[0], ProvenUnderLeaf)
    assert found[0].trust == leaf.trust
    assert verify_under_leaf(leaf, ListKind.TRANSACTIONS, 0, nodes, set()).raw is None
    with pytest.raises(BadInput, match="transactions or receipts"):
        verify_under_leaf(leaf, ListKind.WITHDRAWALS, 0, nodes, set())
    assert verify_under_leaf(leaf, ListKind.RECEIPTS, MAX_INDEX, nodes, set()).raw is None
    for index in (-1, MAX_INDEX + 1):
        with pytest.raises(BadInput, match="list index"):
            verify_under_leaf(leaf, ListKind.RECEIPTS, index, nodes, set())
    with pytest.raises(MissingNode):
        verify_under_leaf(leaf, ListKind.RECEIPTS, 0, NodeTable.from_hashed(()), set())


def test_a_block_that_the_checkpoint_does_not_say_is_refused() -> None:
    """Another number, time or root; another place; a block beside it; another number of siblings."""
    scene = Scene()
    true = scene.leaves[3]
    for change in ({"timestamp": Timestamp(5)}, {"receipts_root": Hash32(b"\1" * 32)}, {"number": BlockNumber(1_002)}):
        with pytest.raises(WrongHash):
            scene.verify(leaf=replace(true, **change))  # type: ignore[arg-type]
    for number in (FIRST - 1, LAST + 1):
        with pytest.raises(WrongBinding, match=f"{FIRST} to {LAST}"):
            scene.verify(leaf=replace(true, number=BlockNumber(number)))
    with pytest.raises(WrongHash):
        scene.verify(siblings=scene.siblings(2))
    with pytest.raises(MissingEvidence):
        scene.verify(siblings=scene.siblings(3)[:-1])
    with pytest.raises(UnusedEvidence):
        scene.verify(siblings=[*scene.siblings(3), bytes(32)])
    with pytest.raises(BadInput):
        scene.verify(siblings=[b"\0" * 31, *scene.siblings(3)[1:]])
    with pytest.raises(WrongBinding):
        Scene(last=FIRST + (1 << 20)).verify()


def test_a_checkpoint_that_is_not_there_or_not_ours_to_take_is_refused() -> None:
    scene = Scene()
    with pytest.raises(NotThere, match="checkpoint 90000"):
        scene.verify(checkpoint=90_000)
    for wrong in (0, 80_001, -10_000, 10_000 << 64):
        with pytest.raises(BadInput):
            scene.verify(checkpoint=wrong)
    with pytest.raises(Denied):
        scene.verify(policy=replace(STRICT, denied=frozenset({scene.levels[-1][0]})))
    scene.pins = ()
    with pytest.raises(UnreviewedCode, match="no code was reviewed"):
        scene.verify()
    named = replace(STRICT, accept_contracts=frozenset({(ChainId(1), scene.address)}))
    assert Basis.UNREVIEWED_CODE in scene.verify(policy=named).trust.bases
    other = Scene()
    other.parent.contracts[LOGIC].code = b"other logic"
    with pytest.raises(UnreviewedCode) as caught:
        other.verify()
    assert caught.value.expected == "0x" + LOGIC.hex()
