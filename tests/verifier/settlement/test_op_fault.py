"""A game counts exactly where the registry's own rule says so; each rule broken alone is refused by name."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest

from tests.simulators.rollup import NOW, STATE, Contract, entry, header, word
from tests.simulators.trie_builder import keccak
from tests.verifier.settlement.games import DAY, DELAY, GAME, GAME_PIN, PASSER_ROOT, GameWorld, output_root
from verifier.errors import (
    BadInput,
    Denied,
    MalformedHeader,
    MissingEvidence,
    NotSettled,
    NotThere,
    UnreviewedCode,
    Unsupported,
    VerifierError,
    WrongBinding,
    WrongHash,
)
from verifier.policy import STRICT
from verifier.primitives import Address, ChainId, Hash32
from verifier.proven import ProvenSettlement, ProvenWord, trail
from verifier.trust import Anchor, Basis, PinnedBlock, Settlement


def settlement(world: GameWorld, scheme: str = "op_fault") -> ProvenSettlement:
    proven = world.of_scheme(scheme).verify(world.parent, world.raw, world.preimages)
    assert proven.hash == keccak(world.raw)
    assert isinstance(proven.rests_on, ProvenSettlement)
    return proven.rests_on


def refusal(world: GameWorld, scheme: str = "op_fault", **given: object) -> VerifierError:
    with pytest.raises(VerifierError) as caught:
        world.of_scheme(scheme).verify(world.parent, world.raw, world.preimages, **given)  # type: ignore[arg-type]
    return caught.value


def test_a_valid_game_settles_its_header() -> None:
    """All rules hold: the header is settled on a fault proof by reviewed code, and its trail ends at the parent's pin."""
    world = GameWorld()
    used: set[Hash32] = set()
    proven = world.rollup.verify(world.parent, world.raw, world.preimages, used=used)
    assert proven.trust.settlement is Settlement.SETTLED
    assert proven.trust.anchor is Anchor.PINNED
    assert proven.trust.bases == {Basis.FAULT_PROOF, Basis.REVIEWED_CODE}
    kinds = [type(step).__name__ for step in trail(proven)]
    assert kinds == [
        "ProvenHeader",
        "ProvenSettlement",
        "ProvenWord",
        "ProvenAccount",
        "ProvenRoot",
        "ProvenHeader",
        "PinnedBlock",
    ]
    found = settlement(world)
    assert f"0x{GAME.hex()} of type 8" in found.entry
    assert found.since == world.created
    assert found.open_points == ()
    words = [value for value in found.judged_by if isinstance(value, ProvenWord)]
    assert (
        len(words) == 16
    )  # five implementations, eight of the registry and its configs, the portal's, two of the game
    assert isinstance(list(trail(proven))[-1], PinnedBlock)
    assert used


@pytest.mark.covers("OPS-04")
@pytest.mark.parametrize("passed", [0, 1, DELAY - 1, DELAY])
def test_a_game_in_its_delay_is_proposed(passed: int) -> None:
    """Strictly more than the delay must have passed since it was resolved."""
    found = settlement(GameWorld(resolved=NOW - passed))
    assert found.settlement is Settlement.PROPOSED
    assert found.open_points == (f"resolved {passed} s ago; the delay is {DELAY} s",)
    assert not STRICT.takes(found.trust)


@pytest.mark.covers("OPS-02")
def test_a_game_in_progress_is_proposed_with_its_disputes() -> None:
    """Nobody resolved it; a challenged block number and further moves are told."""
    world = GameWorld(status=0, resolved=0)
    assert settlement(world).open_points == ("in progress",)
    assert not STRICT.takes(settlement(world).trust)
    world.game.words[0] |= 1 << 144
    world.game.words[2] = 3
    assert settlement(world).open_points == (
        "in progress",
        "its block number was challenged",
        "2 moves were made against it or for it",
    )


@pytest.mark.covers("OPS-02")
def test_a_game_that_the_challenger_won_is_refused() -> None:
    error = refusal(GameWorld(status=1))
    assert isinstance(error, NotSettled)
    assert (error.rule, error.expected, error.got) == ("the game's status", "'defender wins'", "'challenger wins'")
    assert error.where.address == GAME


def test_a_status_that_no_contract_writes_is_refused() -> None:
    assert isinstance(refusal(GameWorld(status=3)), NotSettled)


Change = Callable[[GameWorld], None]


