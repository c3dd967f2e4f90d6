"""OP Stack rollups with dispute games: the root of a game that the anchor state registry holds to be valid.

Who could forge a root: whoever gets a false claim through its game unchallenged, or breaks its proof system, while the
guardian does not blacklist it within the delay; the guardian and the owners of the proxies at any time. For the
permissioned types one proposer, whom only the guardian checks.

The registry's own rule is reproduced in full, from words of one parent state: the factory made the game from this very
claim (1); the registry belongs to this factory, and is the portal's where that is pinned (2); the game is not
blacklisted (3), was created strictly after the retirement time (4), and the system is not paused (5); its type was
respected when it was created (6); it resolved for the defender (7), and strictly longer ago than the delay (8). A game
in progress, or in the delay, is `proposed`.

Two generations differ in where the rules stand: since the registry took them over, in its slots; before, in those of
the portal (`op_portal`), where the *present* respected type counts, and the time since when it is respected.

Preimages: game type (4 bytes) ‖ message passer's storage root (32) ‖ for a proposed root that is to count, the other
games of its time (`op_rivals`); the game's extra data; the game's code; then, where
the registry's own judgement is asked for too, the code that its function runs. Both ways have to agree; where the
registry's code is not reviewed, only the second counts, for a policy that names the registry.

Source: AnchorStateRegistry.isGameClaimValid and layouts of op-contracts v6, as base/contracts publishes them;
OptimismPortal2.checkWithdrawal of contracts-bedrock 0.17.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from verifier.codec.abi import mapping_slot, pad_address, pad_bytesn
from verifier.crypto.keccak import keccak256
from verifier.errors import BadInput, MissingEvidence, NotSettled, NotThere, UnreviewedCode, WrongBinding, WrongHash
from verifier.headers.decode import Header
from verifier.primitives import Address, SlotKey, Timestamp, slot_key, to_hex
from verifier.proven import ProvenHeader, ProvenWord
from verifier.settlement.op_games import (
    GAMES,
    GameClaim,
    GameId,
    GameType,
    claim_of,
    game_id,
    game_type,
    parent_game,
    parse_clone,
)
from verifier.settlement.op_judged import registry_says
from verifier.settlement.op_rivals import rivals
from verifier.settlement.proposed import Proposal
from verifier.settlement.scheme import (
    Case,
    Verdict,
    check_code,
    exactly,
    refuse_denied,
    rollup_header,
    settle,
    settled_header,
    take,
)
from verifier.trust import Basis, Settlement

REGISTRY_CONFIG: Final = slot_key(0)
"""Registry: flags, then the system config's address from byte 2."""
REGISTRY_FACTORY: Final = slot_key(1)
REGISTRY_BLACKLIST: Final = slot_key(5)
REGISTRY_RETIREMENT: Final = slot_key(6)
"""Registry: respected type (4 bytes), retirement time (8), from the low end."""
PORTAL_FACTORY: Final = slot_key(56)
PORTAL_BLACKLIST: Final = slot_key(58)
PORTAL_RESPECTED: Final = slot_key(59)
"""Portal of the older generation: respected type (4 bytes), time of its last change (8), from the low end."""
PORTAL_REGISTRY: Final = slot_key(62)
"""Portal since the registry took the rules over: its anchor state registry."""
PAUSES: Final = slot_key(1)
"""Superchain config: start of the pause by identifier (0: all)."""
PAUSES_OF_BASE: Final = slot_key(0)
"""The same in Base's fork of that contract. Source: base/contracts, snapshots/storageLayout/SuperchainConfig.json."""
GAME_STATE: Final = slot_key(0)
"""Game: created (8 bytes), resolved (8), status (1), …, from the low end."""
PROOF_COUNT: Final = slot_key(7)
"""Aggregate game: expected resolution (8 bytes), number of proofs (1)."""
AGGREGATE: Final = 621

STATUS: Final = ("in progress", "challenger wins", "defender wins")


@dataclass(frozen=True, slots=True)
class Game:
    """A game bound to the claim on a header, with the words that say how it stands."""

    claim: GameClaim
    kind: GameType
    record: GameId
    word: ProvenWord
    state: int
    others: bytes = b""

    @property
    def resolved(self) -> Timestamp:
        """When it was resolved; 0 while it is not."""
        return Timestamp(self.state >> 64 & (1 << 64) - 1)

    @property
    def status(self) -> int:
        """Index into STATUS."""
        return self.state >> 128 & 0xFF


