"""Dispute games of the OP Stack: their types, what their claims commit to, and how a claim is bound to one game.

The factory records each game under a hash of its type, root claim and extra data. A word there that is not zero says
that the factory itself made a game of exactly this claim, when, and where it lives: no code of the game is involved.

An output root commits to a header's hash; the message passer's storage root in it is a mere preimage here, since it
does not matter what else the claim says. A super root commits to the output roots of several chains at one *timestamp*.

Source: ethereum-optimism/optimism packages/contracts-bedrock (src/dispute, src/libraries/Hashing, LibGameId, Encoding);
base/contracts (AggregateVerifier); the storage layouts that their repositories publish.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from itertools import pairwise
from typing import Final

from verifier.crypto.keccak import keccak256
from verifier.errors import BadInput, Unsupported, Where, WrongBinding, WrongHash
from verifier.headers.decode import Header
from verifier.primitives import Address, ChainId, Hash32, Timestamp, slot_key
from verifier.trust import Basis

GAMES: Final = slot_key(103)
"""Factory: record by uuid."""
GAME_LIST: Final = slot_key(104)
"""Factory: array of the same records, in the order in which the games were made."""
SUPER_ROOT_VERSION: Final = 1
_NO_PARENT: Final = b"\xff" * 4
_HEAD: Final = 9
_PER_CHAIN: Final = 64


class ClaimForm(StrEnum):
    """What a game's extra data holds, and so what its claim is about."""

    BLOCK = "block number"
    """A block number (32 bytes); the claim is an output root."""
    BLOCK_AND_INDEX = "block number and parent index"
    """A block number (32), the parent game's index (4); the claim is an output root."""
    AGGREGATE = "block number, parent game and intermediate roots"
    """A block number (32), the parent game (20), output roots (32 each), the last of them the claim."""
    SUPER = "super root"
    """The preimage of a super root."""
    SUPER_AND_INDEX = "parent index and super root"
    """The parent game's index (4), then the preimage of a super root."""


@dataclass(frozen=True, slots=True)
class GameType:
    """One type of game.

    Attributes:
        respected: Slot and byte offset of "was of the respected type when created".
        disputed: Byte offset in slot 0 of "the block number was challenged"; None where there is no such flag.
        claims: Slot of the array of moves; more than the first one is a dispute. None where there is none.
        countered: Slot, byte offset and width of "somebody challenged it"; None where there is no such field.
    """

    name: str
    form: ClaimForm
    bases: frozenset[Basis]
    respected: tuple[int, int]
    disputed: int | None = None
    claims: int | None = None
    countered: tuple[int, int, int] | None = None

    @property
    def own_slots(self) -> tuple[int, ...]:
        """Every slot of a game of this type that judging may read, beside the first."""
        told = (self.respected[0], self.claims, self.countered and self.countered[0])
        return tuple(slot for slot in told if slot is not None)


_FAULT: Final = frozenset({Basis.FAULT_PROOF})
_PERMISSIONED: Final = frozenset({Basis.PERMISSIONED})
_EITHER: Final = frozenset({Basis.FAULT_PROOF, Basis.VALIDITY})

