"""A dispute game as a candidate: the header that it is about, its code, and every place that judging it will read."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

from verifier.claims import AccountRead
from verifier.codec import rlp
from verifier.codec.abi import mapping_slot, pad_address, pad_bytesn
from verifier.crypto.keccak import keccak256
from verifier.errors import BadInput, Where
from verifier.evm.gather import gather_calls
from verifier.flow import AskCode, AskHeader, AskHeight, AskProof, Flow, Unanswered, ask
from verifier.headers.decode import Header, decode_header
from verifier.primitives import Address, BlockNumber, Hash32, SlotKey, slot_key
from verifier.settlement import op_rules
from verifier.settlement.collect import Candidate, proxy_reads
from verifier.settlement.op_bound import AGGREGATE, GAME_STATE, PROOF_COUNT
from verifier.settlement.op_clones import parse_clone
from verifier.settlement.op_games import GAMES, ClaimForm, GameClaim, GameId, claim_of, game_type, output_root
from verifier.settlement.op_judged import judgement
from verifier.settlement.op_rivals import MAX_SCANNED, packed, places
from verifier.settlement.op_told import COUNT, PAGE, Place, Told, page_of
from verifier.settlement.reach import out_of_reach
from verifier.trie.table import NodeTable
from verifier.trie.walk import EMPTY_ROOT, walk

PASSER: Final = Address(bytes.fromhex("4200000000000000000000000000000000000016"))
"""L2ToL1MessagePasser, the same on every chain. Source: ethereum-optimism/optimism, Predeploys.sol."""


def candidate_of(place: Place, game: Told, *, judged: bool, posted: bool = False) -> Flow[Candidate]:
    """
    The header that a game is about, the game's code, and the places that judging will read.

    Args:
        judged: Also what the registry's own judgement runs over.
        posted: Also what other games there are of its time, for a root that is to count as proposed.
    """
    number = yield from _block_of(place, game)
    question = AskHeader(chain_id=place.network.chain_id, block=number)
    raw = yield from ask(question)
    header = decode_header(raw, place.network.family, Where(network=place.network.name))
    code = yield from ask(
        AskCode(
            chain_id=place.at.network.chain_id,
            address=game.record.address,
            block_hash=place.at.hash,
            number=place.at.number,
        )
    )
    kind = game.record.game_type
    passer = yield from passer_root(place, header, game.root)
    claim = claim_of(kind, header, place.network.chain_id, passer, game.extra, Where(network=place.network.name))
    implementation = parse_clone(code, place.at.where.at(address=game.record.address)).implementation
    others, more = (yield from _others(place, game, header)) if posted else (b"", ())
    preimages = (kind.to_bytes(4, "big") + passer + others, game.extra, code)
    reads = (*_reads(place, claim, game.record, implementation), *more)
    if not judged:
        return Candidate(raw, preimages, reads)
    gathered = yield from gather_calls(place.at, [judgement(place.contract("registry"), game.record.address)])
    for reason in gathered.failed.values():
        raise reason
    return Candidate(raw, (*preimages, *sorted(gathered.codes)), reads, gathered.nodes)


def _others(place: Place, game: Told, header: Header) -> Flow[tuple[bytes, tuple[AccountRead, ...]]]:
    """The other games of a game's time as the factory tells of them; nothing where there are too many to show."""
    count = int.from_bytes((yield from ask(place.said("factory", COUNT))), "big")
    found: list[Told] = []
    start = count - 1
    while start >= max(0, count - MAX_SCANNED):
        page = yield from page_of(place, game.record.game_type, start)
        found += page
        if len(page) < PAGE or page[-1].record.created < header.timestamp:
            break
        start = min(page[-1].index, start) - 1
    before = [one.index for one in found if one.record.created < header.timestamp]
    first = max(before, default=0)
    if not 0 <= count - first <= MAX_SCANNED:
        return b"", ()
    others = [one for one in reversed(found) if one.index >= first and one.record.address != game.record.address]
    uuids = [GameClaim(game.record.game_type, one.root, one.extra).uuid for one in others]
    read = AccountRead(place.contract("factory"), places(first, count, uuids))
    return packed(first, [(one.root, one.extra) for one in others]), (read,)


