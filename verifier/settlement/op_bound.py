"""A dispute game bound to the claim on a header, and how it stands by its own state."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final

from verifier.codec.abi import mapping_slot, pad_bytesn
from verifier.crypto.keccak import keccak256
from verifier.errors import NotSettled, NotThere, UnreviewedCode, Where, WrongBinding, WrongHash
from verifier.headers.decode import Header
from verifier.primitives import Address, SlotKey, Timestamp, slot_key, to_hex
from verifier.proven import ProvenWord
from verifier.settlement.op_clones import Clone, parse_clone
from verifier.settlement.op_games import GAMES, GameClaim, GameId, GameType, claim_of, game_id, game_type
from verifier.settlement.scheme import Case, check_code, exactly, refuse_denied, take
from verifier.trust import Basis

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

    @property
    def is_open(self) -> bool:
        """That nobody resolved it, or at no time that is told."""
        return self.status == 0 or not self.resolved


def bound_game(case: Case, header: Header, preimages: Sequence[bytes]) -> tuple[Game, bool]:
    """The factory's record of the claim, and the game's own state; with whether all their code is reviewed."""
    head, extra, code = take(preimages, 3, case.settled.scheme)
    exactly(head[:36], 36, "game type and message passer's storage root")
    number = int.from_bytes(head[:4], "big")
    claim = claim_of(number, header, case.network.chain_id, head[4:36], extra, case.where)
    refuse_denied(case, "the header", header.hash)
    reviewed = check_code(case, "factory", case.contract("factory"))
    game, known = filed_game(case, claim, code)
    return replace(game, others=head[36:]), reviewed and known


def filed_game(case: Case, claim: GameClaim, code: bytes) -> tuple[Game, bool]:
    """The game that the factory made of a claim; with whether its code is reviewed."""
    refuse_denied(case, "the claim", claim.root)
    word = case.parent.word(case.contract("factory"), mapping_slot(pad_bytesn(claim.uuid), GAMES))
    if not any(word.word):
        raise NotThere(word.where, f"a game of type {claim.game_type} for claim {to_hex(claim.root)}")
    record = game_id(word.word)
    if record.game_type != claim.game_type:
        raise WrongBinding(word.where, "the type in the factory's record", claim.game_type, record.game_type)
    refuse_denied(case, "the game", record.address)
    reviewed = _game_code(case, record.address, claim, code)
    state = case.parent.number(record.address, GAME_STATE)
    if state & (1 << 64) - 1 != record.created:
        raise WrongBinding(word.where, "the game's time of creation", record.created, state & (1 << 64) - 1)
    return Game(claim, game_type(claim.game_type, case.where), record, word, state), reviewed


def _game_code(case: Case, address: Address, claim: GameClaim, code: bytes) -> bool:
    """Whether the game is a clone of a reviewed implementation, made with this claim; its slots mean nothing else."""
    account = case.parent.account(address)
    found = keccak256(code)
    if found != account.code_hash:
        raise WrongHash(account.where, "the game's code", account.code_hash, found)
    clone = parse_clone(code, account.where)
    if clone.root != claim.root:
        raise WrongBinding(account.where, "the claim in the game's code", claim.root, clone.root)
    role = f"game:{claim.game_type}"
    implementation = case.parent.account(clone.implementation)
    pins = case.settled.pins(role)
    if any(pin.code_hash == implementation.code_hash for pin in pins):
        _made_for_the_registry(case, clone, claim, account.where)
        return True
    if (case.settled.parent, case.contract("factory")) in case.policy.accept_contracts:
        return False
    expected = " or ".join(to_hex(pin.code_hash) for pin in pins) or "nothing (no code was reviewed)"
    what = f"the implementation of games of type {claim.game_type}"
    raise UnreviewedCode(implementation.where, what, expected, implementation.code_hash)


def _made_for_the_registry(case: Case, clone: Clone, claim: GameClaim, where: Where) -> None:
    """
    That a game which was told its registry asks this one. Where it was not, the implementation has it in its code.

    The registry holds no game valid that asks another one: which type is respected, and from which anchor a game
    begins, would be another contract's word.
    """
    extra, registry = clone.taken_apart(claim.game_type)
    if extra != claim.extra:
        raise WrongBinding(where, "the extra data in the game's code", to_hex(claim.extra), to_hex(extra))
    expected = case.settled.contract("registry")
    if registry is not None and expected is not None and registry != expected:
        raise WrongBinding(where, "the registry in the game's code", expected, registry)


def game_slots(number: int, where: Where) -> tuple[SlotKey, ...]:
    """Every slot of a game of a type that judging may read."""
    own = [GAME_STATE, *(slot_key(slot) for slot in game_type(number, where).own_slots)]
    return tuple(dict.fromkeys([*own, PROOF_COUNT] if number == AGGREGATE else own))


def open_points(case: Case, game: Game) -> tuple[str, ...]:
    """Why the game is not final yet. Raises NotSettled where it never will be: the challenger won."""
    where = case.parent.account(game.record.address).where.at(slot=GAME_STATE)
    if game.status > 2:
        raise NotSettled(where, "the game's status", "0, 1 or 2", game.status)
    if STATUS[game.status] == "challenger wins":
        raise NotSettled(where, "the game's status", "defender wins", STATUS[game.status])
    if game.is_open:
        return ("in progress", *disputes(case, game))
    passed = case.now - game.resolved
    if passed <= case.settled.delay:
        return (f"resolved {passed} s ago; the delay is {case.settled.delay} s",)
    return ()


def disputes(case: Case, game: Game) -> tuple[str, ...]:
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


def bases(case: Case, game: Game) -> frozenset[Basis]:
    """What one must believe; for the aggregate type, by the number of proofs that stand."""
    if game.claim.game_type != AGGREGATE:
        return game.kind.bases
    word = case.parent.word(game.record.address, PROOF_COUNT)
    count = int.from_bytes(word.word, "big") >> 64 & 0xFF
    if not count:
        raise NotSettled(word.where, "the number of proofs of the game", "at least 1", count)
    return game.kind.bases | ({Basis.VALIDITY} if count > 1 else frozenset())