GAME_TYPES: Final = {
    0: GameType("cannon", ClaimForm.BLOCK, _FAULT, (10, 0), disputed=18, claims=2),
    1: GameType("permissioned cannon", ClaimForm.BLOCK, _PERMISSIONED, (10, 0), disputed=18, claims=2),
    8: GameType("cannon-kona", ClaimForm.BLOCK, _FAULT, (10, 0), disputed=18, claims=2),
    4: GameType("super cannon", ClaimForm.SUPER, _FAULT, (9, 0), claims=1),
    7: GameType("super asterisc-kona", ClaimForm.SUPER, _FAULT, (9, 0), claims=1),
    9: GameType("super cannon-kona", ClaimForm.SUPER, _FAULT, (9, 0), claims=1),
    5: GameType("super permissioned", ClaimForm.SUPER, _PERMISSIONED, (0, 17)),
    6: GameType("succinct", ClaimForm.BLOCK_AND_INDEX, _EITHER, (9, 0), countered=(1, 4, 20)),
    42: GameType("succinct lite", ClaimForm.BLOCK_AND_INDEX, _EITHER, (9, 0), countered=(1, 4, 20)),
    10: GameType("zk", ClaimForm.SUPER_AND_INDEX, frozenset({Basis.VALIDITY}), (8, 1), countered=(1, 5, 20)),
    621: GameType("aggregate verifier", ClaimForm.AGGREGATE, frozenset({Basis.TEE}), (0, 18), countered=(5, 0, 32)),
}
"""
By the contracts' numbers. Types that are left out (asterisc, tests, others' proof systems) cannot be judged here.

Source: storage layouts of op-contracts v6 as base/contracts publishes them; types 5 and 10 by the order of declaration
in SuperPermissionedDisputeGame.sol 1.0 and ZKDisputeGame.sol 2.1; 621 from base/contracts, whose basis is raised by
what the game's proof count says.
"""


@dataclass(frozen=True, slots=True)
class GameClaim:
    """A game as its creator must have asked for it: all that its record is filed under."""

    game_type: int
    root: Hash32
    extra: bytes

    @property
    def uuid(self) -> Hash32:
        """The key of the factory's record: keccak256 of the ABI encoding of type, claim and extra data."""
        padded = self.extra + bytes(-len(self.extra) % 32)
        head = _word(self.game_type) + self.root + _word(0x60) + _word(len(self.extra))
        return keccak256(head + padded)


@dataclass(frozen=True, slots=True)
class GameId:
    """What the factory's record says: type (32 bits), creation time (64), address (160), from the top."""

    game_type: int
    created: Timestamp
    address: Address


def game_id(word: bytes) -> GameId:
    """The factory's packed record. Source: LibGameId.unpack."""
    return GameId(int.from_bytes(word[:4], "big"), Timestamp(int.from_bytes(word[4:12], "big")), Address(word[12:]))


def game_type(number: int, where: Where) -> GameType:
    """The type of a number. Raises Unsupported for one whose rules are not known here."""
    found = GAME_TYPES.get(number)
    if found is None:
        raise Unsupported(where, f"dispute games of type {number}", "a newer release may know them")
    return found


# --- claims ----------------------------------------------------------------------------------------------


def height_of(number: int, extra: bytes, where: Where) -> int:
    """What two claims must share to contradict each other: the number of a block, or for super games a time."""
    match game_type(number, where).form:
        case ClaimForm.SUPER:
            return int.from_bytes(extra[1:9], "big")
        case ClaimForm.SUPER_AND_INDEX:
            return int.from_bytes(extra[5:13], "big")
        case _:
            return int.from_bytes(extra[:32], "big")


def is_timed(number: int, where: Where) -> bool:
    """Whether a type's claims are about a time, and not about a block."""
    return game_type(number, where).form in {ClaimForm.SUPER, ClaimForm.SUPER_AND_INDEX}


def output_root(header: Header, passer_root: bytes) -> Hash32:
    """
    Version 0: keccak256(32 zero bytes ‖ state root ‖ message passer's storage root ‖ block hash).

    Source: Hashing.hashOutputRootProof.
    """
    return keccak256(bytes(32) + header.state_root + passer_root + header.hash)


def claim_of(number: int, header: Header, chain: ChainId, passer_root: bytes, extra: bytes, where: Where) -> GameClaim:
    """
    The claim that a game must have made to commit to a header.

    Args:
        number: The game type.
        passer_root: Untrusted; any value that leads to the game's record commits to the header all the same.
        extra: Untrusted; filed under the record's key, so another one finds another record.

    Raises:
        Unsupported: A type, or a super root version, that is not known here.
        WrongBinding, WrongHash: The extra data is not about this header.
        BadInput: It does not have the form of its type.
    """
    form = game_type(number, where).form
    root = output_root(header, passer_root)
    if is_timed(number, where):
        preimage = extra[4:] if form is ClaimForm.SUPER_AND_INDEX else extra
        _in_super_root(preimage, header, chain, root, where)
        return GameClaim(number, keccak256(preimage), extra)
    _numbered(form, header, extra, where)
    if form is ClaimForm.AGGREGATE:
        return GameClaim(number, _last_of(extra, root, where), extra)
    return GameClaim(number, root, extra)