def verify(case: Case, rlp: bytes, preimages: Sequence[bytes]) -> ProvenHeader:
    """
    Establish a rollup's header by the dispute game whose claim commits to it, under the registry's rules.

    Args:
        rlp: Untrusted; the header of the claim's block.
        preimages: Untrusted; see the module.

    Raises:
        NotThere: The factory made no game of this claim.
        NotSettled: The game, or the whole system, is in a state in which the claim does not count.
        UnreviewedCode: A contract runs code that was not reviewed, and the policy does not name it.
        Denied: The policy denies the game, its claim or the header.
        WrongBinding, WrongHash, Malformed, ProofError, Unsupported: The evidence is about something else.
    """
    header = rollup_header(case, rlp)
    game, reviewed = _bound_game(case, header, preimages[:3])
    registry, codes = case.contract("registry"), preimages[3:]
    if not check_code(case, "registry", registry):
        return _by_its_own_word(case, header, game, registry, codes)
    return _agreed(case, _by_rules(case, header, game, registry, reviewed=reviewed), game, registry, codes)


def _by_rules(case: Case, header: Header, game: Game, registry: Address, *, reviewed: bool) -> ProvenHeader:
    reviewed &= _is_the_portals(case, registry)
    _points_to_factory(case, registry, REGISTRY_FACTORY)
    _not_blacklisted(case, registry, REGISTRY_BLACKLIST, game.record.address)
    _not_retired(case, registry, game)
    reviewed &= _not_paused(case, registry)
    _was_respected(case, game)
    return _judged(case, header, game, reviewed=reviewed)


def _agreed(case: Case, found: ProvenHeader, game: Game, registry: Address, codes: Sequence[bytes]) -> ProvenHeader:
    """What the rules found, held against the registry's own judgement where its code is at hand."""
    if codes:
        valid, _ = registry_says(case, registry, game.record.address, codes)
        if valid != (found.trust.settlement is Settlement.SETTLED):
            told = "valid" if valid else "not valid"
            where = case.at.where.at(address=registry)
            raise NotSettled(where, "the registry's own judgement", str(found.trust.settlement), told)
    return found


def _by_its_own_word(case: Case, header: Header, game: Game, registry: Address, codes: Sequence[bytes]) -> ProvenHeader:
    """The registry's judgement alone: settled or not at all, on code that nobody reviewed."""
    if not codes:
        where = case.at.where.at(address=registry)
        raise MissingEvidence(where, "the registry's own judgement, which alone counts for code that is not reviewed,")
    valid, _ = registry_says(case, registry, game.record.address, codes)
    points = () if valid else ("the registry does not hold its claim valid yet",)
    return _concluded(case, header, game, points, reviewed=False)


def verify_portal(case: Case, rlp: bytes, preimages: Sequence[bytes]) -> ProvenHeader:
    """As `verify`, under the rules of the older generation, which stand in the portal."""
    header = rollup_header(case, rlp)
    game, reviewed = _bound_game(case, header, preimages)
    portal = case.contract("portal")
    reviewed &= check_code(case, "portal", portal)
    _points_to_factory(case, portal, PORTAL_FACTORY)
    _not_blacklisted(case, portal, PORTAL_BLACKLIST, game.record.address)
    _is_respected(case, portal, game)
    reviewed &= _superchain_runs(case)
    return _judged(case, header, game, reviewed=reviewed)


# --- the game --------------------------------------------------------------------------------------------


def _bound_game(case: Case, header: Header, preimages: Sequence[bytes]) -> tuple[Game, bool]:
    """The factory's record of the claim, and the game's own state; with whether all their code is reviewed."""
    head, extra, code = take(preimages, 3, case.settled.scheme)
    exactly(head[:36], 36, "game type and message passer's storage root")
    number = int.from_bytes(head[:4], "big")
    claim = claim_of(number, header, case.network.chain_id, head[4:36], extra, case.where)
    for what, value in (("the claim", claim.root), ("the header", header.hash)):
        refuse_denied(case, what, value)
    factory = case.contract("factory")
    reviewed = check_code(case, "factory", factory)
    word = case.parent.word(factory, mapping_slot(pad_bytesn(claim.uuid), GAMES))
    if not any(word.word):
        raise NotThere(word.where, f"a game of type {number} for claim {to_hex(claim.root)}")
    record = game_id(word.word)
    if record.game_type != number:
        raise WrongBinding(word.where, "the type in the factory's record", number, record.game_type)
    refuse_denied(case, "the game", record.address)
    reviewed &= _game_code(case, number, record.address, claim, code)
    state = case.parent.number(record.address, GAME_STATE)
    if state & (1 << 64) - 1 != record.created:
        raise WrongBinding(word.where, "the game's time of creation", record.created, state & (1 << 64) - 1)
    return Game(claim, game_type(number, case.where), record, word, state, head[36:]), reviewed


