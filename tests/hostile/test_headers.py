"""An attacker offers a header that is not the one believed, or the right one for something else."""

from __future__ import annotations

from dataclasses import replace

import pytest
import rlp

from tests.simulators.chain import SimChain, account, header_fields, network, pinned
from tests.simulators.trie_builder import build, keccak
from tests.vectors.chain_files import BLANK_HEADER
from verifier.consensus.weaker import verify_anchor
from verifier.errors import (
    BadInput,
    FromTheFuture,
    MalformedHeader,
    MissingNode,
    NoTrustRoot,
    TooOld,
    Where,
    WrongBinding,
    WrongHash,
)
from verifier.headers.ancestry import verify_parent
from verifier.headers.as_of import verify_snapshot
from verifier.headers.decode import candidates, decode_header, encode_header
from verifier.network import Dialect, Family
from verifier.policy import PRACTICAL, STRICT
from verifier.primitives import Address, BlockNumber, ChainId, Hash32, Timestamp
from verifier.proven import ListKind, Moment
from verifier.state.ethereum import verify_account
from verifier.state.lists import verify_item
from verifier.state.tree import state_root
from verifier.trie.table import NodeTable
from verifier.trust import Anchor, Observed, PinnedBlock

WHERE = Where(network="test")
ALICE = Address(b"\xa1" * 20)
NO_NODES = NodeTable.build([])
STATE = build({keccak(ALICE): account(5, 7), keccak(b"x"): account(1)})
PLAIN = rlp.encode(header_fields(100, 1_700_000_000, state=STATE.root))


def pin(raw: bytes, chain: int = 1) -> PinnedBlock:
    return PinnedBlock(ChainId(chain), Hash32(keccak(raw)))


def believed(raw: bytes, *roots: object, **net: object):
    return verify_anchor(raw, network(**net), roots or (pin(PLAIN),), WHERE)


@pytest.mark.covers("HDR-01")
@pytest.mark.parametrize("name", ["state", "receipts", "transactions", "withdrawals"])
def test_another_root_under_the_trusted_hash_is_another_header(name: str) -> None:
    """JSON that repeats the trusted `hash` beside another root: the hash is computed, so no root of trust names it."""
    forged = rlp.encode(header_fields(100, 1_700_000_000, **{"state": STATE.root, name: b"\x66" * 32}))
    with pytest.raises(NoTrustRoot):
        believed(forged)
    told = {**BLANK_HEADER, "hash": keccak(PLAIN)}
    assert all(keccak(c) != keccak(PLAIN) for c in candidates(told, Family("ethereum")))
    assert believed(PLAIN).state_root == STATE.root


@pytest.mark.covers("HDR-02")
def test_a_number_belongs_to_its_hash() -> None:
    """An observation that names a hash under another height contradicts the header; under its own it stands."""
    for number, stands in ((100, True), (99, False), (101, False)):
        root = Observed(ChainId(1), Hash32(keccak(PLAIN)), BlockNumber(number), frozenset({"a", "b"}), 2, Timestamp(1))
        if stands:
            assert believed(PLAIN, root).trust.anchor is Anchor.QUORUM
        else:
            with pytest.raises(WrongBinding):
                believed(PLAIN, root)


@pytest.mark.covers("HDR-04")
@pytest.mark.parametrize("count", [15, 16, 17, 20])
def test_a_withheld_optional_field_makes_another_header(count: int) -> None:
    """The last fields left out: a header of an older fork by its shape, and by its hash nobody's."""
    cut = rlp.encode(header_fields(100, 1_700_000_000, state=STATE.root)[:count])
    assert decode_header(cut, Family("ethereum"), WHERE).number == 100
    with pytest.raises(NoTrustRoot):
        believed(cut)


@pytest.mark.covers("HDR-04")
def test_a_field_invented_on_an_old_block_makes_another_header() -> None:
    """A block before London with a base fee, or with a field nobody knows, does not have the pinned hash."""
    old = header_fields(100, 1_700_000_000, state=STATE.root)[:15]
    root = pin(rlp.encode(old))
    assert believed(rlp.encode(old), root).number == 100
    for invented in (
        [b"\x07"],
        [b"\x07", keccak(b"\x80")],
        [*header_fields(1, 1)[15:], b"\x44" * 32, b"\x02", b"\x03"],
    ):
        with pytest.raises(NoTrustRoot):
            believed(rlp.encode(old + invented), root)


@pytest.mark.covers("HDR-04")
def test_a_newer_fork_is_hashed_from_its_bytes_and_not_from_json() -> None:
    """A field of a later fork: with the raw header at hand it verifies, from known JSON fields nothing hashes to it."""
    known = [*header_fields(100, 1_700_000_000, state=STATE.root), b"\x44" * 32, b"\x09"]
    newer = rlp.encode([*known, b"\x55" * 32])
    assert believed(newer, pin(newer)).state_root == STATE.root
    names = (*BLANK_HEADER, "blockAccessListHash", "slotNumber")
    fields = {**dict(zip(names, known, strict=True)), "someNewRoot": b"\x55" * 32}
    assert keccak(newer) not in {keccak(c) for c in candidates(fields, Family("ethereum"))}
    assert rlp.encode(known) in set(candidates(fields, Family("ethereum")))


