"""Asking for Arbitrum roots: which blocks were confirmed or asserted (logs, as hints), and what judging them will read.

The outbox writes a log for each block that it takes, the rollup one for each assertion; going back over the parent's
blocks in windows finds the newest, or, for a past as-of time, the oldest after it. The outbox is asked first, since one
word there is enough. Assertions are asked for where there is no outbox, or where a pending one may count.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from verifier.codec.abi import mapping_slot, pad_bytesn
from verifier.crypto.keccak import keccak256
from verifier.errors import BadInput, MissingEvidence, NotSettled, NotThere, VerifierError, Where
from verifier.flow import AskHeader, AskSaid, Flow, Log, Unanswered, ask
from verifier.headers.decode import decode_header
from verifier.network import Network, SettledOn
from verifier.policy import Policy
from verifier.primitives import Address, Hash32, Timestamp
from verifier.proven import ProvenHeader
from verifier.settlement import arbitrum
from verifier.settlement.collect import Candidate, Settled, first_that_stands, proxy_reads
from verifier.settlement.logs import logs_of, named, told_headers, windows
from verifier.settlement.scheme import Verify
from verifier.trust import Settlement

SEND_ROOT_UPDATED: Final = Hash32(keccak256(b"SendRootUpdated(bytes32,bytes32)"))
"""Outbox: send root and block hash, both indexed. Source: nitro-contracts, IOutbox.sol."""
ASSERTION_CREATED: Final = Hash32(
    keccak256(
        b"AssertionCreated(bytes32,bytes32,((bytes32,bytes32,(bytes32,uint256,address,uint64,uint64)),"
        b"((bytes32[2],uint64[2]),uint8,bytes32),((bytes32[2],uint64[2]),uint8,bytes32)),bytes32,uint256,bytes32,uint256,"
        b"address,uint64)"
    )
)
"""Rollup: hash and parent's hash, both indexed. Source: nitro-contracts 3.2.0, IRollupCore.sol."""
LATEST_CONFIRMED: Final = keccak256(b"latestConfirmed()")[:4]
MAX_ASSERTIONS: Final = 256
MAX_TRIED: Final = 8


def gather_bold(network: Network, at: ProvenHeader, as_of: Timestamp, policy: Policy) -> Flow[Settled]:
    """
    Evidence for a block of a BoLD rollup: in the outbox, or of an assertion.

    Raises:
        Unanswered, VerifierError: None stands; where assertions were asked for, what the last of them lacks.
    """
    settled = _settled(network)
    proposed = Settlement.PROPOSED in policy.settlements
    confirmed: Settled | None = None
    reason: Unanswered | VerifierError | None = None
    if settled.contract("outbox") is not None:
        try:
            confirmed = yield from _by_outbox(network, at, as_of, policy, arbitrum.verify_bold)
            if not proposed or confirmed.header.timestamp > as_of:
                return confirmed
        except (Unanswered, VerifierError) as error:
            reason = error
    rollup = settled.contract("rollup")
    if rollup is None and confirmed is not None:
        return confirmed
    if rollup is None:
        raise reason or MissingEvidence(Where(network=network.name), "the address of the rollup or the outbox")
    try:
        return (yield from _by_assertion(network, rollup, at, as_of, policy))
    except (Unanswered, VerifierError) as error:
        reason = error
    if confirmed is None or as_of - confirmed.header.timestamp > policy.max_head_lag:
        raise reason
    return confirmed


def gather_classic(network: Network, at: ProvenHeader, as_of: Timestamp, policy: Policy) -> Flow[Settled]:
    """Evidence for a block in the outbox of a rollup of the older generation."""
    return (yield from _by_outbox(network, at, as_of, policy, arbitrum.verify_classic))


def _settled(network: Network) -> SettledOn:
    if not isinstance(network.rooted_by, SettledOn):
        raise BadInput("settlement", "a network that is settled on a parent", network.name)
    return network.rooted_by


# --- the outbox ------------------------------------------------------------------------------------------


def _by_outbox(network: Network, at: ProvenHeader, as_of: Timestamp, policy: Policy, verify: Verify) -> Flow[Settled]:
    settled = _settled(network)
    outbox = settled.contract("outbox")
    if outbox is None:
        raise MissingEvidence(Where(network=network.name), "the address of the outbox on the parent")
    told = yield from told_headers(network, at, outbox, SEND_ROOT_UPDATED, _confirmed_block, as_of)
    flows = (_candidate(network, settled, outbox, rlp) for rlp in told[:MAX_TRIED])
    return (yield from first_that_stands(network, at, policy, flows, verify, lambda _: True))


def _confirmed_block(log: Log) -> Hash32 | None:
    return log.topics[2] if len(log.topics) == 3 else None


