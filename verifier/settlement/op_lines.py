"""Asking for the games that a posted game builds on: their codes, and what judging them will read (`op_parents`)."""

from __future__ import annotations

from dataclasses import dataclass

from verifier.claims import AccountRead
from verifier.codec.abi import array_slot, mapping_slot, pad_address, pad_bytesn
from verifier.errors import Where
from verifier.flow import AskHeader, Flow, ask
from verifier.headers.decode import decode_header
from verifier.primitives import Address, BlockNumber, Hash32, SlotKey, Timestamp
from verifier.settlement.op_blocks import passer_root
from verifier.settlement.op_bound import game_slots
from verifier.settlement.op_clones import parse_clone
from verifier.settlement.op_games import GAME_LIST, GAMES, GameClaim, height_of, is_timed, parent_game
from verifier.settlement.op_parents import MAX_ANCESTORS, lined_up
from verifier.settlement.op_rules import REGISTRY_BLACKLIST
from verifier.settlement.op_told import AT_INDEX, STATUS_OF, Place, Told, number_at


@dataclass(frozen=True, slots=True)
class Below:
    """
    A game's line as it was told.

    Attributes:
        open: Ancestors in progress.
        since: The time of the block, or super root, of the oldest of them; else none that matters.
    """

    evidence: bytes
    open: tuple[Address, ...]
    since: Timestamp
    reads: tuple[AccountRead, ...]


@dataclass(frozen=True, slots=True)
class _Above:
    address: Address
    claim: GameClaim
    code: bytes
    implementation: Address
    is_open: bool


def line_below(place: Place, game: Told) -> Flow[Below | None]:
    """The games that a game in progress builds on, nearest first; None for one that cannot fall with another."""
    child = GameClaim(game.record.game_type, game.root, game.extra)
    if place.settled.scheme == "op_portal" or not _parent(place, child):
        return None  # the older generation had no games that build on another
    if not (yield from _is_open(place, game.record.address)):
        return None
    found: list[_Above] = []
    factory = list[SlotKey]()
    while (named := _parent(place, child)) and len(found) < MAX_ANCESTORS:
        if len(named) == 4:
            index = int.from_bytes(named, "big")
            factory.append(array_slot(GAME_LIST, index))
            named = yield from _at(place, index)
        one = yield from _above(place, Address(named), child.game_type)
        found.append(one)
        if not one.is_open:
            break
        child = one.claim
    return (yield from _told(place, found, factory))


def _parent(place: Place, claim: GameClaim) -> bytes:
    registry, where = place.settled.contract("registry"), Where(network=place.network.name)
    return parent_game(claim.game_type, claim.extra, registry, where)


def _at(place: Place, index: int) -> Flow[bytes]:
    """The address of the game of an index."""
    told = yield from ask(place.said("factory", AT_INDEX + index.to_bytes(32, "big")))
    return told[76:96].rjust(20, b"\0")


def _is_open(place: Place, address: Address) -> Flow[bool]:
    return number_at((yield from ask(place.said_by(address, STATUS_OF))), 0) == 0


def _above(place: Place, address: Address, kind: int) -> Flow[_Above]:
    code = yield from ask(place.code_of(address))
    clone = parse_clone(code, place.at.where.at(address=address))
    extra, _ = clone.taken_apart(kind)
    is_open = yield from _is_open(place, address)
    return _Above(address, GameClaim(kind, clone.root, extra), code, clone.implementation, is_open)


def _told(place: Place, found: list[_Above], factory: list[SlotKey]) -> Flow[Below]:
    """The evidence of a line, and every place that judging it reads."""
    where = Where(network=place.network.name)
    still = [one for one in found if one.is_open]
    raw, passer, since = b"", Hash32(bytes(32)), Timestamp((1 << 64) - 1)
    if still and is_timed(still[-1].claim.game_type, where):
        since = Timestamp(height_of(still[-1].claim.game_type, still[-1].claim.extra, where))
    elif still:
        claim = still[-1].claim
        number = BlockNumber(height_of(claim.game_type, claim.extra, where) & (1 << 64) - 1)
        raw = yield from ask(AskHeader(chain_id=place.network.chain_id, block=number))
        header = decode_header(raw, place.network.family, where)
        passer, since = (yield from passer_root(place, header, claim.root)), header.timestamp
    slots = [*factory, *(mapping_slot(pad_bytesn(one.claim.uuid), GAMES) for one in found)]
    blacklist = [mapping_slot(pad_address(one.address), REGISTRY_BLACKLIST) for one in found]
    reads = [AccountRead(place.contract("factory"), tuple(slots))]
    reads.append(AccountRead(place.contract("registry"), tuple(blacklist)))
    for one in found:
        reads += [AccountRead(one.address, game_slots(one.claim.game_type, where)), AccountRead(one.implementation, ())]
    evidence = lined_up(raw, passer, [one.code for one in found])
    return Below(evidence, tuple(one.address for one in still), since, tuple(dict.fromkeys(reads)))