def _numbered(form: ClaimForm, header: Header, extra: bytes, where: Where) -> None:
    width = {ClaimForm.BLOCK: 32, ClaimForm.BLOCK_AND_INDEX: 36}.get(form)
    if width is not None and len(extra) != width:
        raise BadInput("extra data of a game", f"{width} bytes ({form.value})", extra)
    if form is ClaimForm.AGGREGATE and (len(extra) < 84 or (len(extra) - 52) % 32):
        raise BadInput("extra data of a game", f"52 bytes and whole roots ({form.value})", extra)
    number = int.from_bytes(extra[:32], "big")
    if number != header.number and form is not ClaimForm.AGGREGATE:
        raise WrongBinding(where, "the block number of the game's claim", header.number, number)
    if form is ClaimForm.AGGREGATE and not header.number <= number:
        raise WrongBinding(where, "the block number of the game's claim", f"at least {header.number}", number)


def _last_of(extra: bytes, root: Hash32, where: Where) -> Hash32:
    """The claim of an aggregate game: the last of its roots, the header's own among them."""
    roots = [Hash32(extra[i : i + 32]) for i in range(52, len(extra), 32)]
    if root not in roots:
        raise WrongHash(where, "the header's output root, among the game's intermediate roots,", roots[-1], root)
    return roots[-1]


def _in_super_root(preimage: bytes, header: Header, chain: ChainId, root: Hash32, where: Where) -> None:
    """
    That a super root's preimage names the header's output root for this chain, at a time not before the header's.

    Source: Encoding.encodeSuperRootProof: version byte, timestamp (8 bytes), then chain id and output root (32 each).
    """
    count, rest = divmod(len(preimage) - _HEAD, _PER_CHAIN)
    if count < 1 or rest:
        raise BadInput("preimage of a super root", "9 bytes and 64 for each chain", preimage)
    if preimage[0] != SUPER_ROOT_VERSION:
        raise Unsupported(where, f"super roots of version {preimage[0]}")
    parts = [preimage[i : i + _PER_CHAIN] for i in range(_HEAD, len(preimage), _PER_CHAIN)]
    chains = [int.from_bytes(part[:32], "big") for part in parts]
    if any(low >= high for low, high in pairwise(chains)):
        raise BadInput("chains of a super root", "ascending chain ids, each once", chains)
    if chain not in chains:
        raise WrongBinding(where, "the chains of the super root", chain, chains)
    told = Hash32(parts[chains.index(chain)][32:])
    if told != root:
        raise WrongHash(where, "the header's output root", told, root)
    time = int.from_bytes(preimage[1:_HEAD], "big")
    if header.timestamp > time:
        raise WrongBinding(where, "the time of the super root", f"at least {header.timestamp}", time)


def parent_game(number: int, extra: bytes, registry: Address | None, where: Where) -> bytes:
    """
    The index or address of the game that a game stands and falls with; empty where it begins at the anchor itself.

    Source: OPSuccinctFaultDisputeGame.initialize (no parent is the highest index); AggregateVerifier (the registry's
    own address stands for the anchor).
    """
    match game_type(number, where).form:
        case ClaimForm.BLOCK_AND_INDEX:
            parent = extra[32:36]
        case ClaimForm.SUPER_AND_INDEX:
            parent = extra[:4]
        case ClaimForm.AGGREGATE:
            parent = extra[32:52]
        case _:
            return b""
    return b"" if parent in (_NO_PARENT, registry) else parent


def _word(value: int) -> bytes:
    return value.to_bytes(32, "big")
