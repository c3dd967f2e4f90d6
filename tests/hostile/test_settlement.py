"""Roots of the right form from the wrong place: of another chain, another contract, a replaced one; each by its error."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tests.simulators.rollup import IMPLEMENTATION_SLOT, NOW, PARENT, Contract, Rollup, entry, header
from tests.simulators.trie_builder import Built, keccak
from tests.verifier.settlement.games import GAME, GameWorld, clone_code, told_registry, uuid
from tests.verifier.settlement.lines import NO_PARENT
from tests.verifier.settlement.test_op_fault import super_world
from tests.verifier.settlement.test_other_schemes import Batch, Bold, Checkpoint, Classic
from verifier.consensus.weaker import verify_anchor
from verifier.errors import (
    NOWHERE,
    NotSettled,
    NotThere,
    TrustTooWeak,
    UnreviewedCode,
    VerifierError,
    WrongBinding,
    WrongHash,
)
from verifier.network import Network
from verifier.policy import STRICT
from verifier.primitives import BlockNumber, Hash32, Timestamp
from verifier.proven import ProvenHeader
from verifier.settlement import SCHEMES
from verifier.trust import Anchor, Basis, Observed, Settlement
from verifier.verify import too_weak

OTHER = 0xEE


def judged(world: GameWorld, rollup: Rollup | None = None) -> ProvenHeader:
    return (rollup or world.rollup).verify(world.parent, world.raw, world.preimages)


def only_pointer(contract: Contract, *kept: int) -> None:
    """Nothing is left but the proxy's implementation, and counters in their slots."""
    contract.words = {slot: value for slot, value in contract.words.items() if slot in {IMPLEMENTATION_SLOT, *kept}}


@pytest.mark.covers("OPS-05")
def test_a_game_of_another_chains_factory_is_not_ours() -> None:
    """The same claim, filed by a factory of the same code for another chain: ours holds no such record."""
    world = GameWorld()
    factory = world.parent.contracts[world.factory].words
    foreign, contract = world.parent.proxy(OTHER)
    slot = entry(uuid(8, world.claim or b"", world.extra or b""), 103)
    contract.words[slot] = factory.pop(slot)
    with pytest.raises(NotThere, match="a game of type 8 for claim"):
        judged(world)
    roles = world.rollup.contracts | {"factory": foreign}
    with pytest.raises(WrongBinding, match="the factory"):  # named all the same, it is not the registry's
        judged(world, replace(world.rollup, contracts=roles))


@pytest.mark.covers("OPS-05")
def test_a_registry_of_the_right_form_at_another_address_is_refused() -> None:
    """Everything in it says that the game is valid; the portal does not ask it."""
    world = GameWorld()
    twin, contract = world.parent.proxy(OTHER)
    contract.words |= world.parent.contracts[world.registry].words
    roles = world.rollup.contracts | {"registry": twin}
    with pytest.raises(WrongBinding) as caught:
        judged(world, replace(world.rollup, contracts=roles))
    assert caught.value.what == "the registry of the portal"
    assert caught.value.expected == "0x" + twin.hex()


@pytest.mark.covers("OPS-08")
def test_a_registry_that_was_replaced_is_stale() -> None:
    """The portal points to a new one; the old keeps its slots, and they count nothing. Without a pin nobody looks."""
    world = GameWorld()
    world.parent.contracts[world.portal].words[62] = OTHER
    with pytest.raises(WrongBinding, match="the registry of the portal"):
        judged(world)
    unpinned = [pin for pin in world.rollup.codes if pin[0] != "portal"]
    taken = judged(world, replace(world.rollup, codes=unpinned))
    assert taken.trust.bases == {Basis.FAULT_PROOF, Basis.REVIEWED_CODE}
    world.parent.contracts[world.portal].code = b"another portal"
    with pytest.raises(UnreviewedCode, match="the portal contract"):
        judged(world)


def test_a_game_at_an_address_that_its_own_code_does_not_claim_is_refused() -> None:
    """A look-alike: the record names a contract whose code was made with another claim."""
    world = GameWorld()
    world.parent.contracts[GAME] = Contract(dict(world.game.words), b"\x60\x00" * 60)
    with pytest.raises(WrongHash, match="the game's code"):
        judged(world)


def told(kind: int, registry: bytes | None = None, extra: bytes | None = None) -> GameWorld:
    """A game of the newer form, whose code says which registry it asks."""
    made = super_world() if kind in {5, 9, 10} else GameWorld()
    own = made.extra or b""
    own = NO_PARENT + own if kind == 10 else own
    slot = {5: (0, 17), 9: (9, 0), 10: (8, 1)}.get(kind, (10, 0))
    world = GameWorld(game_type=kind, extra=own, claim=made.claim, respected_slot=slot)
    rest = told_registry(kind, own if extra is None else extra, bytes(world.registry) if registry is None else registry)
    world.code = world.game.code = clone_code(world.claim or b"", rest)
    return world


@pytest.mark.covers("OPS-05")
@pytest.mark.parametrize("kind", [0, 1, 5, 8, 9, 10])
def test_a_game_that_asks_another_registry_is_not_this_ones(kind: int) -> None:
    """The factory and the reviewed code are the same: a registry that was replaced left games of the newer form behind.

    They took from the old one which type was respected; the new one holds none of them valid.
    """
    assert judged(told(kind)).trust.settlement is Settlement.SETTLED
    with pytest.raises(WrongBinding) as caught:
        judged(told(kind, b"\xa6" * 20))
    assert (caught.value.what, caught.value.got) == ("the registry in the game's code", "0x" + "a6" * 20)
    with pytest.raises(WrongBinding, match="the extra data in the game's code"):
        judged(told(kind, extra=b"\x01" * 32))