def _retired(world: GameWorld) -> None:
    world.words["registry"][6] = world.created << 32 | 8


def _foreign_registry(world: GameWorld) -> None:
    world.words["registry"][1] += 1


def _foreign_config(world: GameWorld) -> None:
    world.words["registry"][0] ^= 1 << 100


def _not_respected(world: GameWorld) -> None:
    world.game.words[10] = 0


def _other_creation(world: GameWorld) -> None:
    world.game.words[0] += 1


def _chain_paused(world: GameWorld) -> None:
    world.pause(world.portal)


def _old_pause(world: GameWorld) -> None:
    world.superchain_config.words[_pause_entry()] = 1


def _other_superchain(world: GameWorld) -> None:
    world.words["config"][108] ^= 1


def _lockbox(world: GameWorld) -> None:
    world.words["config"][entry(b"ETH_LOCKBOX".ljust(32, b"\0"), 109)] = 1


def _pause_entry() -> int:
    return entry(bytes(20), 1)


BROKEN: dict[str, tuple[Change, type[VerifierError], str]] = {
    "blacklisted": (GameWorld.blacklist, NotSettled, "the blacklist entry of game"),
    "retired": (_retired, NotSettled, "the game's creation"),
    "paused": (GameWorld.pause, NotSettled, "the pause of 0x0000"),
    "this chain paused": (_chain_paused, NotSettled, "the pause of 0x9090"),
    "a pause that ran out": (_old_pause, NotSettled, "paused since 1"),
    "not respected": (_not_respected, NotSettled, "was respected when it was created"),
    "registry of another factory": (_foreign_registry, WrongBinding, "the factory"),
    "another system config": (_foreign_config, WrongBinding, "the system config of the registry"),
    "another superchain config": (_other_superchain, WrongBinding, "the superchain config of the system config"),
    "a lockbox that is not known": (_lockbox, Unsupported, "the lockbox contract of rollup"),
    "game made at another time": (_other_creation, WrongBinding, "the game's time of creation"),
}


@pytest.mark.covers("OPS-03")
@pytest.mark.parametrize("name", BROKEN)
def test_each_rule_alone_refuses(name: str) -> None:
    """One word of the parent's state changed, and the error names the rule."""
    change, error, text = BROKEN[name]
    world = GameWorld()
    change(world)
    found = refusal(world)
    assert type(found) is error
    assert text in str(found)


def test_a_pause_of_the_lockbox_is_this_chains_where_it_stands_for_it() -> None:
    """The flag in the system config says whether; an entry that names a lockbox is heeded either way."""
    for flagged in (True, False):
        world = GameWorld()
        if flagged:
            _lockbox(world)
        lockbox = Address(b"\x1b" * 20)
        named = replace(world.rollup, contracts={**world.rollup.contracts, "lockbox": lockbox})
        assert named.verify(world.parent, world.raw, world.preimages).trust.settlement is Settlement.SETTLED
        world.pause(lockbox)
        with pytest.raises(NotSettled, match="the pause of 0x1b1b"):
            named.verify(world.parent, world.raw, world.preimages)


@pytest.mark.covers("OPS-08")
@pytest.mark.parametrize("role", ["system_config", "superchain_config"])
def test_pauses_are_looked_up_where_the_registry_looks_whatever_the_entry_names(role: str) -> None:
    """Without an entry the proven pointers lead there; a config put in place of the old one is not passed by."""
    world = GameWorld()
    bare = replace(world.rollup, contracts={k: v for k, v in world.rollup.contracts.items() if k != role})
    assert bare.verify(world.parent, world.raw, world.preimages).trust.settlement is Settlement.SETTLED
    world.pause()
    with pytest.raises(NotSettled, match="the pause of 0x0000"):
        bare.verify(world.parent, world.raw, world.preimages)


def test_a_retirement_just_before_creation_is_no_hindrance() -> None:
    """The sibling of `retired`: created strictly after it."""
    world = GameWorld()
    world.words["registry"][6] = (world.created - 1) << 32 | 8
    assert settlement(world).settlement is Settlement.SETTLED


@pytest.mark.covers("OPS-05")
def test_a_game_that_the_factory_did_not_make_is_refused() -> None:
    """Same claim, same contract, no record."""
    world = GameWorld()
    world.words["factory"] = world.parent.contracts[world.factory].words = {
        slot: value for slot, value in world.parent.contracts[world.factory].words.items() if value >> 224 != 8
    }
    assert isinstance(refusal(world), NotThere)