def _candidate(network: Network, settled: SettledOn, outbox: Address, rlp: bytes) -> Flow[Candidate]:
    """The outbox route of one header: its send root is the only key."""
    yield from ()
    header = decode_header(rlp, network.family, Where(network=network.name))
    slot = mapping_slot(pad_bytesn(header.extra_data[:32] or bytes(32)), arbitrum.OUTBOX_ROOTS)
    return Candidate(rlp, (b"",), proxy_reads([(outbox, (slot,))], _implementations(settled)))


# --- assertions ------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Told:
    """An assertion as the rollup's log tells of it."""

    hash: Hash32
    parent: Hash32
    state: bytes
    accumulator: bytes

    @property
    def link(self) -> bytes:
        """What its hash is made of."""
        return self.parent + keccak256(self.state) + self.accumulator


def parse_assertion(log: Log) -> Told | None:
    """
    An assertion out of its log; None for one of another shape, or whose parts do not make its hash.

    Source: nitro-contracts, IRollupCore.AssertionCreated and AssertionInputs: seven words about the state before the
    parent, six of the state before, six of the state after, then the inbox accumulator.
    """
    if len(log.topics) != 3 or len(log.data) < 20 * 32:
        return None
    told = Told(log.topics[1], log.topics[2], log.data[13 * 32 : 19 * 32], log.data[19 * 32 : 20 * 32])
    return told if keccak256(told.link) == told.hash else None


def _by_assertion(
    network: Network, rollup: Address, at: ProvenHeader, as_of: Timestamp, policy: Policy
) -> Flow[Settled]:
    """The oldest assertion after the as-of time, and before it the newest, of those that stand and count."""
    settled = _settled(network)
    told = yield from _assertions(at, rollup)
    if not told:
        raise NotThere(at.where.at(address=rollup), "any assertion, as the endpoint's logs say,")
    question = AskSaid(
        chain_id=at.network.chain_id, address=rollup, data=LATEST_CONFIRMED, block_hash=at.hash, number=at.number
    )
    confirmed = Hash32((yield from ask(question))[:32].ljust(32, b"\0"))
    later: list[Flow[Candidate]] = []
    earlier: list[Flow[Candidate]] = []
    for one in told.values():
        block = Hash32(one.state[:32])
        try:
            rlp = yield from ask(AskHeader(chain_id=network.chain_id, block=block, judge=named(block)))
        except Unanswered:
            continue  # asserted blocks that the rollup's endpoints do not know
        time = decode_header(rlp, network.family, Where(network=network.name)).timestamp
        if Settlement.PROPOSED in policy.settlements and time > at.timestamp - policy.proposed.min_age:
            continue  # an assertion is younger than its block
        candidate = _asserted(settled, rollup, one, _above(one, told, confirmed), rlp)
        if time > as_of:
            later.insert(0, candidate)
        else:
            earlier.append(candidate)
        if len(earlier) == MAX_TRIED:
            break
    flows = [*later[:MAX_TRIED], *earlier]
    if not flows:
        where, expected = at.where.at(address=rollup), f"at least {policy.proposed.min_age} s"
        raise NotSettled(where, "a proposed root: its age", expected, "every assertion is younger")
    return (yield from first_that_stands(network, at, policy, flows, arbitrum.verify_bold, lambda _: True))


def _assertions(at: ProvenHeader, rollup: Address) -> Flow[dict[Hash32, Told]]:
    """Assertions by hash, the newest first, going back until there are enough to try."""
    found: dict[Hash32, Told] = {}
    for first, last in windows(at):
        for log in (yield from logs_of(at, rollup, ASSERTION_CREATED, first, last)):
            one = parse_assertion(log)
            if one is not None:
                found.setdefault(one.hash, one)
        if len(found) > MAX_ASSERTIONS:
            break
    return found


def _asserted(settled: SettledOn, rollup: Address, one: Told, above: Sequence[Told], rlp: bytes) -> Flow[Candidate]:
    """The assertion route of one header, with its pending ancestors."""
    yield from ()
    hashes = dict.fromkeys([one.hash, one.parent, *(told.hash for told in above), *(told.parent for told in above)])
    slots = [mapping_slot(pad_bytesn(found), arbitrum.ASSERTIONS) for found in hashes]
    slots.append(arbitrum.SECONDARY_IMPLEMENTATION)
    preimage = one.parent + one.state + one.accumulator + b"".join(told.link for told in above)
    return Candidate(rlp, (preimage,), proxy_reads([(rollup, slots)], _implementations(settled)))


def _above(one: Told, told: Mapping[Hash32, Told], confirmed: Hash32) -> list[Told]:
    """The pending ancestors of an assertion, nearest first; none where they do not lead to the confirmed one."""
    found: list[Told] = []
    parent = one.parent
    while parent != confirmed and len(found) < arbitrum.MAX_ANCESTORS:
        above = told.get(parent)
        if above is None:
            return []
        found.append(above)
        parent = above.parent
    return found if parent == confirmed else []


def _implementations(settled: SettledOn) -> list[Address]:
    return [pin.implementation for _, pin in settled.codes if pin.implementation is not None]
