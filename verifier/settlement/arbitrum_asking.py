"""Asking for Arbitrum roots: which blocks were confirmed (logs, as hints), and what judging them will read.

The outbox writes a log for each block that it takes; going back over the parent's blocks in windows finds the newest,
or, for a past as-of time, the oldest after it.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from verifier.codec.abi import mapping_slot, pad_bytesn
from verifier.crypto.keccak import keccak256
from verifier.errors import BadInput, MissingEvidence, NotThere, Where, WrongHash
from verifier.flow import AskHeader, AskLogs, Flow, Log, ask
from verifier.headers.decode import decode_header
from verifier.network import Network, SettledOn
from verifier.policy import Policy
from verifier.primitives import Address, BlockNumber, Hash32, Timestamp
from verifier.proven import ProvenHeader
from verifier.settlement import arbitrum
from verifier.settlement.collect import Candidate, Settled, first_that_stands, proxy_reads
from verifier.settlement.scheme import Verify

SEND_ROOT_UPDATED: Final = Hash32(keccak256(b"SendRootUpdated(bytes32,bytes32)"))
"""Outbox: send root and block hash, both indexed. Source: nitro-contracts, IOutbox.sol."""
WINDOW: Final = 5_000
"""Blocks of the parent in one question; endpoints refuse more at different lengths."""
MAX_WINDOWS: Final = 24
MAX_TRIED: Final = 8


def gather_bold(network: Network, at: ProvenHeader, as_of: Timestamp, policy: Policy) -> Flow[Settled]:
    """Evidence for a block in the outbox of a BoLD rollup. Raises Unanswered or VerifierError where none stands."""
    return (yield from _gather(network, at, as_of, policy, arbitrum.verify_bold))


def gather_classic(network: Network, at: ProvenHeader, as_of: Timestamp, policy: Policy) -> Flow[Settled]:
    """Evidence for a block in the outbox of a rollup of the older generation."""
    return (yield from _gather(network, at, as_of, policy, arbitrum.verify_classic))


def _gather(network: Network, at: ProvenHeader, as_of: Timestamp, policy: Policy, verify: Verify) -> Flow[Settled]:
    settled = network.rooted_by
    if not isinstance(settled, SettledOn):
        raise BadInput("settlement", "a network that is settled on a parent", network.name)
    outbox = settled.contract("outbox")
    if outbox is None:
        raise MissingEvidence(Where(network=network.name), "the address of the outbox on the parent")
    told = yield from _told(network, at, outbox, as_of)
    flows = (_candidate(network, settled, outbox, rlp) for rlp in told[:MAX_TRIED])
    return (yield from first_that_stands(network, at, policy, flows, verify, lambda _: True))


def _told(network: Network, at: ProvenHeader, outbox: Address, as_of: Timestamp) -> Flow[list[bytes]]:
    """Headers that the outbox's logs name: those after the as-of time, the oldest first, then the newest before it."""
    where = Where(network=network.name)
    after: list[bytes] = []
    last = int(at.number)
    for _ in range(MAX_WINDOWS):
        first = max(0, last - WINDOW + 1)
        question = AskLogs(
            chain_id=at.network.chain_id,
            address=outbox,
            topic=SEND_ROOT_UPDATED,
            first=BlockNumber(first),
            last=BlockNumber(last),
        )
        logs: tuple[Log, ...] = yield from ask(question)
        for log in reversed(logs):
            if len(log.topics) != 3:
                continue
            rlp = yield from ask(AskHeader(chain_id=network.chain_id, block=log.topics[2], judge=_named(log.topics[2])))
            if decode_header(rlp, network.family, where).timestamp <= as_of:
                return [*reversed(after), rlp]
            after.append(rlp)
        if first == 0:
            break
        last = first - 1
    if not after:
        raise NotThere(at.where.at(address=outbox), "any confirmed block, as the endpoint's logs say,")
    return list(reversed(after))


def _named(wanted: Hash32) -> Callable[[bytes], None]:
    def judge(rlp: bytes) -> None:
        found = keccak256(rlp)
        if found != wanted:
            raise WrongHash(Where(network="logs"), "the header that the outbox's log names", wanted, found)

    return judge


def _candidate(network: Network, settled: SettledOn, outbox: Address, rlp: bytes) -> Flow[Candidate]:
    """The outbox route of one header: its send root is the only key."""
    yield from ()
    header = decode_header(rlp, network.family, Where(network=network.name))
    slot = mapping_slot(pad_bytesn(header.extra_data[:32] or bytes(32)), arbitrum.OUTBOX_ROOTS)
    known = [pin.implementation for _, pin in settled.codes if pin.implementation is not None]
    return Candidate(rlp, (b"",), proxy_reads([(outbox, (slot,))], known))