@pytest.mark.covers("OPS-05")
@pytest.mark.parametrize(
    ("part", "error", "text"),
    [
        ("passer", NotThere, "a game of type 8 for claim"),
        ("extra", WrongBinding, "the block number of the game's claim"),
        ("type", NotThere, "a game of type 1 for claim"),
    ],
)
def test_another_preimage_finds_another_record(part: str, error: type[VerifierError], text: str) -> None:
    """Type, message passer's root and extra data are all under the record's key."""
    world = GameWorld()
    head, extra, code = world.preimages
    changed = {
        "passer": [head[:4] + b"\x98" + head[5:], extra, code],
        "extra": [head, extra[:31] + bytes([extra[31] ^ 1]), code],
        "type": [(1).to_bytes(4, "big") + head[4:], extra, code],
    }[part]
    assert settlement(world).settlement is Settlement.SETTLED
    with pytest.raises(error, match=text):
        world.rollup.verify(world.parent, world.raw, changed)


def test_a_record_of_another_type_is_refused() -> None:
    """A record filed under this key and packed with another type contradicts itself."""
    world = GameWorld()
    words = world.parent.contracts[world.factory].words
    slot = next(slot for slot, value in words.items() if value >> 224 == 8)
    words[slot] += 1 << 224
    error = refusal(world)
    assert isinstance(error, WrongBinding)
    assert error.what == "the type in the factory's record"


@pytest.mark.covers("OPS-01")
def test_an_output_root_with_fields_exchanged_is_another_claim() -> None:
    """State root and message passer's root swapped; a block hash of another block."""
    raw = header(700, NOW - 11 * DAY)
    swapped = keccak(bytes(32) + PASSER_ROOT + STATE + keccak(raw))
    version_one = keccak(word(1) + STATE + PASSER_ROOT + keccak(raw))
    other_block = output_root(header(700, NOW - 12 * DAY))
    for claim in (swapped, version_one, other_block):
        assert isinstance(refusal(GameWorld(claim=claim)), NotThere)


def test_extra_data_of_another_block_or_width_is_refused() -> None:
    error = refusal(GameWorld(extra=word(701)))
    assert isinstance(error, WrongBinding)
    assert error.what == "the block number of the game's claim"
    assert isinstance(refusal(GameWorld(extra=word(700) + b"\0")), BadInput)


def test_code_of_another_game_is_refused() -> None:
    world = GameWorld()
    world.code = world.code[:-3] + b"\xff" + world.code[-2:]
    error = refusal(world)
    assert isinstance(error, WrongHash)
    assert error.what == "the game's code"


def test_a_clone_made_with_another_claim_is_refused() -> None:
    from tests.verifier.settlement.games import clone_code

    world = GameWorld()
    world.code = clone_code(b"\x01" * 32, world.extra or b"")
    world.parent.contracts[GAME].code = world.code
    error = refusal(world)
    assert isinstance(error, WrongBinding)
    assert error.what == "the claim in the game's code"


def test_code_that_is_no_clone_is_refused() -> None:
    world = GameWorld()
    world.code = world.parent.contracts[GAME].code = b"\x60\x00" * 200
    assert isinstance(refusal(world), MalformedHeader)


@pytest.mark.covers("OPS-08")
@pytest.mark.parametrize("role", ["factory", "registry", "system_config", "superchain_config"])
def test_an_upgraded_contract_is_refused_unless_the_policy_names_it(role: str) -> None:
    """Another implementation behind the proxy: what was found is said; a policy line takes it, as unreviewed code."""
    from tests.simulators.rollup import IMPLEMENTATION_SLOT

    world = GameWorld()
    address = world.rollup.contracts[role]
    world.parent.contracts[address].words[IMPLEMENTATION_SLOT] += 1
    error = refusal(world)
    assert isinstance(error, UnreviewedCode)
    assert error.what == f"the {role} contract's implementation"
    policy = replace(STRICT, accept_contracts=frozenset({(world.rollup.network.chain_id, address)}))
    assert isinstance(refusal(world, policy=policy), UnreviewedCode)  # named on the rollup, not on the parent
    policy = replace(STRICT, accept_contracts=frozenset({(1, address)}))  # type: ignore[arg-type]
    if role == "registry":  # its slots mean nothing then: only its own judgement would do
        assert isinstance(refusal(world, policy=policy), MissingEvidence)
        return
    proven = world.rollup.verify(world.parent, world.raw, world.preimages, policy=policy)
    assert Basis.UNREVIEWED_CODE in proven.trust.bases
    assert Basis.REVIEWED_CODE not in proven.trust.bases


