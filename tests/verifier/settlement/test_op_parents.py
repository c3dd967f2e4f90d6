"""A posted game that builds on others counts where each of them stands; one that does not is refused by its name."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest

from tests.simulators.rollup import IMPLEMENTATION_SLOT, NOW, Contract, array, entry, header
from tests.simulators.trie_builder import keccak
from tests.simulators.world import EMPTY_TRIE
from tests.verifier.settlement.games import DAY, DELAY, clone_code, told_registry, uuid
from tests.verifier.settlement.lines import CHALLENGE, REGISTRY, RESPECTED_AT, Lineage, Listed, listed
from tests.verifier.settlement.test_asking import Answers, gather
from tests.verifier.settlement.test_op_judged import NO, RUNS, YES
from tests.verifier.settlement.test_other_schemes import found
from tests.verifier.settlement.test_proposed import TAKEN, refused, seen
from verifier.claims import CodePin
from verifier.errors import (
    BadInput,
    Denied,
    Malformed,
    MissingEvidence,
    NotSettled,
    NotThere,
    UnreviewedCode,
    VerifierError,
    Where,
    WrongBinding,
    WrongHash,
)
from verifier.policy import Policy
from verifier.primitives import Address, ChainId, Hash32
from verifier.proven import ProvenHeader
from verifier.settlement.op_bound import PROOF_COUNT, game_slots
from verifier.settlement.op_games import GAME_TYPES
from verifier.settlement.op_parents import MAX_ANCESTORS
from verifier.settlement.op_told import AT_INDEX, COUNT, LATEST, RESPECTED
from verifier.trust import Basis, Settlement

KINDS = (6, 42, 10, 621)


def verify(line: Lineage, above: bytes | None = None, policy: Policy = TAKEN, **given: bytes) -> ProvenHeader:
    return line.verify(policy, [seen(line.world.raw, 10)], above, **given)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(("ancestors", "ends"), [(1, "anchor"), (3, "anchor"), (0, "resolved"), (2, "resolved")])
def test_a_game_counts_where_its_whole_line_stands(kind: int, ancestors: int, ends: str) -> None:
    """Down to the anchor, or to a game that resolved for the defender; by index and by address."""
    shown = found(verify(Lineage(kind, ancestors, ends)))
    assert shown.open_points == ("in progress",)
    assert "no rival and no challenge at its height" in shown.shown
    assert Basis.REVIEWED_CODE in shown.trust.bases


@pytest.mark.covers("OPS-02")
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("which", [0, 2], ids=["nearest", "oldest"])
def test_a_challenge_of_an_ancestor_is_one_of_the_game(kind: int, which: int) -> None:
    """Whoever is honest moves against the first false one, and nothing of it shows in those above."""
    line = Lineage(kind, 3)
    slot, value = CHALLENGE[kind]
    line.words(line.above[which])[slot] = value
    with refused("no rival and no challenge", f"0x{line.above[which].address.hex()}, on which it builds: it was"):
        verify(line)


def _status(line: Lineage, game: Listed) -> None:
    line.words(game)[0] |= 1 << 128 | NOW - DAY << 64


def _strange_status(line: Lineage, game: Listed) -> None:
    line.words(game)[0] |= 3 << 128


def _blacklisted(line: Lineage, game: Listed) -> None:
    line.world.words["registry"][entry(game.address, 5)] = 1


def _retired(line: Lineage, game: Listed) -> None:
    line.world.words["registry"][6] = game.made << 32 | line.kind


def _not_respected(line: Lineage, game: Listed) -> None:
    slot, offset = RESPECTED_AT[line.kind]
    line.words(game)[slot] &= ~(0xFF << 8 * offset)


def _made_at_another_time(line: Lineage, game: Listed) -> None:
    line.words(game)[0] += 1


def _of_other_code(line: Lineage, game: Listed) -> None:
    line.world.parent.contracts[game.address].code += b"\0"


def _not_filed(line: Lineage, game: Listed) -> None:
    del line.world.words["factory"][entry(uuid(line.kind, game.claim, game.extra), 103)]


BROKEN: dict[str, tuple[Callable[[Lineage, Listed], None], type[VerifierError], str]] = {
    "challenger won": (_status, NotSettled, "the game's status"),
    "a status that no contract writes": (_strange_status, NotSettled, "0, 1 or 2"),
    "blacklisted": (_blacklisted, NotSettled, "the blacklist entry of game 0x1001"),
    "retired": (_retired, NotSettled, "after the retirement time"),
    "not respected": (_not_respected, NotSettled, "was respected when it was created"),
    "made at another time": (_made_at_another_time, WrongBinding, "the game's time of creation"),
    "other code": (_of_other_code, WrongHash, "the game's code"),
    "not filed": (_not_filed, NotThere, "a game of type"),
}


@pytest.mark.covers("OPS-02", "OPS-03", "OPS-05")
@pytest.mark.parametrize("name", BROKEN)
@pytest.mark.parametrize("kind", [42, 621])
def test_an_ancestor_that_a_rule_takes_away_takes_the_game_with_it(kind: int, name: str) -> None:
    """One word of the parent's state changed, of the oldest of two."""
    change, error, text = BROKEN[name]
    line = Lineage(kind)
    assert verify(line)
    change(line, line.above[-1])
    with pytest.raises(error, match=text):
        verify(line)


