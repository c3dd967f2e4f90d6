"""Asking for OP Stack roots: which games or outputs there are (hints), and what judging one of them will read.

Of the games that the factory tells of, the oldest whose block lies after the as-of time and that can be settled is
wanted, so that the block of that time can be shown exactly; where none is settled yet, the newest that is.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from verifier.claims import AccountRead
from verifier.codec import rlp
from verifier.codec.abi import array_slot, mapping_slot, offset_slot, pad_address, pad_bytesn
from verifier.crypto.keccak import keccak256
from verifier.errors import BadInput, MissingEvidence, MissingNode, NotThere, VerifierError, Where
from verifier.evm.gather import gather_calls
from verifier.flow import AskCode, AskHeader, AskHeight, AskProof, AskSaid, Flow, Unanswered, ask, ask_all
from verifier.headers.decode import Header, decode_header
from verifier.network import Network, SettledOn
from verifier.policy import Policy
from verifier.primitives import Address, BlockNumber, Hash32, SlotKey, Timestamp, slot_key
from verifier.proven import ProvenHeader
from verifier.settlement import op_fault, op_output
from verifier.settlement.collect import Candidate, Settled, first_that_stands, proxy_reads
from verifier.settlement.op_games import (
    ClaimForm,
    GameClaim,
    GameId,
    claim_of,
    game_id,
    game_type,
    output_root,
    parse_clone,
)
from verifier.settlement.op_judged import judgement
from verifier.settlement.op_rivals import MAX_SCANNED, packed, places
from verifier.settlement.reach import out_of_reach
from verifier.trie.table import NodeTable
from verifier.trie.walk import EMPTY_ROOT, walk
from verifier.trust import Settlement

PASSER: Final = Address(bytes.fromhex("4200000000000000000000000000000000000016"))
"""L2ToL1MessagePasser, the same on every chain. Source: ethereum-optimism/optimism, Predeploys.sol."""
PAGE: Final = 64
MAX_PAGES: Final = 24
MAX_TRIED: Final = 8
MAX_OUTPUTS: Final = 200
_WORDS: Final = 5


def _selector(signature: str) -> bytes:
    return keccak256(signature.encode())[:4]


COUNT: Final = _selector("gameCount()")
RESPECTED: Final = _selector("respectedGameType()")
LATEST: Final = _selector("findLatestGames(uint32,uint256,uint256)")
LATEST_OUTPUT: Final = _selector("latestOutputIndex()")
OUTPUT: Final = _selector("getL2Output(uint256)")


@dataclass(frozen=True, slots=True)
class Told:
    """A game as the factory's search tells of it."""

    index: int
    record: GameId
    root: Hash32
    extra: bytes


@dataclass(frozen=True, slots=True)
class Place:
    """What an asking half needs at every step."""

    network: Network
    settled: SettledOn
    at: ProvenHeader

    def contract(self, role: str) -> Address:
        """The address of a role on the parent. Raises MissingEvidence where none is known."""
        found = self.settled.contract(role)
        if found is None:
            raise MissingEvidence(Where(network=self.network.name), f"the address of the {role} contract on the parent")
        return found

    def said(self, role: str, data: bytes) -> AskSaid:
        """The question what a role's contract returns, as a hint."""
        return AskSaid(
            chain_id=self.at.network.chain_id,
            address=self.contract(role),
            data=data,
            block_hash=self.at.hash,
            number=self.at.number,
        )

    def implementations(self) -> tuple[Address, ...]:
        """Implementations that some role was reviewed with."""
        return tuple(pin.implementation for _, pin in self.settled.codes if pin.implementation is not None)


def place_of(network: Network, at: ProvenHeader) -> Place:
    """A rollup under its parent's header. Raises BadInput for a network that is none."""
    if not isinstance(network.rooted_by, SettledOn):
        raise BadInput("settlement", "a network that is settled on a parent", network.name)
    return Place(network, network.rooted_by, at)


# --- games -----------------------------------------------------------------------------------------------


def gather_registry(network: Network, at: ProvenHeader, as_of: Timestamp, policy: Policy) -> Flow[Settled]:
    """Evidence for a game under the registry's rules. Raises Unanswered or VerifierError where none stands."""
    return (yield from _gather(place_of(network, at), "registry", as_of, policy))


