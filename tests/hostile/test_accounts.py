"""An attacker makes an account say more, less or something else than the state holds."""

from __future__ import annotations

import pytest
import rlp

from tests.simulators.chain import EMPTY_CODE, EMPTY_TRIE, account, network, state_under, storage_trie, uint
from tests.simulators.trie_builder import Built, build, keccak
from tests.simulators.world import World, checker, holder, run
from verifier.claims import CodePin
from verifier.errors import MalformedAccount, MissingNode, UnreviewedCode, Unsupported
from verifier.gather import assemble, gather_section
from verifier.network import AccountShape
from verifier.primitives import Address, Hash32, SlotKey, slot_key
from verifier.proven import ProvenAccount, ProvenRoot
from verifier.state.ethereum import verify_account, verify_word
from verifier.trie.table import NodeTable
from verifier.verify import verify_bundle
from verifier.wire import encode_bundle

ALICE, BOB, NOBODY = Address(b"\xa1" * 20), Address(b"\xb0" * 20), Address(b"\x0e" * 20)
CODE = keccak(b"code")
SLOT = slot_key(3)
WORDS = storage_trie({slot_key(n): rlp.encode(uint(1_000 + n)) for n in range(20)})
LEAVES = {
    ALICE: account(5, 10**18),
    BOB: account(1, 7, WORDS.root, CODE),
    **{bytes([n]) * 20: account(n) for n in range(1, 14)},
}


@pytest.fixture(scope="module")
def honest() -> tuple[ProvenRoot, Built]:
    """A state with Alice's coins, Bob's contract and some strangers."""
    return state_under(LEAVES)


def table(*lists: list[bytes]) -> NodeTable:
    return NodeTable.build(dict.fromkeys(node for nodes in lists for node in nodes))


def read(state: tuple[ProvenRoot, Built], who: Address, nodes: list[bytes] | None = None) -> ProvenAccount:
    root, built = state
    return verify_account(root, who, table(built.prove(keccak(who)) if nodes is None else nodes), set())


@pytest.mark.covers("ACC-01", "ACC-09")
@pytest.mark.parametrize(
    "lie",
    [account(5, 10**24), account(6, 10**18), account(5, 10**18, WORDS.root), account(5, 10**18, EMPTY_TRIE, CODE)],
    ids=["balance", "nonce", "storage root", "code hash"],
)
def test_no_field_is_taken_but_from_the_leaf(honest, lie: bytes) -> None:
    """A trie made anew around a better leaf does not hang under the proven root; the honest leaf is what is read."""
    forged = build({keccak(a): lie if a == ALICE else leaf for a, leaf in LEAVES.items()})
    with pytest.raises(MissingNode) as caught:
        read(honest, ALICE, forged.prove(keccak(ALICE)))
    assert caught.value.wanted == honest[1].root
    found = read(honest, ALICE)
    assert (found.nonce, found.balance, found.storage_root, found.code_hash) == (5, 10**18, EMPTY_TRIE, EMPTY_CODE)


@pytest.mark.covers("ACC-02")
def test_a_whole_forged_storage_trie_hangs_under_no_proven_account(honest) -> None:
    """The storage root comes out of the proven leaf: words under the attacker's own root are not found."""
    forged = storage_trie({SLOT: rlp.encode(uint(10**30))})
    bob = read(honest, BOB)
    with pytest.raises(MissingNode) as caught:
        verify_word(bob, SLOT, table(forged.prove(keccak(SLOT))), set())
    assert caught.value.wanted == WORDS.root
    word = verify_word(bob, SLOT, table(WORDS.prove(keccak(SLOT)), forged.prove(keccak(SLOT))), set()).word
    assert int.from_bytes(word, "big") == 1_003


@pytest.mark.covers("ACC-03", "ACC-10")
def test_what_lies_beside_an_absence_counts_nothing(honest) -> None:
    """An absent account, and one with empty storage, have zero words whatever nodes come with them; none is used."""
    foreign = table(WORDS.prove(keccak(SLOT)), honest[1].prove(keccak(BOB)))
    for who, exists in ((NOBODY, False), (ALICE, True)):
        found, used = read(honest, who), set[Hash32]()
        assert found.exists is exists
        assert verify_word(found, SLOT, foreign, used).word == bytes(32)
        assert not used
    assert verify_word(read(honest, BOB), SLOT, foreign, set()).word != bytes(32)


@pytest.mark.covers("ACC-03")
def test_a_present_account_is_never_proven_absent(honest) -> None:
    """Honest nodes of other accounts, and every cut-off form of its own, leave Alice unproven; in full they prove her."""
    own = honest[1].prove(keccak(ALICE))
    for nodes in [own[:n] for n in range(len(own))] + [honest[1].prove(keccak(a)) for a in LEAVES if a != ALICE]:
        with pytest.raises(MissingNode):
            read(honest, ALICE, nodes)
    assert read(honest, ALICE, own).exists


