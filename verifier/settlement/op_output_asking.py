"""Asking for roots of the old output oracle: which outputs there are (hints), and what judging one will read."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from verifier.codec.abi import array_slot, offset_slot
from verifier.errors import VerifierError, Where
from verifier.flow import AskHeader, Flow, Unanswered, ask, ask_all
from verifier.headers.decode import decode_header
from verifier.network import Network
from verifier.policy import Policy
from verifier.primitives import Address, BlockNumber, Hash32, SlotKey, Timestamp
from verifier.proven import ProvenHeader
from verifier.settlement import op_output
from verifier.settlement.collect import Candidate, Settled, first_that_stands, proxy_reads
from verifier.settlement.op_blocks import passer_root
from verifier.settlement.op_rules import PORTAL_ORACLE, PORTAL_SUPERCHAIN, SUPERCHAIN_PAUSED
from verifier.settlement.op_told import LATEST_OUTPUT, OUTPUT, PERIOD, SUPERCHAIN, Place, named_by, number_at, place_of
from verifier.trust import Settlement

MAX_OUTPUTS: Final = 200
PAGE: Final = 32
"""Outputs that are asked for together."""
MAX_TRIED: Final = 8


@dataclass(frozen=True, slots=True)
class _Told:
    """An output as the oracle's view tells of it."""

    index: int
    root: Hash32
    time: int
    number: BlockNumber


def gather_output(network: Network, at: ProvenHeader, as_of: Timestamp, policy: Policy) -> Flow[Settled]:
    """
    Evidence for an output of the old oracle: the oldest about a block after the as-of time, else the newest.

    Outputs in their period are passed over, unless the policy counts them or there is no other.
    """
    place = place_of(network, at)
    period = int.from_bytes((yield from ask(place.said("oracle", PERIOD))), "big")
    before = at.timestamp - max(period, place.settled.delay)
    told = yield from _told(place, min(as_of, at.timestamp if _counts_posted(policy) else before))
    counted = told if _counts_posted(policy) else [one for one in told if one.time < before] or told
    later = [one for one in reversed(counted) if one.time > as_of]

    def first(some: list[_Told], *, exact: bool) -> Flow[Settled]:
        flows = (_output(place, one) for one in some[:MAX_TRIED])
        return (
            yield from first_that_stands(
                network, at, policy, flows, op_output.verify, lambda header: not exact or header.timestamp > as_of
            )
        )

    if later:
        try:
            return (yield from first(later, exact=True))
        except (VerifierError, Unanswered):
            pass  # what comes to nothing after the moment hides no output before it
    return (yield from first(counted, exact=False))


def _counts_posted(policy: Policy) -> bool:
    return Settlement.PROPOSED in policy.settlements


def _told(place: Place, until: int) -> Flow[list[_Told]]:
    """Outputs, newest first, back to the first that was posted before a time."""
    latest = int.from_bytes((yield from ask(place.said("oracle", LATEST_OUTPUT))), "big")
    found: list[_Told] = []
    for start in range(latest, max(-1, latest - MAX_OUTPUTS), -PAGE):
        indices = range(start, max(-1, start - PAGE), -1)
        answers = yield from ask_all([place.said("oracle", OUTPUT + index.to_bytes(32, "big")) for index in indices])
        for index, told in zip(indices, answers, strict=True):
            if not isinstance(told, bytes):
                raise told
            number = BlockNumber(number_at(told, 64) & (1 << 64) - 1)
            found.append(_Told(index, Hash32(told[:32]), number_at(told, 32), number))
            if found[-1].time < until:
                return found
    return found


def _output(place: Place, told: _Told) -> Flow[Candidate]:
    """The header of one output, and the places that judging will read."""
    raw = yield from ask(AskHeader(chain_id=place.network.chain_id, block=told.number))
    header = decode_header(raw, place.network.family, Where(network=place.network.name))
    passer = yield from passer_root(place, header, told.root)
    first = array_slot(op_output.OUTPUTS, told.index, 2)
    slots = (op_output.OUTPUTS, op_output.PERIOD, first, offset_slot(first, 1))
    contracts = [(place.contract("oracle"), slots), *(yield from _portals(place))]
    reads = proxy_reads(contracts, place.implementations())
    return Candidate(raw, (told.index.to_bytes(8, "big") + passer,), reads)


def _portals(place: Place) -> Flow[list[tuple[Address, tuple[SlotKey, ...]]]]:
    """What is read of the portal, where its code is pinned."""
    if not place.settled.pins("portal"):
        return []
    portal = place.contract("portal")
    superchain = yield from named_by(place, "superchain_config", portal, SUPERCHAIN)
    return [(portal, (PORTAL_ORACLE, PORTAL_SUPERCHAIN)), (superchain, (SUPERCHAIN_PAUSED,))]