def gather_portal(network: Network, at: ProvenHeader, as_of: Timestamp, policy: Policy) -> Flow[Settled]:
    """Evidence for a game under the rules of the older generation's portal."""
    return (yield from _gather(place_of(network, at), "portal", as_of, policy))


def _gather(place: Place, judge: str, as_of: Timestamp, policy: Policy) -> Flow[Settled]:
    verify = op_fault.verify if judge == "registry" else op_fault.verify_portal
    judged = judge == "registry" and (place.at.network.chain_id, place.contract(judge)) in policy.accept_contracts
    games = yield from _told_games(place, judge, as_of)
    settled_by = place.at.timestamp - place.settled.delay
    hint: VerifierError | Unanswered | None = None
    reason: VerifierError | Unanswered | None = None

    def first(some: list[Told], *, exact: bool, posted: bool = False) -> Flow[Settled]:
        flows = (candidate_of(place, game, judged=judged, posted=posted) for game in some[:MAX_TRIED])
        return (
            yield from first_that_stands(
                place.network, place.at, policy, flows, verify, lambda header: not exact or header.timestamp > as_of
            )
        )

    after = [game for game in reversed(games) if as_of < game.record.created < settled_by]
    if after:
        try:
            return (yield from first(after, exact=True))
        except MissingNode:
            pass  # none of them is about a block after the moment
        except (VerifierError, Unanswered) as error:
            hint = error  # what came to nothing after the moment hides no game before it
    if Settlement.PROPOSED in policy.settlements:
        old_enough = [game for game in games if game.record.created <= place.at.timestamp - policy.proposed.min_age]
        later = [game for game in reversed(old_enough) if game.record.created > as_of]
        for some, exact in ((later, True), (old_enough or games, False)):
            if some:
                try:
                    return (yield from first(some, exact=exact, posted=True))
                except (VerifierError, Unanswered) as error:
                    reason = error
    newest = [game for game in games if game.record.created < settled_by] or games
    try:
        found = yield from first(newest, exact=False)
    except (VerifierError, Unanswered) as error:
        raise reason or hint or error from None
    if reason is not None and as_of - found.header.timestamp > policy.max_head_lag:
        raise reason  # what is settled is too old for this account: what failed is the proposed root
    return found


def _told_games(place: Place, judge: str, as_of: Timestamp) -> Flow[list[Told]]:
    """Games of the respected type, newest first, back to the first that was made before the as-of time."""
    answers = yield from ask_all([place.said("factory", COUNT), place.said(judge, RESPECTED)])
    numbers = [int.from_bytes(answer, "big") for answer in answers if isinstance(answer, bytes)]
    if len(numbers) != len(answers):
        raise next(answer for answer in answers if not isinstance(answer, bytes))
    count, kind = numbers
    found: list[Told] = []
    start = count - 1
    for _ in range(MAX_PAGES):
        if start < 0 or kind >> 32 or count >> 64:
            break
        page = yield from _page(place, kind, start)
        found += page
        if len(page) < PAGE or page[-1].record.created <= as_of:
            break
        start = min(page[-1].index, start) - 1
    if not found:
        where = place.at.where.at(address=place.contract("factory"))
        raise NotThere(where, f"any game of the respected type {kind}, as the endpoint says,")
    return found


def parse_games(data: bytes) -> list[Told]:
    """
    The games in the answer of the factory's search; one that is not shaped so ends the list.

    Source: DisputeGameFactory.findLatestGames: GameSearchResult(index, metadata, timestamp, rootClaim, extraData)[].
    """
    games: list[Told] = []
    for i in range(min(_number(data, 32), PAGE)):
        start = 64 + _number(data, 64 + 32 * i)
        words = data[start : start + 32 * _WORDS]
        tail = start + int.from_bytes(words[128:], "big")
        size = _number(data, tail)
        extra = data[tail + 32 : tail + 32 + size]
        if len(words) != 32 * _WORDS or len(extra) != size:
            break
        record = game_id(words[32:64])
        games.append(Told(int.from_bytes(words[:32], "big"), record, Hash32(words[96:128]), extra))
    return games


def _number(data: bytes, at: int) -> int:
    return int.from_bytes(data[at : at + 32], "big") if 0 <= at <= len(data) - 32 else 0


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
    passer = yield from _passer_root(place, header, game.root)
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
        page = yield from _page(place, game.record.game_type, start)
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