@pytest.mark.covers("HDR-04", "HDR-05")
@pytest.mark.parametrize(
    ("dialect", "count"),
    [
        (Dialect.AURA, 15),
        (Dialect.AVALANCHE, 19),
        (Dialect.SONIC, 19),
        (Dialect.BERACHAIN, 18),
        (Dialect.CELO_EARLY, 10),
    ],
)
def test_a_header_of_one_family_is_none_of_another(dialect: Dialect, count: int) -> None:
    """What another family hashes does not pass for a header of Ethereum by shape, where the shapes differ."""
    from tests.verifier.headers.test_decode import items

    with pytest.raises(MalformedHeader):
        decode_header(rlp.encode(items(dialect, count)), Family("ethereum"), WHERE)


@pytest.mark.covers("HDR-05")
def test_fields_that_are_not_hashed_change_nothing() -> None:
    """L2 extras, sizes and totals in JSON stay out of the hash; an alias is read as its field."""
    plain = encode_header(BLANK_HEADER, Dialect.ETHEREUM)
    extras = {"l1BlockNumber": b"\x05", "sendRoot": b"\x06" * 32, "totalDifficulty": 7, "size": 8, "hash": b"\x01" * 32}
    assert encode_header({**BLANK_HEADER, **extras}, Dialect.ETHEREUM) == plain
    assert encode_header({**BLANK_HEADER, "mixHash": b"\x01" * 32}, Dialect.ETHEREUM) != plain


@pytest.mark.covers("HDR-06", "HDR-07")
def test_an_anchor_is_judged_to_the_second() -> None:
    """Too old one second after the limit, from the future one second before it; between them, the head."""
    header = believed(PLAIN)
    time = header.timestamp

    def moment(as_of: int, now: int) -> Moment:
        times = {"as_of": Timestamp(as_of), "now": Timestamp(now)}
        return verify_snapshot(header, [], NO_NODES, set(), **times, policy=STRICT)[1]

    assert moment(time + STRICT.max_head_lag, time + STRICT.max_head_lag) is Moment.HEAD
    assert moment(time, time - STRICT.max_clock_error) is Moment.HEAD
    with pytest.raises(TooOld):
        moment(time + STRICT.max_head_lag + 1, time + STRICT.max_head_lag + 1)
    with pytest.raises(FromTheFuture):
        moment(time, time - STRICT.max_clock_error - 1)


@pytest.mark.covers("HDR-03", "HDR-09")
def test_a_block_of_another_branch_is_no_ancestor() -> None:
    """After a reorganisation numbers repeat: the orphan of the same number is not the parent of the pinned block."""
    chain = SimChain([12] * 4)
    orphan = rlp.encode(header_fields(chain.blocks[3].number, chain.blocks[3].time, chain.blocks[2].hash))
    assert decode_header(orphan, chain.network.family, WHERE).parent_hash == chain.blocks[2].hash
    with pytest.raises(WrongHash):
        verify_parent(chain.header(-1), orphan)
    assert verify_parent(chain.header(-1), chain.blocks[3].rlp).number == chain.blocks[3].number


@pytest.mark.covers("HDR-10")
def test_each_root_serves_for_its_own_tree() -> None:
    """A state offered under the receipts root, and the parent's state under the child: nothing links."""
    nodes = NodeTable.build(STATE.prove(keccak(ALICE)))
    right = believed(PLAIN)
    assert verify_account(state_root(right), ALICE, nodes, set()).balance == 7
    exchanged = rlp.encode(header_fields(100, 1_700_000_000, state=b"\x66" * 32, receipts=STATE.root))
    with pytest.raises(MissingNode):
        verify_account(state_root(believed(exchanged, pin(exchanged))), ALICE, nodes, set())
    with pytest.raises(MissingNode):
        verify_item(believed(exchanged, pin(exchanged)), ListKind.RECEIPTS, 0, NO_NODES, set())
    child = rlp.encode(header_fields(101, 1_700_000_012, keccak(PLAIN), state=b"\x67" * 32))
    with pytest.raises(MissingNode):
        verify_account(state_root(believed(child, pin(child))), ALICE, nodes, set())
    parent = verify_parent(believed(child, pin(child)), PLAIN)
    assert verify_account(state_root(parent), ALICE, nodes, set()).balance == 7


@pytest.mark.covers("HDR-11")
def test_zero_is_neither_a_hash_nor_a_root() -> None:
    """An unset pin, observation, state root or list root is refused; each would otherwise mean "everything is zero"."""
    zero = Hash32(bytes(32))
    with pytest.raises(BadInput):
        PinnedBlock(ChainId(1), zero)
    with pytest.raises(BadInput):
        Observed(ChainId(1), zero, BlockNumber(1), frozenset({"a"}), 1, Timestamp(1))
    unset = rlp.encode(header_fields(1, 1, state=bytes(32), receipts=bytes(32)))
    header = pinned(unset, network())
    with pytest.raises(MalformedHeader):
        state_root(header)
    with pytest.raises(BadInput):
        verify_item(header, ListKind.RECEIPTS, 0, NO_NODES, set())
    assert verify_item(header, ListKind.TRANSACTIONS, 0, NO_NODES, set()).raw is None


@pytest.mark.covers("HDR-12")
def test_one_endpoints_word_is_consistency_only() -> None:
    """A header that one operator named is of anchor `rpc`, whatever k says, and no preset counts that."""
    alone = Observed(ChainId(1), Hash32(keccak(PLAIN)), BlockNumber(100), frozenset({"one"}), 1, Timestamp(1))
    trust = believed(PLAIN, alone).trust
    assert trust.anchor is Anchor.RPC
    assert not STRICT.takes(trust)
    assert not PRACTICAL.takes(trust)
    two = replace(alone, operators=frozenset({"one", "two"}))
    assert PRACTICAL.takes(believed(PLAIN, two).trust)
    assert not STRICT.takes(believed(PLAIN, two).trust)
