"""Whether a rollup's sequencer is up: while it is down, and for a while after, its feeds say what nobody can trade at.

    base        slot 4: round (80 bits), since when (64), last said (64), down (8)
    arbitrum    slot 4: round (80 bits), down (8), since when (64); the first feeds of other rollups are so too

A word of one layout never makes sense in the other: its time is then ages ago or far ahead, so which of the two it is
need not be said. Such a feed stands behind a proxy as every other does. It says only what its parent chain was told, so
a sequencer that has just stopped may still be called up: the price feed's own heartbeat counts beside it.

Source: @chainlink/contracts 1.5.0 v0.8/l2ep: BaseSequencerUptimeFeed.sol, ArbitrumSequencerUptimeFeed.sol; 0.6.1
v0.8/dev: OptimismSequencerUptimeFeed.sol.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from verifier.codec.abi import field
from verifier.errors import BadPrice
from verifier.positions import Given
from verifier.primitives import Address, Timestamp
from verifier.proven import ProvenWord

STATE: Final = 4
LAYOUTS: Final = {"base": (208, 80), "arbitrum": (80, 88)}
"""The lowest bits of whether it is down, and of since when."""
EITHER: Final = "either"
"""Whichever of the layouts makes sense of the word."""
FIRST: Final = 1_600_000_000
"""No such feed is older (September 2020), so none has been up since before."""
GRACE: Final = 3_600
NOBODY: Final = Address(bytes(20))


@dataclass(frozen=True, slots=True)
class Sequencer:
    """The uptime feed's proxy, its layout, and how long the sequencer must have been up."""

    proxy: Address
    layout: str
    grace: int


def sequencer_of(given: Given) -> Sequencer | None:
    """The `sequencer` of a feed, where one is named."""
    proxy = given.address("sequencer", NOBODY)
    if proxy == NOBODY:
        return None
    layout = given.word("sequencer_layout", (EITHER, *LAYOUTS), EITHER)
    return Sequencer(proxy, layout, given.uint("grace", GRACE, most=2**32))


def check_up(of: Sequencer, state: ProvenWord, time: Timestamp) -> None:
    """
    That the sequencer has been up for long enough.

    Raises:
        BadPrice: It is down, it came back too short a time ago, its feed was never told anything, or the word is none
            of such a feed.
    """
    if not field(state.word, 0, 80):
        raise BadPrice(state.where, "the sequencer's feed has no round yet", 0)
    names = LAYOUTS if of.layout == EITHER else (of.layout,)
    said = [(field(state.word, LAYOUTS[n][0], 8), field(state.word, LAYOUTS[n][1], 64)) for n in names]
    sound = [(down, since) for down, since in said if down < 2 and FIRST <= since <= time]
    if len(sound) != 1:
        raise BadPrice(state.where, f"what stands there is no sequencer's state ({', '.join(names)})", len(sound))
    ((down, since),) = sound
    if down:
        raise BadPrice(state.where, "the network's sequencer is down", 1)
    up = time - since
    if up < of.grace:
        raise BadPrice(state.where, f"the network's sequencer is up for less than {of.grace} s", up)
