"""A bundle to its canonical bytes."""

from __future__ import annotations

from collections.abc import Sequence

import cbor2

from verifier.calls import ZERO_ADDRESS
from verifier.claims import Asset, Claim, PriceClaim, Reading, TokenLayout
from verifier.evidence import Bundle, LightEvidence, Section
from verifier.positions import Parameter, Position
from verifier.wire.envelope import MAGIC, VERSION, content_id


def encode_bundle(bundle: Bundle) -> bytes:
    """The canonical bytes of a bundle; `parse_bundle` takes them back to an equal one."""
    assets = asset_table(bundle.claims)
    index = {asset: i for i, asset in enumerate(assets)}
    parts: dict[str, object] = {
        "as_of": bundle.as_of,
        "assets": [_asset_out(a) for a in assets],
        "claims": [_claim_out(c, index[c.asset]) for c in bundle.claims],
        "nodes": list(bundle.nodes),
        "omitted": list(bundle.omitted),
        "sections": [_section_out(s) for s in bundle.sections],
    }
    if bundle.codes:
        parts["codes"] = list(bundle.codes)
    if bundle.prices:
        parts["prices"] = [_price_out(claim) for claim in bundle.prices]
    body = cbor2.dumps(parts, canonical=True)
    return cbor2.dumps([MAGIC, VERSION, content_id(body), body], canonical=True)


def asset_table(claims: Sequence[Claim]) -> list[Asset]:
    """Assets in the order in which claims first name them."""
    return list(dict.fromkeys(claim.asset for claim in claims))


def _asset_out(asset: Asset) -> dict[str, object]:
    out: dict[str, object] = {
        "chain": asset.chain_id,
        "symbol": asset.symbol,
        "decimals": asset.decimals,
        "group": asset.group,
    }
    if asset.contract is not None:
        out["contract"] = asset.contract
    if asset.layout is not None:
        out["layout"] = _layout_out(asset.layout)
    return out


def _layout_out(layout: TokenLayout) -> dict[str, object]:
    out: dict[str, object] = {
        "base": layout.base,
        "order": layout.order.value,
        "offset": layout.offset_bits,
        "width": layout.width_bits,
        "others": layout.other_bits.to_bytes(32, "big"),
    }
    if layout.blocked_bit is not None:
        out["blocked"] = layout.blocked_bit
    if layout.proxy is not None:
        out["proxy"] = layout.proxy.value
    return out


def _claim_out(claim: Claim, asset: int) -> list[object]:
    out: list[object] = [asset, claim.holder, claim.kind.value, claim.source.value]
    if claim.reading is not None:
        out.append(_reading_out(claim.reading))
    return out


def _reading_out(reading: Reading) -> dict[str, object]:
    if isinstance(reading, Position):
        return {"position": _position_out(reading)}
    call = reading.call
    out: dict[str, object] = {"data": call.data, "gas": call.gas, "returns": reading.returns, "index": reading.index}
    if call.sender != ZERO_ADDRESS:
        out["sender"] = call.sender
    return {"call": out}


def _position_out(of: Position) -> list[object]:
    return [of.kind.value, *(part for name, value in of.given for part in (name, _parameter_out(value)))]


def _price_out(claim: PriceClaim) -> list[object]:
    return [claim.chain_id, claim.group, claim.quote, claim.contract, _position_out(claim.how)]


def _parameter_out(value: Parameter) -> object:
    """A number beyond 64 bits is a byte string of 32 with a mark, so that it is told from an address or a hash."""
    return [value.to_bytes(32, "big")] if isinstance(value, int) else value


def _section_out(section: Section) -> dict[str, object]:
    out: dict[str, object] = {
        "chain": section.chain_id,
        "anchor": section.anchor,
        "steps": [[step.link.value, step.header] for step in section.steps],
        "nodes": list(section.nodes),
    }
    if section.settling is not None:
        out["settling"] = [section.settling.parent, list(section.settling.preimages)]
    if section.codes:
        out["codes"] = list(section.codes)
    if section.light:
        out["light"] = _light_out(section.light)
    if section.updates:
        out["updates"] = list(section.updates)
    return out


def _light_out(light: LightEvidence) -> dict[str, object]:
    parts = {"attested": light.attested, "bootstrap": light.bootstrap, "final": light.final}
    out: dict[str, object] = {name: part for name, part in parts.items() if part is not None}
    if light.updates:
        out["updates"] = list(light.updates)
    return out
