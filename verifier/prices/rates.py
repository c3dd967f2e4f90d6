"""What a share is worth in what backs it: vaults, staked ether and their wrappers, by the rate that the contracts
themselves pay.

A rate is no market price. It says what the protocol would give in time, and prices a share in its backing's group,
whose own price must then come from somewhere; where a share trades below its rate, a second source shows it by
deviation.
"""

from __future__ import annotations

from typing import Union

from verifier.assets import erc4626, rocket, steth
from verifier.assets.figure import divide, holder_slot, number
from verifier.assets.reader import Reader
from verifier.claims import PriceClaim
from verifier.codec.abi import mapping_slot
from verifier.errors import BadPrice
from verifier.positions import Given, PositionKind
from verifier.prices.judges import check_digits, is_judged
from verifier.prices.quote import SCALE, Observed, scaled
from verifier.primitives import Address, SlotKey, slot_key
from verifier.proven import ProvenWord

Digits = tuple[int, int, bool]
"""Of a vault's shares, of its asset, and whether both contracts judge them."""
Parameters = Union[tuple[steth.Parameters, None], tuple[rocket.Parameters, None], tuple[erc4626.Parameters, Digits]]


def parse(given: Given, contract: Address) -> Parameters:
    """The parameters that the same kind of position has; for vaults also the digits of shares and assets."""
    if given.kind is PositionKind.ERC4626:
        digits = given.uint("share_decimals", most=36), given.uint("asset_decimals", most=36), is_judged(given)
        return erc4626.parse(given, contract), digits
    if given.kind is PositionKind.RETH:
        return rocket.parse(given, contract), None
    return steth.parse(given, contract), None


def read(of: Parameters, claim: PriceClaim, reader: Reader) -> Observed:
    """
    One whole share in its backing, at the block.

    Raises:
        BadPrice: A share is worth nothing.
        CrossCheckFailed, CallFailed: A vault or its asset, where they judge, counts in other digits or does not say.
    """
    how, digits = of
    if isinstance(how, steth.Parameters):
        price, word = _steth(how, reader)
    elif isinstance(how, rocket.Parameters):
        price, word = _rocket(how, reader)
    else:
        price, word = _vault(how, digits or (18, 18, False), claim.contract, reader)
    if price <= 0:
        raise BadPrice(word.where, "a share is worth nothing", price)
    return Observed(price, reader.time, word)


def _steth(of: steth.Parameters, reader: Reader) -> tuple[int, ProvenWord]:
    totals = reader.words((of.steth, (steth.TOTALS, steth.BUFFER, steth.BEACON) if of.version == 3 else steth.SECOND))
    ether, shares = steth.rate(totals)
    return divide(SCALE * ether, shares, totals[0], "the number of shares"), totals[0]


def _rocket(of: rocket.Parameters, reader: Reader) -> tuple[int, ProvenWord]:
    keys = (rocket.ETHER, rocket.SUPPLY)
    places = [SlotKey(key) if of.mapping is None else mapping_slot(key, slot_key(of.mapping)) for key in keys]
    ether, supply = reader.words((of.store, places))
    return (SCALE * number(ether) // number(supply) if number(supply) else SCALE), ether


def _vault(of: erc4626.Parameters, digits: Digits, vault: Address, reader: Reader) -> tuple[int, ProvenWord]:
    share_digits, asset_digits, judged = digits
    if judged:
        check_digits(vault, share_digits, reader)
        check_digits(of.asset, asset_digits, reader)
    held = holder_slot(of.asset_slot, vault, vyper=of.asset_vyper)
    supply, assets = reader.words((vault, [of.slot + 2]), (of.asset, [held]))
    total = number(assets) & ((1 << of.asset_bits) - 1)
    worth = 10**share_digits * (total + 1) // (number(supply) + 10**of.offset)
    return scaled(worth, asset_digits), supply
