"""A bundle to its JSON view."""

from __future__ import annotations

import json

from verifier.calls import ZERO_ADDRESS
from verifier.claims import Asset, PriceClaim, Reading
from verifier.evidence import LightEvidence, Settling
from verifier.policy import DEFAULT_LIMITS, Limits
from verifier.positions import Parameter, Position
from verifier.primitives import to_hex
from verifier.view.models import (
    AssetView,
    BundleView,
    CallView,
    ClaimView,
    LayoutView,
    LightView,
    PositionView,
    PriceClaimView,
    ReadingView,
    SectionView,
    SettlingView,
    StepView,
)
from verifier.wire import ParsedBundle, parse_bundle


def encode_view(data: bytes, limits: Limits = DEFAULT_LIMITS) -> str:
    """The JSON view of a bundle's canonical bytes."""
    parsed = parse_bundle(data, limits)
    view = _view(parsed)
    return json.dumps(view.model_dump(by_alias=True, exclude_none=True), indent=1) + "\n"


def _view(parsed: ParsedBundle) -> BundleView:
    bundle = parsed.bundle
    assets = list(dict.fromkeys(claim.asset for claim in bundle.claims))
    return BundleView(
        schema="xmargin.bundle/1",
        id=to_hex(parsed.id),
        as_of=bundle.as_of,
        assets=[_asset_view(asset) for asset in assets],
        claims=[
            ClaimView(
                asset=assets.index(c.asset),
                holder=to_hex(c.holder),
                kind=c.kind.value,
                source=c.source.value,
                reading=None if c.reading is None else _reading_view(c.reading),
            )
            for c in bundle.claims
        ],
        omitted=list(bundle.omitted),
        sections=[
            SectionView(
                chain=s.chain_id,
                anchor=to_hex(s.anchor),
                steps=[StepView(link=step.link.value, header=to_hex(step.header)) for step in s.steps],
                nodes=list(s.nodes),
                settling=None if s.settling is None else _settling_view(s.settling),
                codes=list(s.codes) or None,
                light=None if s.light is None else _light_view(s.light),
                updates=[to_hex(update) for update in s.updates] or None,
            )
            for s in bundle.sections
        ],
        nodes=[to_hex(node) for node in bundle.nodes],
        codes=[to_hex(code) for code in bundle.codes] or None,
        prices=[_price_view(claim) for claim in bundle.prices] or None,
    )


def _price_view(claim: PriceClaim) -> PriceClaimView:
    contract = to_hex(claim.contract)
    return PriceClaimView(
        chain=claim.chain_id, group=claim.group, quote=claim.quote, contract=contract, how=_position_view(claim.how)
    )


def _position_view(of: Position) -> PositionView:
    return PositionView(kind=of.kind.value, given={name: _parameter_view(value) for name, value in of.given})


def _light_view(light: LightEvidence) -> LightView:
    return LightView(
        bootstrap=None if light.bootstrap is None else to_hex(light.bootstrap),
        updates=[to_hex(update) for update in light.updates] or None,
        final=None if light.final is None else to_hex(light.final),
        attested=None if light.attested is None else to_hex(light.attested),
    )


def _settling_view(settling: Settling) -> SettlingView:
    return SettlingView(parent=settling.parent, preimages=[to_hex(part) for part in settling.preimages])


def _reading_view(reading: Reading) -> ReadingView:
    if isinstance(reading, Position):
        return ReadingView(position=_position_view(reading))
    call = reading.call
    sender = None if call.sender == ZERO_ADDRESS else to_hex(call.sender)
    made = CallView(data=to_hex(call.data), gas=call.gas, returns=reading.returns, index=reading.index, sender=sender)
    return ReadingView(call=made)


def _asset_view(asset: Asset) -> AssetView:
    layout = asset.layout
    return AssetView(
        chain=asset.chain_id,
        symbol=asset.symbol,
        decimals=asset.decimals,
        group=asset.group,
        contract=None if asset.contract is None else to_hex(asset.contract),
        layout=None
        if layout is None
        else LayoutView(
            base=to_hex(layout.base),
            order=layout.order.value,
            offset=layout.offset_bits,
            width=layout.width_bits,
            others=to_hex(layout.other_bits.to_bytes(32, "big")),
            blocked=layout.blocked_bit,
            proxy=None if layout.proxy is None else layout.proxy.value,
        ),
    )


def _parameter_view(value: Parameter) -> str:
    if isinstance(value, bytes):
        return to_hex(value)
    return f"#{value}" if isinstance(value, int) else f"={value}"
