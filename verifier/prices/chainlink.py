"""Chainlink: from the proxy to its aggregator to the latest round, by the three storage layouts that feeds have.

    proxy       slot 2: phase (16 bits), then the aggregator's address
    flux        slot 7: latest round at byte 4; rounds at 9: answer, then start, update and answered-in round
    ocr1        slot 43: latest round at byte 22; transmissions at 44: answer (192 bits), time
    ocr2        slot 11: latest round at byte 6; transmissions at 12: answer (192 bits), observed, transmitted

An answer is signed. The digits it counts in and the bounds at which the aggregator stops following the market stand in
its code, so they are part of the question; with a judge the feed's own functions are asked for them beside it.

Source: @chainlink/contracts 0.0.12 v0.6 EACAggregatorProxy.sol, FluxAggregator.sol; smartcontractkit/libocr
contract/OffchainAggregator.sol, contract2/OCR2Aggregator.sol.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from verifier.assets.reader import Reader
from verifier.claims import PriceClaim
from verifier.codec.abi import field, mapping_slot, offset_slot, pad_uint
from verifier.errors import BadPrice
from verifier.positions import Given
from verifier.prices.judges import check_feed, is_judged
from verifier.prices.quote import Observed, scaled
from verifier.prices.sequencer import STATE, Sequencer, check_up, sequencer_of
from verifier.primitives import Address, slot_key, timestamp
from verifier.proven import ProvenWord

PROXY: Final = 2
LAYOUTS: Final = {"flux": (7, 32, 9), "ocr1": (43, 176, 44), "ocr2": (11, 48, 12)}
"""Slot of the latest round, its lowest bit there, and the slot of the rounds."""
WIDEST: Final = 2**191 - 1


@dataclass(frozen=True, slots=True)
class Parameters:
    """`layout`; `decimals` of the answer; `least`, `most`: the aggregator's own bounds; `proxied`: behind a proxy;
    `hint`; on a rollup, the `sequencer` that must be up; `judged`: by the feed's own functions too.
    """

    layout: str
    decimals: int
    least: int
    most: int
    proxied: bool
    hint: Address | None
    sequencer: Sequencer | None
    judged: bool


def parse(given: Given, contract: Address) -> Parameters:
    """A feed. `aggregator` is where the proxy is expected to point: asked at once, and followed wherever it does
    point.
    """
    layout = given.word("layout", tuple(LAYOUTS))
    proxied = given.word("proxy", ("yes", "no"), "yes") == "yes"
    bounds = given.uint("least", 0, most=WIDEST), given.uint("most", WIDEST, most=WIDEST)
    hint: Address | None = given.address("aggregator", contract)
    hint = None if hint == contract else hint
    sequencer, judged = sequencer_of(given), is_judged(given)
    return Parameters(layout, given.uint("decimals", most=36), *bounds, proxied, hint, sequencer, judged)


def read(of: Parameters, claim: PriceClaim, reader: Reader) -> Observed:
    """
    The latest answer and when it was made.

    Raises:
        BadPrice: There is no answer, it is not above zero, it stands at a bound, or its round was not answered; or the
            network's sequencer is down or only just back.
        CrossCheckFailed, CallFailed: The feed's own functions, where they judge, say otherwise or nothing.
    """
    slot, low, rounds = LAYOUTS[of.layout]
    aggregator, uptime = _pointed(of, claim, slot, reader)
    (hot,) = reader.words((aggregator, [slot]))
    latest = field(hot.word, low, 32)
    if not latest:
        raise BadPrice(hot.where, "the feed has no round yet", 0)
    place = mapping_slot(pad_uint(latest), slot_key(rounds))
    # The sequencer's state is asked for with the round: it costs no further round trip.
    state = [] if uptime is None else [(uptime, [STATE])]
    words = reader.words((aggregator, [place, offset_slot(place, 1)] if of.layout == "flux" else [place]), *state)
    if of.sequencer is not None:
        check_up(of.sequencer, words[-1], reader.time)
    answer, updated = _answer(of.layout, words, latest)
    if answer <= 0:
        raise BadPrice(words[0].where, "the answer is not above zero", answer)
    if not of.least < answer < of.most:
        raise BadPrice(words[0].where, f"the answer is at a bound of its aggregator ({of.least} to {of.most})", answer)
    if of.judged:
        check_feed(claim.contract, aggregator, of.layout, of.decimals, (answer, updated), reader)
    return Observed(scaled(answer, of.decimals), timestamp(updated), words[0])


def _pointed(of: Parameters, claim: PriceClaim, slot: int, reader: Reader) -> tuple[Address, Address | None]:
    """Where the feed's proxy points, and the sequencer's."""
    wanted: list[tuple[Address, list[int]]] = [(claim.contract, [PROXY])] if of.proxied else []
    if of.sequencer is not None:
        wanted.append((of.sequencer.proxy, [PROXY]))
    if of.hint is not None and of.proxied:
        wanted.append((of.hint, [slot]))
    pointers = [field(word.word, 16, 160).to_bytes(20, "big") for word in reader.words(*wanted)] if wanted else []
    aggregator = Address(pointers.pop(0)) if of.proxied else claim.contract
    return aggregator, Address(pointers[0]) if of.sequencer is not None else None


def _answer(layout: str, words: list[ProvenWord], latest: int) -> tuple[int, int]:
    word = words[0].word
    if layout == "ocr1":
        return field(word, 0, 192, signed=True), field(word, 192, 64)
    if layout == "ocr2":
        return field(word, 0, 192, signed=True), field(word, 224, 32)
    times = words[1].word
    if field(times, 128, 32) != latest:
        raise BadPrice(words[1].where, f"round {latest} was answered in another round", field(times, 128, 32))
    return field(word, 0, 256, signed=True), field(times, 64, 64)