def test_a_game_that_resolved_for_the_defender_and_was_blacklisted_since_carries_nothing() -> None:
    for change, text in ((_blacklisted, "the blacklist entry"), (_retired, "the retirement time")):
        line = Lineage(621, 0, "resolved")
        change(line, line.above[0])
        with pytest.raises(NotSettled, match=text):
            verify(line)


def test_how_many_proofs_a_game_has_is_read_of_the_aggregate_type_alone() -> None:
    """What is gathered of a game is what judging it may read; another type keeps something else there."""
    read = {kind for kind in GAME_TYPES if PROOF_COUNT in game_slots(kind, Where())}
    assert read == {621}


def test_an_ancestor_of_the_aggregate_type_has_a_proof() -> None:
    line = Lineage(621)
    line.words(line.above[0])[7] = 0
    with pytest.raises(NotSettled, match="the number of proofs of the game"):
        verify(line)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("number", [998, 999, 1_000])
def test_a_rival_at_any_height_of_the_line_is_one_of_the_game(kind: int, number: int) -> None:
    """Of a block below the game's own; one beside the line is none."""
    rival = listed(kind, number, 0x7777, NOW - DAY, b"\xee" * 4, salt=b"rival")
    height = rival.time if kind == 10 else number
    with refused("no rival and no challenge", f"a rival at height {height}: game 0x7777"):
        verify(Lineage(kind, strangers=[rival]))
    beside = listed(kind, number - 100, 0x7777, NOW - DAY, b"\xee" * 4, salt=b"rival")
    assert verify(Lineage(kind, strangers=[beside]))


@pytest.mark.parametrize("kind", KINDS)
def test_the_list_is_read_from_before_the_oldest_block(kind: int) -> None:
    """One that begins after it could hide a rival of the oldest ancestor."""
    line = Lineage(kind)
    with pytest.raises(WrongBinding, match="the first game read"):
        verify(line, others=line.others(1))


def test_a_game_of_the_line_that_the_list_leaves_out_is_missed() -> None:
    line = Lineage(621)
    line.world.words["factory"][array(104, 2)] = line.old.record
    with pytest.raises(WrongBinding, match="among them"):
        verify(line, others=line.others() + line.old.packed)


@pytest.mark.parametrize("kind", KINDS)
def test_a_line_that_is_cut_short_shows_nothing(kind: int) -> None:
    line = Lineage(kind, 3)
    codes = [game.code for game in line.above]
    for some in ([], codes[:1], codes[:2]):
        with refused("no rival and no challenge", "that the game it builds on stands"):
            verify(line, line.evidence(codes=some))
    with refused("no rival and no challenge", "that the game it builds on stands"):
        verify(line, b"")


@pytest.mark.parametrize("ends", ["anchor", "resolved"])
def test_a_line_has_no_more_games_than_it_needs(ends: str) -> None:
    line = Lineage(ends=ends)
    codes = [game.code for game in line.above]
    with pytest.raises(BadInput, match="the games that a game builds on"):
        verify(line, line.evidence(codes=[*codes, line.old.code]))
    with pytest.raises(BadInput, match="whole codes"):
        verify(line, line.evidence()[:-1])


def test_a_line_is_bounded() -> None:
    assert verify(Lineage(42, MAX_ANCESTORS))
    long = Lineage(42, MAX_ANCESTORS + 1)
    with pytest.raises(BadInput, match="64 at most"):
        verify(long)


def test_codes_in_another_order_are_of_other_games() -> None:
    line = Lineage()
    with pytest.raises(WrongBinding, match="the game it builds on"):
        verify(line, line.evidence(codes=[game.code for game in reversed(line.above)]))


