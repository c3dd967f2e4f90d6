"""A dispute game as a candidate: the header that it is about, its code, and every place that judging it will read."""

from __future__ import annotations

from collections.abc import Container, Sequence

from verifier.claims import AccountRead
from verifier.codec.abi import mapping_slot, pad_address, pad_bytesn
from verifier.errors import Where
from verifier.evm.gather import gather_calls
from verifier.flow import AskHeader, Flow, ask
from verifier.headers.decode import Header, decode_header
from verifier.primitives import Address, SlotKey, Timestamp
from verifier.settlement import op_rules
from verifier.settlement.collect import Candidate, proxy_reads
from verifier.settlement.op_blocks import block_of, passer_root
from verifier.settlement.op_bound import game_slots
from verifier.settlement.op_clones import parse_clone
from verifier.settlement.op_games import GAMES, GameClaim, GameId, claim_of
from verifier.settlement.op_judged import judgement
from verifier.settlement.op_lines import line_below
from verifier.settlement.op_rivals import MAX_SCANNED, packed, places
from verifier.settlement.op_told import COUNT, PAGE, SUPERCHAIN, SYSTEM_CONFIG, Place, Told, named_by, page_of


def candidate_of(place: Place, game: Told, *, judged: bool, posted: bool = False) -> Flow[Candidate]:
    """
    The header that a game is about, the game's code, and the places that judging will read.

    Args:
        judged: Also what the registry's own judgement runs over.
        posted: Also what other games there are of its time, and which it builds on, for a root that is to count as
            proposed.
    """
    number = yield from block_of(place, game)
    raw = yield from ask(AskHeader(chain_id=place.network.chain_id, block=number))
    header = decode_header(raw, place.network.family, Where(network=place.network.name))
    code = yield from ask(place.code_of(game.record.address))
    kind = game.record.game_type
    passer = yield from passer_root(place, header, game.root)
    claim = claim_of(kind, header, place.network.chain_id, passer, game.extra, Where(network=place.network.name))
    implementation = parse_clone(code, place.at.where.at(address=game.record.address)).implementation
    reads = yield from _reads(place, claim, game.record, implementation)
    preimages: tuple[bytes, ...] = (kind.to_bytes(4, "big") + passer, game.extra, code)
    if posted:
        more, seen = yield from _beside(place, game, header)
        preimages, reads = (preimages[0] + more[0], *preimages[1:], *more[1:]), (*reads, *seen)
    if not judged:
        return Candidate(raw, preimages, reads)
    call = judgement(place.contract("registry"), game.record.address)
    gathered = yield from gather_calls(place.at, [call], likely=reads)
    for reason in gathered.failed.values():
        raise reason
    return Candidate(raw, (*preimages, *sorted(gathered.codes)), reads, gathered.nodes)


def _beside(place: Place, game: Told, header: Header) -> Flow[tuple[list[bytes], tuple[AccountRead, ...]]]:
    """The other games of a posted game's time; then, where it builds on one, those of its line; and their places."""
    line = yield from line_below(place, game)
    since = header.timestamp if line is None else min(header.timestamp, line.since)
    ours = {game.record.address} if line is None else {game.record.address, *line.open}
    others, read = yield from _others(place, game.record.game_type, since, ours)
    if line is None or not others:
        return [others], read
    return [others, line.evidence], (*read, *line.reads)


def _others(
    place: Place, kind: int, since: Timestamp, ours: Container[Address]
) -> Flow[tuple[bytes, tuple[AccountRead, ...]]]:
    """The games of a type since a time as the factory tells of them; nothing where there are too many to show."""
    count = int.from_bytes((yield from ask(place.said("factory", COUNT))), "big")
    found: list[Told] = []
    start = count - 1
    while start >= max(0, count - MAX_SCANNED):
        page = yield from page_of(place, kind, start)
        found += page
        if len(page) < PAGE or page[-1].record.created < since:
            break
        start = min(page[-1].index, start) - 1
    before = [one.index for one in found if one.record.created < since]
    first = max(before, default=0)
    if not 0 <= count - first <= MAX_SCANNED:
        return b"", ()
    others = [one for one in reversed(found) if one.index >= first and one.record.address not in ours]
    uuids = [GameClaim(kind, one.root, one.extra).uuid for one in others]
    read = AccountRead(place.contract("factory"), places(first, count, uuids))
    return packed(first, [(one.root, one.extra) for one in others]), (read,)


def _reads(place: Place, claim: GameClaim, record: GameId, implementation: Address) -> Flow[tuple[AccountRead, ...]]:
    """Every place that the rules read, so that one round of questions is enough."""
    filed = (mapping_slot(pad_bytesn(claim.uuid), GAMES),)
    game = pad_address(record.address)
    judges = yield from (_portals if place.settled.scheme == "op_portal" else _registrys)(place, game)
    known = [*place.implementations(), implementation]
    own = game_slots(claim.game_type, Where(network=place.network.name))
    return (*proxy_reads([(place.contract("factory"), filed), *judges], known), AccountRead(record.address, own))


_Judges = list[tuple[Address, Sequence[SlotKey]]]


def _portals(place: Place, game: bytes) -> Flow[_Judges]:
    """What the older generation's rules read."""
    slots = (
        op_rules.PORTAL_FACTORY,
        op_rules.PORTAL_RESPECTED,
        op_rules.PORTAL_SUPERCHAIN,
        mapping_slot(game, op_rules.PORTAL_BLACKLIST),
    )
    portal = place.contract("portal")
    superchain = yield from named_by(place, "superchain_config", portal, SUPERCHAIN)
    return [(portal, slots), (superchain, (op_rules.SUPERCHAIN_PAUSED,))]


def _registrys(place: Place, game: bytes) -> Flow[_Judges]:
    """What the registry's rules read; the contracts that no entry names are asked for, as hints."""
    slots = (
        op_rules.REGISTRY_CONFIG,
        op_rules.REGISTRY_FACTORY,
        op_rules.REGISTRY_RETIREMENT,
        mapping_slot(game, op_rules.REGISTRY_BLACKLIST),
    )
    registry, portal = place.contract("registry"), place.contract("portal")
    config = yield from named_by(place, "system_config", registry, SYSTEM_CONFIG)
    superchain = yield from named_by(place, "superchain_config", config, SUPERCHAIN)
    lockbox = place.settled.contract("lockbox")
    base = op_rules.pauses_of(place.settled.scheme)
    identifiers = [Address(bytes(20)), portal, *([] if lockbox is None else [lockbox])]
    judges: _Judges = [(registry, slots), (config, (op_rules.CONFIG_SUPERCHAIN, op_rules.CONFIG_LOCKBOX))]
    judges.append((superchain, tuple(mapping_slot(pad_address(one), base) for one in identifiers)))
    return [*judges, (portal, (op_rules.PORTAL_REGISTRY,))] if place.settled.pins("portal") else judges