@pytest.mark.covers("ARB-01", "ARB-02")
@pytest.mark.parametrize(
    ("made", "proof", "role", "error", "text"),
    [
        (Bold(), None, "rollup", NotThere, "assertion 0x"),
        (Bold(), b"", "outbox", NotThere, "a block under send root"),
        (Classic(), (7).to_bytes(8, "big"), "rollup", WrongHash, "block hash and send root"),
    ],
    ids=["assertion", "send root", "node"],
)
def test_an_assertion_or_root_of_another_rollup_is_not_ours(
    made: Bold, proof: bytes | None, role: str, error: type[VerifierError], text: str
) -> None:
    """The same words in a contract of the same code elsewhere."""
    address = made.outbox_address if role == "outbox" else made.rollup_address
    twin, contract = made.parent.proxy(OTHER)
    contract.words |= made.parent.contracts[address].words
    assert made.verify(proof)
    only_pointer(made.parent.contracts[address], 117)
    with pytest.raises(error, match=text):
        made.verify(proof)
    made.rollup = replace(made.rollup, contracts=made.rollup.contracts | {role: twin})
    assert made.verify(proof)  # the address is the checker's: named as ours, it is


@pytest.mark.covers("ZKR-01")
def test_a_batch_or_checkpoint_of_another_contract_is_not_ours() -> None:
    """And a batch that was reverted after it was committed: beyond the last finalized one, whatever its root says."""
    for made in (Batch(), Checkpoint()):
        made.parent.proxy(OTHER)[1].words.update(made.parent.contracts[made.address].words)
        only_pointer(made.parent.contracts[made.address], 161)
        with pytest.raises(NotThere):
            made.verify()
    reverted = Batch(finalized=39)
    with pytest.raises(NotSettled, match="the last finalized batch"):
        reverted.verify()


@pytest.mark.covers("ROL-01")
def test_no_word_of_a_sequencer_settles_anything() -> None:
    """A header of the right height that no contract names, whatever tag the rollup's endpoint gave it."""
    bold = Bold()
    bold.raw = header(902, NOW - 10, extra=b"\x77" * 32)
    with pytest.raises(NotThere, match="a block under send root"):
        bold.verify(b"")
    assert not any("sequencer" in scheme.trusts for scheme in SCHEMES.values())


@pytest.mark.covers("ROL-02", "OPS-02", "OPS-04")
def test_what_is_open_counts_nothing_by_default_and_is_named() -> None:
    """In progress, and in the delay: established as proposed, and refused by the policy with that word."""
    for world in (GameWorld(status=0, resolved=0), GameWorld(resolved=NOW - 1)):
        proven = world.rollup.verify(world.parent, world.raw, world.preimages)
        assert proven.trust.settlement is Settlement.PROPOSED
        error = too_weak(proven.where, proven.trust, STRICT)
        assert isinstance(error, TrustTooWeak)
        assert (error.fact, error.got) == ("the settlement", "proposed")


@pytest.mark.covers("ROL-02")
@pytest.mark.parametrize(
    ("operators", "k", "anchor"), [(("one",), 2, Anchor.RPC), (("one", "two"), 2, Anchor.QUORUM)], ids=["rpc", "quorum"]
)
def test_a_root_under_a_parents_block_that_is_not_final_is_no_more_than_that_block(
    operators: tuple[str, ...], k: int, anchor: Anchor
) -> None:
    """Settled by every rule of its contract, and refused by the default policy for the parent's anchor, by that name."""
    world = GameWorld()

    def anchored(state: Built, of: Network = PARENT) -> ProvenHeader:
        raw = header(world.parent.number, world.parent.time, state=state.root)
        number = BlockNumber(world.parent.number)
        seen = Observed(PARENT.chain_id, Hash32(keccak(raw)), number, frozenset(operators), k, Timestamp(NOW))
        return verify_anchor(raw, of, (seen,), NOWHERE)

    pinned = judged(world)
    assert STRICT.takes(pinned.trust)
    world.parent.anchored = anchored  # type: ignore[method-assign]
    proven = judged(world)
    assert (proven.trust.settlement, proven.trust.anchor) == (Settlement.SETTLED, anchor)
    assert not STRICT.takes(proven.trust)
    error = too_weak(proven.where, proven.trust, STRICT)
    assert isinstance(error, TrustTooWeak)
    assert (error.fact, error.got) == ("the anchor", anchor.value)


@pytest.mark.covers("OPS-06")
def test_neighbours_in_a_games_packed_word_change_nothing_and_its_own_fields_do() -> None:
    """Times, status and flags share one word: flags above the status settle as before, each field below does not."""
    for above in range(17, 32):
        world = GameWorld()
        world.game.words[0] |= 0xFF << 8 * above
        assert judged(world).trust.settlement is Settlement.SETTLED
    for shift, error, text in (
        (0, WrongBinding, "the game's time of creation"),
        (128, NotSettled, "the game's status"),
    ):
        world = GameWorld()
        world.game.words[0] ^= 1 << shift
        with pytest.raises(error, match=text):
            judged(world)
    world = GameWorld()
    world.game.words[0] |= (1 << 64) - 1 << 64  # resolved in a time that has not come
    proven = judged(world)
    assert proven.trust.settlement is Settlement.PROPOSED
