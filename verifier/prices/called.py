"""A price or a rate that a contract's own function returns: run by us, as any call is.

For feeds and vaults of shapes that no other source knows: `latestRoundData`, `getRate`, `convertToAssets` of one share.
What the number means, whoever names the function says; so the policy names the contract, as for every price.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from verifier.assets.call import value_of
from verifier.assets.reader import Reader
from verifier.calls import DEFAULT_GAS, Call
from verifier.claims import PriceClaim
from verifier.codec.abi import selector, split_function, split_types
from verifier.errors import BadInput, BadPrice
from verifier.positions import Given
from verifier.prices.quote import Observed, scaled
from verifier.primitives import Address, Timestamp

BLOCK_TIME: Final = 255
"""In place of an index: the price speaks of the block's own time."""


@dataclass(frozen=True, slots=True)
class Parameters:
    """
    Attributes:
        returns, index: The types of what it returns, and which value is the price.
        decimals: Digits of the price.
        time: Which value is the time that the price speaks of, in unix seconds; BLOCK_TIME for none.
    """

    call: Call
    returns: str
    index: int
    decimals: int
    time: int


def parse(given: Given, contract: Address) -> Parameters:
    """
    `function`, `decimals`, and where they are needed `arguments` (its words), `index`, `time`, `gas`.

    Raises:
        BadInput: One is missing or of another type, or the arguments are not as many words as the function takes.
    """
    name, takes, returns = split_function(given.text("function"))
    words = given.bytes("arguments", b"")
    if len(words) != 32 * len(split_types(takes)):
        raise BadInput(f"arguments of {name}", f"a word of 32 bytes for each of {takes}", words)
    data = selector(name + takes) + words
    gas = given.uint("gas", DEFAULT_GAS)
    index, decimals = given.uint("index", 0, most=254), given.uint("decimals", most=36)
    return Parameters(Call(contract, data, gas=gas), returns, index, decimals, given.uint("time", BLOCK_TIME, most=255))


def read(of: Parameters, claim: PriceClaim, reader: Reader) -> Observed:  # noqa: ARG001 - the port's words
    """
    The value that the call returns, at the time that it says or at the block's.

    Raises:
        CallFailed, NotUsable: The call returns no such value.
        BadPrice: It is not above zero, or its time is none.
    """
    found = reader.call(of.call)
    price = scaled(value_of(found, of.returns, of.index, reader.where), of.decimals)
    if price <= 0:
        raise BadPrice(reader.where, "the call returns no price above zero", price)
    at = reader.time if of.time == BLOCK_TIME else value_of(found, of.returns, of.time, reader.where)
    if not 0 < at < 1 << 64:
        raise BadPrice(reader.where, "the call returns no time", at)
    return Observed(price, Timestamp(at), found)
