"""Whether a rollup's sequencer is up: while it is down, and for a while after, its feeds say what nobody can trade at.

    base        slot 4: round (80 bits), since when (64), last said (64), down (8)
    arbitrum    slot 4: round (80 bits), down (8), since when (64)

Such a feed stands behind a proxy as every other does. It says only what its parent chain was told, so a sequencer that
has just stopped may still be called up: the price feed's own heartbeat counts beside it.

Source: @chainlink/contracts 1.5.0 v0.8/l2ep: BaseSequencerUptimeFeed.sol, ArbitrumSequencerUptimeFeed.sol.
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
    layout = given.word("sequencer_layout", tuple(LAYOUTS))
    return Sequencer(proxy, layout, given.uint("grace", GRACE, most=2**32))


def check_up(of: Sequencer, state: ProvenWord, time: Timestamp) -> None:
    """
    That the sequencer has been up for long enough.

    Raises:
        BadPrice: It is down, it came back too short a time ago, or its feed was never told anything.
    """
    down, since = LAYOUTS[of.layout]
    if not field(state.word, 0, 80):
        raise BadPrice(state.where, "the sequencer's feed has no round yet", 0)
    if field(state.word, down, 8):
        raise BadPrice(state.where, "the network's sequencer is down", 1)
    up = time - field(state.word, since, 64)
    if up < of.grace:
        raise BadPrice(state.where, f"the network's sequencer is up for less than {of.grace} s", up)