def passer_root(place: Place, header: Header, root: Hash32) -> Flow[Hash32]:
    """
    The message passer's storage root at a block: the header's own field since Isthmus, else out of the rollup's state.

    It is a preimage only: whichever value makes the claim's hash, the claim commits to the header by it.
    """
    told = header.withdrawals_root
    if told is not None and (output_root(header, told) == root or told != EMPTY_ROOT):
        return told
    question = AskProof(
        chain_id=place.network.chain_id,
        address=PASSER,
        slots=(),
        block_hash=header.hash,
        number=header.number,
        deep=True,
    )
    try:
        nodes = yield from ask(question)
    except Unanswered as error:
        raise (yield from out_of_reach(place.network, header, error)) from None
    table = NodeTable.from_hashed((keccak256(node), node) for node in nodes)
    leaf = walk(header.state_root, keccak256(PASSER), table, Where(network=place.network.name, address=PASSER))
    return _storage_root(leaf, place) if isinstance(leaf, bytes) else EMPTY_ROOT


def _storage_root(leaf: bytes, place: Place) -> Hash32:
    """The storage root in an account's leaf."""
    items = rlp.decode_list(leaf, Where(network=place.network.name, address=PASSER))
    found = items[2] if len(items) > 2 else b""
    if not isinstance(found, bytes) or len(found) != 32:
        raise BadInput("account of the message passer", "a storage root", leaf)
    return Hash32(found)


def _block_of(place: Place, game: Told) -> Flow[BlockNumber]:
    """The rollup's block that a game is about: by its number, or for super games by its time."""
    form = game_type(game.record.game_type, Where(network=place.network.name)).form
    if form not in {ClaimForm.SUPER, ClaimForm.SUPER_AND_INDEX}:
        return BlockNumber(int.from_bytes(game.extra[:32], "big") & (1 << 64) - 1)
    preimage = game.extra[4:] if form is ClaimForm.SUPER_AND_INDEX else game.extra
    time = int.from_bytes(preimage[1:9], "big")
    height = yield from ask(AskHeight(chain_id=place.network.chain_id))
    head = yield from _hinted(place, height)
    behind = max(0, head.timestamp - time)
    return BlockNumber(max(0, int(head.number) - -(-behind // place.network.block_time)))


def _hinted(place: Place, number: BlockNumber) -> Flow[Header]:
    raw = yield from ask(AskHeader(chain_id=place.network.chain_id, block=number))
    return decode_header(raw, place.network.family, Where(network=place.network.name))


def _reads(place: Place, claim: GameClaim, record: GameId, implementation: Address) -> tuple[AccountRead, ...]:
    """Every place that either generation's rules read, so that one round of questions is enough."""
    kind = game_type(claim.game_type, Where(network=place.network.name))
    settled = place.settled
    contracts: list[tuple[Address, Sequence[SlotKey]]] = [
        (place.contract("factory"), (mapping_slot(pad_bytesn(claim.uuid), GAMES),)),
    ]
    game = pad_address(record.address)
    if settled.scheme == "op_portal":
        slots: tuple[SlotKey, ...] = (
            op_rules.PORTAL_FACTORY,
            op_rules.PORTAL_RESPECTED,
            mapping_slot(game, op_rules.PORTAL_BLACKLIST),
        )
        contracts.append((place.contract("portal"), slots))
        contracts.append((place.contract("superchain_config"), (op_rules.SUPERCHAIN_PAUSED,)))
    else:
        slots = (
            op_rules.REGISTRY_CONFIG,
            op_rules.REGISTRY_FACTORY,
            op_rules.REGISTRY_RETIREMENT,
            mapping_slot(game, op_rules.REGISTRY_BLACKLIST),
        )
        contracts.append((place.contract("registry"), slots))
        if settled.pins("portal"):
            contracts.append((place.contract("portal"), (op_rules.PORTAL_REGISTRY,)))
        contracts.append((place.contract("superchain_config"), tuple(_pauses(place))))
    own = [GAME_STATE, *(slot_key(slot) for slot in kind.own_slots)]
    if claim.game_type == AGGREGATE:
        own.append(PROOF_COUNT)
    known = [*place.implementations(), implementation]
    return (*proxy_reads(contracts, known), AccountRead(record.address, tuple(dict.fromkeys(own))))


def _pauses(place: Place) -> Iterator[SlotKey]:
    identifiers = (Address(bytes(20)), place.contract("portal"), place.settled.contract("lockbox"))
    return (
        mapping_slot(pad_address(one), op_rules.pauses_of(place.settled.scheme))
        for one in identifiers
        if one is not None
    )
