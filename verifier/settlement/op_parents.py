"""Whether the games that a posted game builds on stand: a false one takes all that build on it with it.

A game may begin where another one ended. While it is in progress it loses where that one loses, whatever is said of its
own claim; and whoever is honest moves against the first false game of a line, so that nothing of it shows in those
above. So each ancestor is judged by the game's own rules, up to one that resolved for the defender, or that begins at
the anchor itself. One that is blacklisted or retired, or whose type was not respected, ends the line.

An ancestor is known by its code, which its account's hash fixes: the arguments in it say claim and extra data, and the
factory's record under their hash has to hold this very game. Rivals are looked for at each height of the line, so the
factory's list is read from before the *oldest* open ancestor's block, whose header its claim commits to.

The evidence: length of that header (2 bytes; 0 where there is none), its RLP and the message passer's storage root
(32); then each ancestor's code, nearest first, after its length (2 bytes).

Source: OPSuccinctFaultDisputeGame.sol, ZKDisputeGame.sol, AggregateVerifier.sol: initialize, resolve and what they ask
of a parent.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from verifier.codec.abi import array_slot
from verifier.errors import BadInput, MissingEvidence, WrongBinding, WrongHash
from verifier.headers.decode import Header, decode_header
from verifier.primitives import Address, Timestamp, to_hex
from verifier.settlement.op_bound import Game, bases, disputes, filed_game, open_points
from verifier.settlement.op_clones import parse_clone
from verifier.settlement.op_games import (
    GAME_LIST,
    GameClaim,
    game_id,
    height_of,
    is_timed,
    output_root,
    parent_game,
)
from verifier.settlement.op_rules import REGISTRY_BLACKLIST, not_blacklisted, not_retired, was_respected
from verifier.settlement.scheme import Case

MAX_ANCESTORS: Final = 64


@dataclass(frozen=True, slots=True)
class Line:
    """
    The games that a game builds on, as far as they are open.

    Attributes:
        games: The game itself, then its ancestors in progress, nearest first.
        since: A time before which no game could contradict any of them.
        against: Signs that someone contradicts an ancestor.
        whole: Whether it leads to a game that resolved for the defender, or to the anchor.
        reviewed: Whether the code of all ancestors is reviewed.
    """

    games: tuple[Game, ...]
    since: Timestamp
    against: tuple[str, ...]
    whole: bool
    reviewed: bool


def builds_on(case: Case, game: Game) -> bool:
    """Whether a game can still fall with another one: it is in progress, and does not begin at the anchor itself."""
    return game.is_open and bool(_parent(case, game))


def line_of(case: Case, header: Header, game: Game, registry: Address, evidence: bytes) -> Line:
    """
    Establish the line of a game.

    Args:
        header: That of the game's own block.
        evidence: Untrusted; see the module.

    Raises:
        NotSettled: An ancestor lost, is blacklisted or retired, or its type was not respected.
        MissingEvidence: The header of the oldest open ancestor's block is not among the evidence.
        BadInput: There are more ancestors than the line has, or than are looked at.
        WrongBinding, WrongHash, NotThere, UnreviewedCode, Denied, Malformed, ProofError: As a game's own binding
            raises them.
    """
    first, passer, codes = _taken_apart(evidence)
    games, against, reviewed, whole = [game], list[str](), True, False
    for i, code in enumerate(codes):
        above, known = _ancestor(case, games[-1], code)
        reviewed &= known
        against += _standing(case, registry, above)
        if above.is_open:
            games.append(above)
        whole = not builds_on(case, above)
        if whole and i + 1 < len(codes):
            raise BadInput("the games that a game builds on", f"{i + 1}", len(codes))
    if not whole:
        return Line((game,), header.timestamp, tuple(against), whole, reviewed)
    since = _since(case, games[-1], first, passer) if len(games) > 1 else _no_header(first, header.timestamp)
    return Line(tuple(games), min(header.timestamp, since), tuple(against), whole, reviewed)


def _taken_apart(evidence: bytes) -> tuple[bytes, bytes, Sequence[bytes]]:
    """Header, message passer's storage root, codes."""
    size = int.from_bytes(evidence[:2], "big")
    at = 2 + size + (32 if size else 0)
    header, passer = evidence[2 : 2 + size], evidence[2 + size : at]
    codes = list[bytes]()
    while at < len(evidence):
        end = at + 2 + int.from_bytes(evidence[at : at + 2], "big")
        if end > len(evidence) or len(codes) == MAX_ANCESTORS:
            raise BadInput("the games that a game builds on", f"whole codes, {MAX_ANCESTORS} at most", evidence[at:])
        codes.append(evidence[at + 2 : end])
        at = end
    return header, passer, codes


def _no_header(raw: bytes, time: Timestamp) -> Timestamp:
    """A time that needs no header. Raises BadInput where there is one."""
    if raw:
        raise BadInput("the header of the oldest game's block", "none, since nothing is read from it", raw)
    return time


def _parent(case: Case, game: Game) -> bytes:
    return parent_game(game.claim.game_type, game.claim.extra, case.settled.contract("registry"), case.where)


def _ancestor(case: Case, child: Game, code: bytes) -> tuple[Game, bool]:
    """The game that a game begins from, filed by the factory under what its own code says."""
    named = _parent(case, child)
    if len(named) == 4:
        word = case.parent.word(case.contract("factory"), array_slot(GAME_LIST, int.from_bytes(named, "big")))
        listed = game_id(word.word)
        if listed.game_type != child.claim.game_type:
            raise WrongBinding(word.where, "the type of the game it builds on", child.claim.game_type, listed.game_type)
        named = listed.address
    where = case.parent.account(Address(named)).where
    clone = parse_clone(code, where)
    extra, _ = clone.taken_apart(child.claim.game_type)
    found, reviewed = filed_game(case, GameClaim(child.claim.game_type, clone.root, extra), code)
    if found.record.address != named:
        raise WrongBinding(found.word.where, "the game it builds on", to_hex(named), found.record.address)
    return found, reviewed


def _standing(case: Case, registry: Address, game: Game) -> tuple[str, ...]:
    """What speaks against an ancestor. Raises NotSettled where it can carry nothing any more."""
    not_blacklisted(case, registry, REGISTRY_BLACKLIST, game.record.address)
    not_retired(case, registry, game)
    was_respected(case, game)
    open_points(case, game)
    if not game.is_open:
        return ()
    bases(case, game)
    return tuple(f"game {to_hex(game.record.address)}, on which it builds: {one}" for one in disputes(case, game))


def _since(case: Case, oldest: Game, raw: bytes, passer: bytes) -> Timestamp:
    """The time of the oldest game's block, or of its super root."""
    claim = oldest.claim
    if is_timed(claim.game_type, case.where):
        return _no_header(raw, Timestamp(height_of(claim.game_type, claim.extra, case.where)))
    if not raw:
        raise MissingEvidence(case.where, f"the header of the block of game {to_hex(oldest.record.address)}")
    header = decode_header(raw, case.network.family, case.where)
    root = output_root(header, passer)
    if root != claim.root:
        raise WrongHash(case.where, "the output root of the oldest game's block", claim.root, root)
    return header.timestamp


def lined_up(header: bytes, passer: bytes, codes: Sequence[bytes]) -> bytes:
    """The evidence."""
    first = len(header).to_bytes(2, "big") + header + (passer if header else b"")
    return first + b"".join(len(code).to_bytes(2, "big") + code for code in codes)
