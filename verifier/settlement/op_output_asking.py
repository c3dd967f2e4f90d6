"""Asking for roots of the old output oracle: which outputs there are (hints), and what judging one will read."""

from __future__ import annotations

from typing import Final

from verifier.codec.abi import array_slot, offset_slot
from verifier.errors import Where
from verifier.flow import AskHeader, Flow, ask
from verifier.headers.decode import decode_header
from verifier.network import Network
from verifier.policy import Policy
from verifier.primitives import BlockNumber, Hash32, Timestamp
from verifier.proven import ProvenHeader
from verifier.settlement import op_output
from verifier.settlement.collect import Candidate, Settled, first_that_stands, proxy_reads
from verifier.settlement.op_blocks import passer_root
from verifier.settlement.op_told import LATEST_OUTPUT, OUTPUT, Place, number_at, place_of

MAX_OUTPUTS: Final = 200
MAX_TRIED: Final = 8


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
    number = BlockNumber(number_at(told, 64) & (1 << 64) - 1)
    raw = yield from ask(AskHeader(chain_id=place.network.chain_id, block=number))
    header = decode_header(raw, place.network.family, Where(network=place.network.name))
    passer = yield from passer_root(place, header, Hash32(told[:32]))
    first = array_slot(op_output.OUTPUTS, index, 2)
    slots = (op_output.OUTPUTS, op_output.PERIOD, first, offset_slot(first, 1))
    reads = proxy_reads([(place.contract("oracle"), slots)], place.implementations())
    return Candidate(raw, (index.to_bytes(8, "big") + passer,), reads)