def test_an_unknown_implementation_of_the_game_is_refused() -> None:
    world = GameWorld()
    world.parent.contracts[Address(b"\x1f" * 20)] = Contract(code=b"another")
    error = refusal(world)
    assert isinstance(error, UnreviewedCode)
    assert "games of type 8" in error.what


@pytest.mark.parametrize("what", ["game", "claim", "header"])
def test_a_denied_root_counts_nothing(what: str) -> None:
    """Whatever its contract says: the checker's denylist wins."""
    world = GameWorld()
    value = {"game": bytes(GAME), "claim": world.claim or b"", "header": keccak(world.raw)}[what]
    error = refusal(world, policy=replace(STRICT, denied=frozenset({value})))
    assert isinstance(error, Denied)
    assert error.denied == value


def test_a_type_without_known_rules_is_unsupported() -> None:
    assert isinstance(refusal(GameWorld(game_type=1337)), Unsupported)


# --- other forms of claims -------------------------------------------------------------------------------


def super_world(**changes: object) -> GameWorld:
    raw = header(700, NOW - 11 * DAY)
    given = {"time": NOW - 11 * DAY, "version": 1, "chains": (8, 10), "root": output_root(raw)} | changes
    chains: tuple[int, ...] = given["chains"]  # type: ignore[assignment]
    parts = b"".join(word(chain) + (given["root"] if chain == 10 else b"\x77" * 32) for chain in chains)  # type: ignore[operator]
    preimage = bytes([given["version"]]) + given["time"].to_bytes(8, "big") + parts  # type: ignore[attr-defined,list-item]
    return GameWorld(game_type=9, extra=preimage, claim=keccak(preimage), respected_slot=(9, 0))


def test_a_super_root_settles_the_header_that_it_names() -> None:
    """Its time may be that of the block, or later before the next one."""
    assert settlement(super_world()).settlement is Settlement.SETTLED
    assert settlement(super_world(time=NOW - 11 * DAY + 1)).settlement is Settlement.SETTLED


@pytest.mark.parametrize(
    ("changes", "error"),
    [
        ({"time": NOW - 11 * DAY - 1}, WrongBinding),
        ({"version": 2}, Unsupported),
        ({"chains": (8,)}, WrongBinding),
        ({"chains": (10, 8)}, BadInput),
        ({"chains": (10, 10)}, BadInput),
        ({"chains": ()}, BadInput),
        ({"root": b"\x01" * 32}, WrongHash),
    ],
    ids=["earlier time", "version", "another chain", "order", "twice", "none", "another output"],
)
def test_a_super_root_about_something_else_is_refused(changes: dict[str, object], error: type[VerifierError]) -> None:
    assert type(refusal(super_world(**changes))) is error


def test_an_aggregate_game_settles_any_of_its_intermediate_blocks() -> None:
    """The claim is the last root; a header before it is bound by its own; the proof count raises the basis."""
    raw = header(700, NOW - 11 * DAY)
    roots = b"\x01" * 32 + output_root(raw) + b"\x03" * 32
    extra = word(760) + b"\x0a" * 20 + roots
    world = GameWorld(game_type=621, extra=extra, claim=b"\x03" * 32, respected_slot=(0, 18))
    world.game.words[7] = 1 << 64
    assert settlement(world).trust.bases == {Basis.TEE, Basis.REVIEWED_CODE}
    world.game.words[7] = 2 << 64
    assert settlement(world).trust.bases == {Basis.TEE, Basis.VALIDITY, Basis.REVIEWED_CODE}
    world.game.words[7] = 0
    assert isinstance(refusal(world), NotSettled)
    other = GameWorld(game_type=621, extra=word(760) + b"\x0a" * 20 + b"\x03" * 32, claim=b"\x03" * 32)
    assert isinstance(refusal(other), WrongHash)
    short = GameWorld(game_type=621, extra=word(699) + b"\x0a" * 20 + roots, claim=b"\x03" * 32)
    assert isinstance(refusal(short), WrongBinding)
    last = GameWorld(game_type=621, extra=word(700) + b"\x0a" * 20 + output_root(raw), respected_slot=(0, 18))
    last.game.words[7] = 1 << 64
    assert settlement(last).settlement is Settlement.SETTLED


