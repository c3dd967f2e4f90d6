"""Whether another game contradicts a claim: each game that the factory made since the claim's block, by proof.

The factory keeps its games in one list, in the order in which they were made. A game about a block that is not yet
there contradicts nothing that was known, so the list is read from the last game before the block's time to its end. The
list says type, time and address of each, and not its claim; a claim is shown by its preimage, under whose hash the
factory's other record holds the very same word. Only games of the same type count: no other can win in its place.

The evidence: index of the first game read (8 bytes), then for each further game of the type, in order, its root claim
(32), the length of its extra data (2) and that data.

Source: DisputeGameFactory.sol, _disputeGameList and _disputeGames; getGameUUID.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Final

from verifier.codec.abi import array_slot, mapping_slot, pad_bytesn
from verifier.errors import BadInput, NotSettled, WrongBinding
from verifier.primitives import Address, Hash32, SlotKey, Timestamp, to_hex
from verifier.proven import ProvenWord
from verifier.settlement.op_games import GAME_LIST, GAMES, GameClaim, game_id, height_of
from verifier.settlement.scheme import Case

MAX_SCANNED: Final = 256
"""Games of any type that are read beside one; a factory that is flooded makes its proposed roots count nothing."""


def rivals(case: Case, since: Timestamp, games: Mapping[Address, GameClaim], evidence: bytes) -> tuple[str, ...]:
    """
    Games of the type that claim another root at the same height as one of ours.

    Args:
        since: The time of the oldest block that ours are about.
        games: The game that is judged, and those in progress on which it builds; all of one type.
        evidence: Untrusted; see the module.

    Raises:
        NotSettled: More games were made since than are read.
        WrongBinding: The evidence is of other games, or begins too late.
        BadInput: It is not of the shape.
        Malformed, ProofError: The list is not proven.
    """
    factory = case.contract("factory")
    (kind,) = {claim.game_type for claim in games.values()}
    first, told = int.from_bytes(evidence[:8], "big"), _claims(kind, evidence)
    length = case.parent.word(factory, GAME_LIST)
    count = int.from_bytes(length.word, "big")
    if count - first > MAX_SCANNED:
        expected = f"at most {MAX_SCANNED} games since its block"
        raise NotSettled(length.where, "a proposed root: no rival and no challenge", expected, count - first)
    found, missing = list[str](), set(games)
    for index in range(first, count):
        word = case.parent.word(factory, array_slot(GAME_LIST, index))
        other = game_id(word.word)
        if index == first and first and other.created >= since:
            raise WrongBinding(word.where, "the first game read", f"made before {since}", other.created)
        if other.address in games:
            missing.discard(other.address)
        elif other.game_type == kind:
            found += _against(case, games.values(), _next(told, word), word)
    for address in missing:
        raise WrongBinding(length.where, "the games read", f"{to_hex(address)} among them", "not among them")
    if next(told, None) is not None:
        raise BadInput("the other games of its time", "one claim for each", "more")
    return tuple(found)


def _against(case: Case, ours: Iterable[GameClaim], other: GameClaim, word: ProvenWord) -> Iterator[str]:
    """The other claim, bound to its place in the list, where it contradicts."""
    filed = case.parent.word(word.rests_on.address, mapping_slot(pad_bytesn(other.uuid), GAMES))
    if filed.word != word.word:
        raise WrongBinding(filed.where, "the record of the claim given for a game", word.word, filed.word)
    height = height_of(other.game_type, other.extra, case.where)
    for claim in ours:
        if other.root != claim.root and height_of(claim.game_type, claim.extra, case.where) == height:
            yield f"a rival at height {height}: game {to_hex(word.word[12:])}"


def _claims(kind: int, evidence: bytes) -> Iterator[GameClaim]:
    at = 8
    while at < len(evidence):
        end = at + 34 + int.from_bytes(evidence[at + 32 : at + 34], "big")
        if end > len(evidence):
            raise BadInput("the other games of its time", "whole claims", evidence[at:])
        yield GameClaim(kind, Hash32(evidence[at : at + 32]), evidence[at + 34 : end])
        at = end


def _next(told: Iterator[GameClaim], word: ProvenWord) -> GameClaim:
    found = next(told, None)
    if found is None:
        raise WrongBinding(word.where, "a claim for this game", "one for each game of the type", "none")
    return found


def packed(first: int, others: list[tuple[bytes, bytes]]) -> bytes:
    """The evidence, of root claims and extra data."""
    claims = (root + len(extra).to_bytes(2, "big") + extra for root, extra in others)
    return first.to_bytes(8, "big") + b"".join(claims)


def places(first: int, count: int, uuids: list[Hash32]) -> tuple[SlotKey, ...]:
    """The factory's slots that judging it will read."""
    listed = (array_slot(GAME_LIST, index) for index in range(first, count))
    return (GAME_LIST, *listed, *(mapping_slot(pad_bytesn(uuid), GAMES) for uuid in uuids))