def _game_code(case: Case, number: int, address: Address, claim: GameClaim, code: bytes) -> bool:
    """Whether the game is a clone of a reviewed implementation, made with this claim; its slots mean nothing else."""
    account = case.parent.account(address)
    found = keccak256(code)
    if found != account.code_hash:
        raise WrongHash(account.where, "the game's code", account.code_hash, found)
    clone = parse_clone(code, account.where)
    if clone.root != claim.root:
        raise WrongBinding(account.where, "the claim in the game's code", claim.root, clone.root)
    role = f"game:{number}"
    implementation = case.parent.account(clone.implementation)
    pins = case.settled.pins(role)
    if any(pin.code_hash == implementation.code_hash for pin in pins):
        return True
    if (case.settled.parent, case.contract("factory")) in case.policy.accept_contracts:
        return False
    expected = " or ".join(to_hex(pin.code_hash) for pin in pins) or "nothing (no code was reviewed)"
    what = f"the implementation of games of type {number}"
    raise UnreviewedCode(implementation.where, what, expected, implementation.code_hash)


# --- the rules -------------------------------------------------------------------------------------------


def _points_to_factory(case: Case, contract: Address, slot: SlotKey) -> None:
    word, factory = case.parent.word(contract, slot), case.contract("factory")
    if Address(word.word[12:]) != factory:
        raise WrongBinding(word.where, "the factory", factory, word.word[12:])


def _is_the_portals(case: Case, registry: Address) -> bool:
    """
    That the portal pays by this registry and by no newer one, where the portal's code is pinned; else it is not read.

    A registry that was replaced keeps its games and its slots, and nothing in it says that nobody asks it any more.
    """
    if not case.settled.pins("portal"):
        return True
    portal = case.contract("portal")
    reviewed = check_code(case, "portal", portal)
    word = case.parent.word(portal, PORTAL_REGISTRY)
    if Address(word.word[12:]) != registry:
        raise WrongBinding(word.where, "the registry of the portal", registry, word.word[12:])
    return reviewed


def _not_blacklisted(case: Case, contract: Address, base: SlotKey, game: Address) -> None:
    word = case.parent.word(contract, mapping_slot(pad_address(game), base))
    if any(word.word):
        raise NotSettled(word.where, f"the blacklist entry of game {to_hex(game)}", "none", word.word)


def _not_retired(case: Case, registry: Address, game: Game) -> None:
    word = case.parent.word(registry, REGISTRY_RETIREMENT)
    retirement = int.from_bytes(word.word, "big") >> 32 & (1 << 64) - 1
    if game.record.created <= retirement:
        raise NotSettled(
            word.where, "the game's creation", f"after the retirement time {retirement}", game.record.created
        )


def _not_paused(case: Case, registry: Address) -> bool:
    """That neither the whole system nor this chain is paused. A pause that ran out counts as one: its end is code's."""
    config = case.settled.contract("system_config")
    word = case.parent.word(registry, REGISTRY_CONFIG)
    told = Address(word.word[10:30])
    if config is not None and told != config:
        raise WrongBinding(word.where, "the system config of the registry", config, told)
    superchain = case.contract("superchain_config")
    reviewed = check_code(case, "superchain_config", superchain)
    lockbox = case.settled.contract("lockbox")
    identifiers = [Address(bytes(20)), case.contract("portal"), *([] if lockbox is None else [lockbox])]
    for identifier in identifiers:
        pause = case.parent.word(superchain, mapping_slot(pad_address(identifier), pauses_of(case.settled.scheme)))
        if any(pause.word):
            since = int.from_bytes(pause.word, "big")
            raise NotSettled(pause.where, f"the pause of {to_hex(identifier)}", "none", f"paused since {since}")
    return reviewed


def pauses_of(scheme: str) -> SlotKey:
    """The slot of the mapping of pauses, which two lines of the contract have at different places."""
    return PAUSES_OF_BASE if scheme == "base" else PAUSES


SUPERCHAIN_PAUSED: Final = SlotKey(
    (int.from_bytes(keccak256(b"superchainConfig.paused"), "big") - 1).to_bytes(32, "big")
)
"""Superchain config of the older generation: the one flag. Source: SuperchainConfig.PAUSED_SLOT."""


def _superchain_runs(case: Case) -> bool:
    """The older generation's one pause flag."""
    superchain = case.contract("superchain_config")
    reviewed = check_code(case, "superchain_config", superchain)
    word = case.parent.word(superchain, SUPERCHAIN_PAUSED)
    if any(word.word):
        raise NotSettled(word.where, "the pause of the superchain", "none", word.word)
    return reviewed