def test_the_oldest_blocks_header_is_that_of_its_claim() -> None:
    """Absent, another block's, or given where nothing is read from it: each by its error."""
    line = Lineage()
    with pytest.raises(MissingEvidence, match="the header of the block of game 0x1001"):
        verify(line, line.evidence(b""))
    with pytest.raises(WrongHash, match="the output root of the oldest game's block"):
        verify(line, line.evidence(header(998, NOW - DAY)))
    for needless in (Lineage(10), Lineage(42, 0, "resolved")):
        with pytest.raises(BadInput, match="the header of the oldest game's block"):
            verify(needless, needless.evidence(line.above[-1].raw))


def test_no_byte_of_the_line_can_be_changed() -> None:
    line = Lineage()
    whole = line.evidence()
    for at in range(0, len(whole), 19):
        changed = bytearray(whole)
        changed[at] ^= 1
        with pytest.raises((WrongHash, BadInput, WrongBinding, Malformed, NotThere)):
            verify(line, bytes(changed))


def test_a_parent_of_another_type_carries_nothing() -> None:
    """Its slots would mean other things; the list says its type."""
    line = Lineage(42, 1)
    factory = line.world.words["factory"]
    factory[array(104, 1)] ^= (42 ^ 6) << 224
    with pytest.raises(WrongBinding, match="the type of the game it builds on"):
        verify(line)


def test_a_look_alike_of_a_parent_is_not_the_factorys() -> None:
    """The same code at another address, which the child names: the factory filed the claim elsewhere."""
    line = Lineage(621, 1)
    twin = Address(b"\x99" * 20)
    line.world.parent.contracts[twin] = Contract(dict(line.words(line.above[0])), line.above[0].code)
    child = listed(621, 1_000, 0x6A6A, NOW - 2 * DAY, twin)
    line.own, line.games[-1] = child, child
    line.world = line._world()
    line.world.parent.contracts[twin] = Contract(dict(line.words(line.above[0])), line.above[0].code)
    with pytest.raises(WrongBinding, match="the game it builds on"):
        verify(line)


def test_an_ancestor_that_asks_another_registry_carries_nothing() -> None:
    """Type 10 is told its registry by the factory: the newer form of a game's code."""
    line = Lineage(10, 1)
    above = line.above[0]
    other = clone_code(above.claim, told_registry(10, above.extra, b"\xa6" * 20))
    line.world.parent.contracts[above.address].code = other
    with pytest.raises(WrongBinding, match="the registry in the game's code"):
        verify(line, line.evidence(codes=[other]))
    same = clone_code(above.claim, told_registry(10, above.extra, REGISTRY))
    assert same == above.code


def test_a_denied_ancestor_denies_the_game() -> None:
    for what in ("address", "claim"):
        line = Lineage()
        denied = replace(TAKEN, denied=frozenset({bytes(getattr(line.above[-1], what))}))
        with pytest.raises(Denied):
            verify(line, policy=denied)


def test_code_of_an_ancestor_that_nobody_reviewed_lowers_the_basis_of_the_game() -> None:
    """It has another implementation than the game; where the policy names the factory it is taken, and told."""
    line = Lineage(42, 1)
    above = line.above[0]
    other = clone_code(above.claim, above.extra, b"\x2f" * 20)
    line.world.parent.contracts[Address(b"\x2f" * 20)] = Contract(code=b"another")
    line.world.parent.contracts[above.address].code = other
    with pytest.raises(UnreviewedCode, match="games of type 42"):
        verify(line, line.evidence(codes=[other]))
    named = replace(TAKEN, accept_contracts=frozenset({(ChainId(1), line.world.factory)}))
    proven = verify(line, line.evidence(codes=[other]), named)
    assert Basis.UNREVIEWED_CODE in proven.trust.bases


@pytest.mark.parametrize("status", [0, 1])
def test_a_game_that_resolved_does_not_hang_on_its_parent_any_more(status: int) -> None:
    """In its delay it takes no line: the contract asked for the parent's end when it resolved."""
    line = Lineage()
    line.words(line.own)[0] |= 2 << 128 | NOW - DELAY << 64
    line.words(line.above[0])[0] |= status << 128 | status * (NOW - DAY) << 64
    head, extra, code = line.world.preimages
    proven = line.world.rollup.verify(
        line.world.parent, line.world.raw, [head + line.others()[:8] + others_of(line), extra, code], policy=TAKEN,
        seen=[seen(line.world.raw, 10)],
    )  # fmt: skip
    assert proven.trust.settlement is Settlement.PROPOSED


