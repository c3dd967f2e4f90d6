"""What a bundle asks, out of its body: assets, claims, how each is read, and prices."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final

from verifier.calls import MAX_CALLDATA, ZERO_ADDRESS, Call
from verifier.claims import (
    Asset,
    CallReading,
    Claim,
    ClaimKind,
    KeyOrder,
    PriceClaim,
    ProxyKind,
    Reading,
    Source,
    TokenLayout,
)
from verifier.codec.abi import split_types
from verifier.errors import MalformedBundle
from verifier.policy import Limits
from verifier.positions import MOST_PARAMETERS, Parameter, Position, PositionKind
from verifier.primitives import MAX_UINT256, address, chain_id, hash32, slot_key
from verifier.shape import Shape
from verifier.wire.envelope import HERE
from verifier.wire.lists import not_empty

_LABEL: Final = re.compile(r"[!-~](?:[ -~]{0,62}[!-~])?", re.ASCII)
_RETURNS: Final = re.compile(r"\([a-z0-9,()\[\]]{1,510}\)", re.ASCII)
_NAME: Final = re.compile(r"[a-z][a-z0-9_]{0,31}", re.ASCII)
_WORD: Final = re.compile(r"[ -~]{1,256}", re.ASCII)


def prices_in(item: Shape, limits: Limits) -> tuple[PriceClaim, ...]:
    """The prices that a bundle claims, each once."""
    not_empty(item)
    found: list[PriceClaim] = []
    for entry in item.items(limits.claims):
        chain, group, quote, contract, how = entry.tuple(5)
        labels = group.label(_LABEL), quote.label(_LABEL)
        found.append(PriceClaim(chain_id(chain.uint()), *labels, address(contract.bytes()), _given_in(how)))
    if len(set(found)) != len(found):
        raise MalformedBundle(HERE, "it makes one price claim twice")
    return tuple(found)


def asset_in(item: Shape) -> Asset:
    """One row of the asset table."""
    part = item.fields("chain", "symbol", "decimals", "group", optional=("contract", "layout"))
    if "layout" in part and "contract" not in part:
        raise MalformedBundle(HERE, "an asset with a layout has a contract")
    return Asset(
        chain_id(part["chain"].uint()),
        part["symbol"].label(_LABEL),
        part["decimals"].uint(77),
        part["group"].label(_LABEL),
        address(part["contract"].bytes()) if "contract" in part else None,
        _layout_in(part["layout"]) if "layout" in part else None,
    )


def _layout_in(item: Shape) -> TokenLayout:
    part = item.fields("base", "order", "offset", "width", "others", optional=("blocked", "proxy"))
    offset, width = part["offset"].uint(255), part["width"].uint(256)
    if not 1 <= width <= 256 - offset:
        raise MalformedBundle(HERE, "a balance field leaves its word", (offset, width))
    return TokenLayout(
        slot_key(part["base"].bytes()),
        part["order"].word(KeyOrder),
        offset,
        width,
        part["blocked"].uint(255) if "blocked" in part else None,
        int.from_bytes(slot_key(part["others"].bytes()), "big") & MAX_UINT256,
        part["proxy"].word(ProxyKind) if "proxy" in part else None,
    )


def claim_in(item: Shape, assets: Sequence[Asset]) -> Claim:
    """A claim; it points into the asset table."""
    has_reading = isinstance(item.value, list) and len(item.value) == 5
    which, holder, kind, source, *more = item.tuple(5 if has_reading else 4)
    index = which.uint()
    if index >= len(assets):
        raise MalformedBundle(HERE, "a claim points past the asset table", index)
    asset = assets[index]
    reading = _reading_in(more[0], asset) if more else None
    if reading is None and (asset.contract is None) != (asset.layout is None):
        raise MalformedBundle(HERE, "a claim on a contract has a layout, or says how it is read")
    return Claim(asset, address(holder.bytes()), kind.word(ClaimKind), source.word(Source), reading)


def _reading_in(item: Shape, asset: Asset) -> Reading:
    either = item.fields(optional=("call", "position"))
    if len(either) != 1:
        raise MalformedBundle(HERE, f"{item.path} is a call or a position")
    if "position" in either:
        return _position_in(either["position"], asset)
    part = either["call"].fields("data", "gas", "returns", "index", optional=("sender",))
    if asset.contract is None:
        raise MalformedBundle(HERE, "a claim by a call is on a contract")
    sender = ZERO_ADDRESS
    if "sender" in part:
        sender = address(part["sender"].bytes())
        if sender == ZERO_ADDRESS:
            raise MalformedBundle(HERE, f"{part['sender'].path} is zero; then it is left out")
    call = Call(asset.contract, part["data"].bytes(MAX_CALLDATA), sender, part["gas"].uint())
    returns = part["returns"].label(_RETURNS)
    split_types(returns)
    return CallReading(call, returns, part["index"].uint(255))


def _position_in(item: Shape, asset: Asset) -> Position:
    if asset.contract is None or asset.layout is not None:
        raise MalformedBundle(HERE, "a position is at a contract, and has no layout")
    return _given_in(item)


def _given_in(item: Shape) -> Position:
    parts = list(item.items(1 + 2 * MOST_PARAMETERS))
    if len(parts) % 2 != 1:
        raise MalformedBundle(HERE, f"{item.path} is a kind, and then names and values in turn")
    names = [part.label(_NAME) for part in parts[1::2]]
    values = [_parameter_in(part) for part in parts[2::2]]
    return Position(parts[0].word(PositionKind), tuple(zip(names, values, strict=True)))


def _parameter_in(item: Shape) -> Parameter:
    if isinstance(item.value, list):
        return int.from_bytes(hash32(item.tuple(1)[0].bytes()), "big")
    if isinstance(item.value, bytes):
        return item.bytes(64)
    return item.label(_WORD)