@pytest.mark.parametrize("roots", [b"", b"\x01" * 31, b"\x01" * 33])
def test_an_aggregate_games_roots_are_whole(roots: bytes) -> None:
    error = refusal(GameWorld(game_type=621, extra=word(760) + b"\x0a" * 20 + roots, respected_slot=(0, 18)))
    assert isinstance(error, BadInput)
    assert "whole roots" in str(error)


@pytest.mark.parametrize(("number", "bases"), [(1, {Basis.PERMISSIONED}), (42, {Basis.FAULT_PROOF, Basis.VALIDITY})])
def test_the_basis_follows_the_type(number: int, bases: set[Basis]) -> None:
    extra = word(700) + (b"\0\0\0\x05" if number == 42 else b"")
    slot = (9, 0) if number == 42 else (10, 0)
    world = GameWorld(game_type=number, extra=extra, respected_slot=slot)
    assert settlement(world).trust.bases == bases | {Basis.REVIEWED_CODE}


# --- the older generation --------------------------------------------------------------------------------


def test_bases_pauses_stand_at_another_slot() -> None:
    """Nothing is paused in either; a pause at the other line's slot does not stop this one, one at its own does."""
    world = GameWorld()
    assert settlement(world, "base").settlement is Settlement.SETTLED
    world.superchain_config.words[entry(bytes(20), 1)] = NOW - 60
    assert settlement(world, "base").settlement is Settlement.SETTLED
    world.superchain_config.words[entry(bytes(20), 0)] = NOW - 60
    assert isinstance(refusal(world, "base"), NotSettled)


def test_the_portal_of_the_older_generation_judges_by_its_own_slots() -> None:
    """The present respected type, and a game made since it is."""
    world = GameWorld()
    assert settlement(world, "op_portal").settlement is Settlement.SETTLED
    for changed in (world.created << 32 | 1, (world.created + 1) << 32 | 8):
        world.words["portal"][59] = changed
        assert isinstance(refusal(world, "op_portal"), NotSettled)


def test_the_older_generations_blacklist_and_pause() -> None:
    world = GameWorld()
    world.words["portal"][entry(GAME, 58)] = 1
    assert isinstance(refusal(world, "op_portal"), NotSettled)
    world = GameWorld()
    paused = int.from_bytes(keccak(b"superchainConfig.paused"), "big") - 1
    world.superchain_config.words[paused] = 1
    assert isinstance(refusal(world, "op_portal"), NotSettled)


@pytest.mark.covers("OPS-08")
def test_the_older_generations_pause_is_the_one_that_the_portal_asks() -> None:
    """A superchain config that the portal no longer asks says nothing of the pause that holds."""
    world = GameWorld()
    world.words["portal"][53] ^= 1 << 8
    error = refusal(world, "op_portal")
    assert isinstance(error, WrongBinding)
    assert error.what == "the superchain config of the portal"


def test_the_pin_of_the_game_is_what_was_reviewed() -> None:
    """The simulated implementation's own hash, so that the tests above do not pass by an empty pin."""
    assert GAME_PIN.code_hash == keccak(b"the game's implementation")


def test_a_policy_that_names_the_factory_takes_its_games_code_as_unreviewed() -> None:
    """The games are the factory's own; their code then lowers the basis."""
    world = GameWorld()
    codes = [pin for pin in world.rollup.codes if not pin[0].startswith("game:")]
    bare = replace(world.rollup, codes=codes)
    with pytest.raises(UnreviewedCode, match="no code was reviewed"):
        bare.verify(world.parent, world.raw, world.preimages)
    named = replace(STRICT, accept_contracts=frozenset({(ChainId(1), world.factory)}))
    proven = bare.verify(world.parent, world.raw, world.preimages, policy=named)
    assert proven.trust.bases == {Basis.FAULT_PROOF, Basis.UNREVIEWED_CODE}


def test_a_status_without_a_time_of_resolution_is_still_in_progress() -> None:
    """The delay runs from that time: a game that says who won and not when has none to run from."""
    assert settlement(GameWorld(status=2, resolved=0)).open_points == ("in progress",)