def others_of(line: Lineage) -> bytes:
    """Every other game's claim: without a line, each of them could contradict."""
    return b"".join(game.packed for game in line.games if game is not line.own)


@pytest.mark.parametrize("code", [NO, YES], ids=["agrees", "differs"])
def test_the_registrys_own_judgement_stands_behind_the_line(code: bytes) -> None:
    """What it runs comes after the games of the line; both ways have to agree that the game is not valid yet."""
    line = Lineage()
    registry = line.world.parent.contracts[line.world.registry]
    registry.code = code
    del registry.words[IMPLEMENTATION_SLOT]
    pins = [pin for pin in line.world.rollup.codes if pin[0] != "registry"]
    rollup = replace(line.world.rollup, codes=[*pins, ("registry", CodePin(Hash32(keccak(code))))])
    head, extra, own = line.world.preimages
    preimages = [head + line.others(), extra, own, line.evidence(), code]
    told = [seen(line.world.raw, 10)]
    if code == NO:
        proven = rollup.verify(line.world.parent, line.world.raw, preimages, policy=TAKEN, seen=told, of=RUNS)
        assert proven.trust.settlement is Settlement.PROPOSED
    else:
        with pytest.raises(NotSettled, match="the registry's own judgement"):
            rollup.verify(line.world.parent, line.world.raw, preimages, policy=TAKEN, seen=told, of=RUNS)


# --- gathered --------------------------------------------------------------------------------------------


def answers(line: Lineage) -> tuple[Answers, Answers]:
    """Honest endpoints of both networks, which tell of every game."""

    def said(data: bytes) -> bytes | None:
        if data[:4] == COUNT:
            return len(line.games).to_bytes(32, "big")
        if data[:4] == RESPECTED:
            return line.kind.to_bytes(32, "big")
        if data[:4] == AT_INDEX:
            record = line.games[int.from_bytes(data[4:], "big")].record
            return b"".join(part.to_bytes(32, "big") for part in (record >> 224, record >> 160 & (1 << 64) - 1, record & (1 << 160) - 1))  # fmt: skip
        assert data[:4] == LATEST
        bodies = []
        for i, game in reversed([*enumerate(line.games)]):
            size = len(game.extra)
            words = (i, game.record, game.made, int.from_bytes(game.claim, "big"), 160, size)
            bodies.append(b"".join(n.to_bytes(32, "big") for n in words) + game.extra + bytes(-size % 32))
        offsets, at = b"", 32 * len(bodies)
        for body in bodies:
            offsets, at = offsets + at.to_bytes(32, "big"), at + len(body)
        return (32).to_bytes(32, "big") + len(bodies).to_bytes(32, "big") + offsets + b"".join(bodies)

    own = Answers(headers=[game.raw for game in line.games], numbers=[game.number for game in line.games])
    return Answers(line.world.parent, said=said), own


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(("ancestors", "ends"), [(2, "anchor"), (0, "resolved"), (2, "resolved")])
def test_a_posted_game_is_gathered_with_the_games_it_builds_on(kind: int, ancestors: int, ends: str) -> None:
    """What is gathered is what the judging half needs, no more."""
    line = Lineage(kind, ancestors, ends)
    parent, own = answers(line)
    gathered = gather(line.world.rollup, parent, own, policy=TAKEN)
    assert gathered.header.number == 1_000
    assert gathered.header.trust.settlement is Settlement.PROPOSED
    assert gathered.preimages[0][36:] == line.others(int(ends == "resolved"))
    assert gathered.preimages[3] == line.evidence()


def test_a_challenged_ancestor_is_told_by_name_while_gathering() -> None:
    line = Lineage(621, 1)
    slot, value = CHALLENGE[621]
    line.words(line.above[0])[slot] = value
    parent, own = answers(line)
    with pytest.raises(NotSettled, match="on which it builds"):
        gather(line.world.rollup, parent, own, policy=TAKEN)


def test_headers_of_ancestors_name_the_message_passers_root() -> None:
    """So that the simulated claims are those that gathering finds without a proof of the rollup's state."""
    assert Lineage().above[0].claim == keccak(bytes(32) + EMPTY_TRIE + EMPTY_TRIE + keccak(Lineage().above[0].raw))