def _was_respected(case: Case, game: Game) -> None:
    slot, offset = game.kind.respected
    word = case.parent.word(game.record.address, slot_key(slot))
    flag = int.from_bytes(word.word, "big") >> 8 * offset & 0xFF
    if flag != 1:
        raise NotSettled(word.where, "the game's type was respected when it was created", "true", flag)


def _is_respected(case: Case, portal: Address, game: Game) -> None:
    word = case.parent.word(portal, PORTAL_RESPECTED)
    whole = int.from_bytes(word.word, "big")
    respected, since = whole & (1 << 32) - 1, whole >> 32 & (1 << 64) - 1
    if respected != game.claim.game_type:
        raise NotSettled(word.where, "the respected game type", game.claim.game_type, respected)
    if game.record.created < since:
        raise NotSettled(word.where, "the game's creation", f"not before {since}", game.record.created)


def _judged(case: Case, header: Header, game: Game, *, reviewed: bool) -> ProvenHeader:
    points = _open_points(case, game)
    proposal = _proposal(case, header, game) if points else None
    return _concluded(case, header, game, points, reviewed=reviewed, proposal=proposal)


def _proposal(case: Case, header: Header, game: Game) -> Proposal:
    """What speaks against a game that is not final, and what is not shown."""
    against = [*_disputes(case, game)]
    unshown = ["that nobody challenged a game of this type"] if game.kind.silent else []
    if parent_game(game.claim.game_type, game.claim.extra, case.settled.contract("registry"), case.where):
        unshown.append("that the game it builds on stands")
    if game.others:
        against += rivals(case, header.timestamp, game.claim, game.record, game.others)
    else:
        unshown.append("what other games the factory made since the block")
    return Proposal(header.hash, case.now - game.record.created, tuple(against), tuple(unshown))


def _concluded(
    case: Case,
    header: Header,
    game: Game,
    points: tuple[str, ...],
    *,
    reviewed: bool,
    proposal: Proposal | None = None,
) -> ProvenHeader:
    if game.others and proposal is None:
        raise BadInput("the other games of its time", "none beside a game that is settled", game.others)
    verdict = Verdict(
        word=game.word,
        entry=f"dispute game {to_hex(game.record.address)} of type {game.claim.game_type} ({game.kind.name})",
        root=game.claim.root,
        since=game.record.created,
        open_points=points,
        bases=_bases(case, game),
        reviewed=reviewed,
        proposal=proposal,
    )
    return settled_header(header, settle(case, verdict))


def _open_points(case: Case, game: Game) -> tuple[str, ...]:
    """Why the game is not final yet. Raises NotSettled where it never will be: the challenger won."""
    where = case.parent.account(game.record.address).where.at(slot=GAME_STATE)
    if game.status > 2:
        raise NotSettled(where, "the game's status", "0, 1 or 2", game.status)
    if STATUS[game.status] == "challenger wins":
        raise NotSettled(where, "the game's status", "defender wins", STATUS[game.status])
    if STATUS[game.status] == "in progress" or not game.resolved:
        return ("in progress", *_disputes(case, game))
    passed = case.now - game.resolved
    if passed <= case.settled.delay:
        return (f"resolved {passed} s ago; the delay is {case.settled.delay} s",)
    return ()


def _disputes(case: Case, game: Game) -> tuple[str, ...]:
    """Signs that someone contradicts the claim."""
    found = []
    if game.kind.disputed is not None and game.state >> 8 * game.kind.disputed & 0xFF:
        found.append("its block number was challenged")
    if game.kind.claims is not None:
        moves = case.parent.number(game.record.address, slot_key(game.kind.claims))
        if moves > 1:
            found.append(f"{moves - 1} moves were made against it or for it")
    if game.kind.countered is not None:
        slot, offset, width = game.kind.countered
        if case.parent.number(game.record.address, slot_key(slot)) >> 8 * offset & (1 << 8 * width) - 1:
            found.append("it was challenged")
    return tuple(found)


def _bases(case: Case, game: Game) -> frozenset[Basis]:
    """What one must believe; for the aggregate type, by the number of proofs that stand."""
    if game.claim.game_type != AGGREGATE:
        return game.kind.bases
    word = case.parent.word(game.record.address, PROOF_COUNT)
    count = int.from_bytes(word.word, "big") >> 64 & 0xFF
    if not count:
        raise NotSettled(word.where, "the number of proofs of the game", "at least 1", count)
    return game.kind.bases | ({Basis.VALIDITY} if count > 1 else frozenset())


__all__ = ["GAMES", "Game", "verify", "verify_portal"]