@pytest.mark.covers("ACC-04")
def test_a_leaf_of_another_chains_shape_is_refused() -> None:
    """Five fields under Ethereum's rules, four under Avalanche's; each stands under its own."""
    four, five = account(5, 7), rlp.encode([b"\x05", b"\x07", EMPTY_TRIE, EMPTY_CODE, b""])
    ethereum, avalanche = network(), network(shape=AccountShape.AVALANCHE)
    for net, right, wrong in ((ethereum, four, five), (avalanche, five, four)):
        assert read(state_under({ALICE: right, BOB: right}, net), ALICE).balance == 7
        with pytest.raises(MalformedAccount):
            read(state_under({ALICE: wrong, BOB: right}, net), ALICE)


@pytest.mark.covers("ACC-04")
def test_a_chain_without_a_known_shape_is_unsupported() -> None:
    """Where the layout of accounts is not pinned nothing is read, and the reason is given."""
    with pytest.raises(Unsupported) as caught:
        state_under({ALICE: account(5, 7)}, network(unsupported="its account leaves were never reviewed"))
    assert "never reviewed" in str(caught.value)


@pytest.mark.covers("ACC-05")
@pytest.mark.parametrize("leaf", [[b"\x05", b"\x07", b"", b""], [b"\x05", b"\x07", EMPTY_TRIE, b""]])
def test_the_slim_form_of_snapshots_is_refused(leaf: list[bytes]) -> None:
    """Empty strings in place of the hashes of nothing stand in no trie."""
    with pytest.raises(MalformedAccount):
        read(state_under({ALICE: rlp.encode(leaf), BOB: account(1)}), ALICE)
    assert read(state_under({ALICE: account(5, 7), BOB: account(1)}), ALICE).storage_root == EMPTY_TRIE


@pytest.mark.covers("ACC-07")
def test_a_perfect_answer_to_another_question_is_refused(honest) -> None:
    """Another address, another slot, another block: each proof is honest, and not of what was asked."""
    later = build({keccak(a): leaf for a, leaf in {**LEAVES, ALICE: account(5, 2 * 10**18)}.items()})
    with pytest.raises(MissingNode):
        read(honest, ALICE, honest[1].prove(keccak(BOB)))
    with pytest.raises(MissingNode):
        read(honest, ALICE, later.prove(keccak(ALICE)))
    bob = read(honest, BOB)
    with pytest.raises(MissingNode):
        verify_word(bob, SLOT, table(WORDS.prove(keccak(other_slot()))), set())
    assert read(honest, ALICE).balance == 10**18
    assert verify_word(bob, SLOT, table(WORDS.prove(keccak(SLOT))), set()).slot == SLOT


def other_slot() -> SlotKey:
    """A slot whose proof leaves that of `SLOT` right below the root."""
    return next(s for s in map(slot_key, range(20)) if keccak(s)[0] >> 4 != keccak(SLOT)[0] >> 4)


@pytest.mark.covers("ACC-08")
def test_slots_that_were_not_answered_have_no_value(honest) -> None:
    """Three asked and two answered: the third is missing, not zero, and the two are what they are."""
    slots = [s for s in map(slot_key, range(20)) if keccak(s)[0] >> 4 != keccak(SLOT)[0] >> 4][:2]
    nodes = table(*(WORDS.prove(keccak(s)) for s in slots))
    bob = read(honest, BOB)
    for slot in slots:
        assert verify_word(bob, slot, nodes, set()).word != bytes(32)
    with pytest.raises(MissingNode):
        verify_word(bob, SLOT, nodes, set())


@pytest.mark.covers("ACC-09", "STO-10")
@pytest.mark.parametrize("reviewed", [True, False])
def test_code_is_that_of_the_proven_leaf(reviewed: bool) -> None:
    """A layout counts for the code that the proven account has, and for no other."""
    world = World(1, {}, {holder(1): 5})
    pins = world.known().pins if reviewed else (CodePin(Hash32(EMPTY_CODE)),)
    believed = checker(world, meanings={world.token.key: world.known(pins=pins)})
    claims = world.claims()
    flow = gather_section(world.network, list(enumerate(claims)), world.pin(), believed.now, believed)
    part, _ = run(flow, {1: world})
    (outcome,) = verify_bundle(encode_bundle(assemble(believed.now, claims, [part])), believed).outcomes
    if reviewed:
        assert outcome.amount == 5
    else:
        assert isinstance(outcome.error, UnreviewedCode)