def _page(place: Place, kind: int, start: int) -> Flow[list[Told]]:
    """A page of games of one type, newest first, as the factory's search tells of them."""
    data = LATEST + b"".join(value.to_bytes(32, "big") for value in (kind, start, PAGE))
    return parse_games((yield from ask(place.said("factory", data))))


def _passer_root(place: Place, header: Header, root: Hash32) -> Flow[Hash32]:
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
        (place.contract("factory"), (mapping_slot(pad_bytesn(claim.uuid), op_fault.GAMES),)),
    ]
    game = pad_address(record.address)
    if settled.scheme == "op_portal":
        slots: tuple[SlotKey, ...] = (
            op_fault.PORTAL_FACTORY,
            op_fault.PORTAL_RESPECTED,
            mapping_slot(game, op_fault.PORTAL_BLACKLIST),
        )
        contracts.append((place.contract("portal"), slots))
        contracts.append((place.contract("superchain_config"), (op_fault.SUPERCHAIN_PAUSED,)))
    else:
        slots = (
            op_fault.REGISTRY_CONFIG,
            op_fault.REGISTRY_FACTORY,
            op_fault.REGISTRY_RETIREMENT,
            mapping_slot(game, op_fault.REGISTRY_BLACKLIST),
        )
        contracts.append((place.contract("registry"), slots))
        if settled.pins("portal"):
            contracts.append((place.contract("portal"), (op_fault.PORTAL_REGISTRY,)))
        contracts.append((place.contract("superchain_config"), tuple(_pauses(place))))
    own = [op_fault.GAME_STATE, *(slot_key(slot) for slot in kind.own_slots)]
    if claim.game_type == op_fault.AGGREGATE:
        own.append(op_fault.PROOF_COUNT)
    known = [*place.implementations(), implementation]
    return (*proxy_reads(contracts, known), AccountRead(record.address, tuple(dict.fromkeys(own))))


def _pauses(place: Place) -> Iterator[SlotKey]:
    identifiers = (Address(bytes(20)), place.contract("portal"), place.settled.contract("lockbox"))
    return (
        mapping_slot(pad_address(one), op_fault.pauses_of(place.settled.scheme))
        for one in identifiers
        if one is not None
    )


# --- outputs ---------------------------------------------------------------------------------------------


def gather_output(network: Network, at: ProvenHeader, as_of: Timestamp, policy: Policy) -> Flow[Settled]:
    """Evidence for an output of the old oracle: the oldest after the as-of time that counts, else the one before it."""
    place = place_of(network, at)
    latest = int.from_bytes((yield from ask(place.said("oracle", LATEST_OUTPUT))), "big")
    told: list[Candidate] = []
    for index in range(latest, max(-1, latest - MAX_OUTPUTS), -1):
        candidate = yield from _output(place, index)
        told.append(candidate)
        header = decode_header(candidate.rlp, network.family, Where(network=network.name))
        if header.timestamp <= as_of:
            break
    wanted = [*reversed(told[:-1]), told[-1]] if told else []
    flows = (_as_it_is(candidate) for candidate in wanted[:MAX_TRIED])
    return (yield from first_that_stands(network, at, policy, flows, op_output.verify, lambda _: True))


def _as_it_is(candidate: Candidate) -> Flow[Candidate]:
    yield from ()
    return candidate


def _output(place: Place, index: int) -> Flow[Candidate]:
    """The header of one output: its number as the oracle says."""
    told = yield from ask(place.said("oracle", OUTPUT + index.to_bytes(32, "big")))
    number = BlockNumber(_number(told, 64) & (1 << 64) - 1)
    raw = yield from ask(AskHeader(chain_id=place.network.chain_id, block=number))
    header = decode_header(raw, place.network.family, Where(network=place.network.name))
    passer = yield from _passer_root(place, header, Hash32(told[:32]))
    first = array_slot(op_output.OUTPUTS, index, 2)
    slots = (op_output.OUTPUTS, op_output.PERIOD, first, offset_slot(first, 1))
    reads = proxy_reads([(place.contract("oracle"), slots)], place.implementations())
    return Candidate(raw, (index.to_bytes(8, "big") + passer,), reads)
