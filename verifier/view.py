"""The bundle as JSON: a view that people and other programs can read, and that parses back to the same bytes.

The binary form is the one that has a content id. The view carries that id, and a view whose content has another id is
refused, so both forms mean the same thing or nothing.
"""

from __future__ import annotations

import json
from typing import Annotated, Final, Literal, TypeVar

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from verifier.calls import ZERO_ADDRESS, Call
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
from verifier.errors import BadInput, LimitExceeded, MalformedBundle, Where
from verifier.evidence import Bundle, HeaderStep, LightEvidence, Link, Section, Settling
from verifier.policy import DEFAULT_LIMITS, Limits
from verifier.positions import Parameter, Position, PositionKind, position
from verifier.primitives import address, chain_id, parse_hex, slot_key, timestamp, to_hex
from verifier.wire import ParsedBundle, encode_bundle, parse_bundle

SCHEMA: Final = "xmargin.bundle/1"
_HERE: Final = Where(network="bundle view")

T = TypeVar("T")
HexBytes = Annotated[str, Field(pattern=r"^0x([0-9a-f]{2})*$")]


class _Model(BaseModel):
    model_config = ConfigDict(strict=True, extra="forbid", frozen=True)


class LayoutView(_Model):
    """`TokenLayout`, field by field."""

    base: HexBytes
    order: str
    offset: int
    width: int
    others: HexBytes
    blocked: int | None = None
    proxy: str | None = None


class AssetView(_Model):
    """`Asset`, field by field."""

    chain: int
    symbol: str
    decimals: int
    group: str
    contract: HexBytes | None = None
    layout: LayoutView | None = None


class CallView(_Model):
    """`CallReading` and its `Call`, which goes to the asset's contract."""

    data: HexBytes
    gas: int
    returns: str
    index: int
    sender: HexBytes | None = None


class PositionView(_Model):
    """`Position`: numbers as decimal text after `#`, bytes as hex, words as they are after `=`."""

    kind: str
    given: dict[str, str]


class ReadingView(_Model):
    """How a claim is read, where not by a layout alone: one of the two."""

    call: CallView | None = None
    position: PositionView | None = None


class ClaimView(_Model):
    """`Claim`, its asset by index."""

    asset: int = Field(ge=0)
    holder: HexBytes
    kind: str
    source: str
    reading: ReadingView | None = None


class PriceClaimView(_Model):
    """`PriceClaim`."""

    chain: int
    group: str
    quote: str
    contract: HexBytes
    how: PositionView


class StepView(_Model):
    """`HeaderStep`."""

    link: str
    header: HexBytes


class SettlingView(_Model):
    """`Settling`."""

    parent: int
    preimages: list[HexBytes]


class LightView(_Model):
    """`LightEvidence`; what is empty is left out."""

    bootstrap: HexBytes | None = None
    updates: list[HexBytes] | None = None
    final: HexBytes | None = None
    attested: HexBytes | None = None


class SectionView(_Model):
    """`Section`."""

    chain: int
    anchor: HexBytes
    steps: list[StepView]
    nodes: list[int]
    settling: SettlingView | None = None
    codes: list[int] | None = None
    light: LightView | None = None


class BundleView(_Model):
    """A bundle as JSON."""

    schema_: Literal["xmargin.bundle/1"] = Field(alias="schema")
    id: HexBytes
    as_of: int
    assets: list[AssetView]
    claims: list[ClaimView]
    omitted: list[int]
    sections: list[SectionView]
    nodes: list[HexBytes]
    codes: list[HexBytes] | None = None
    prices: list[PriceClaimView] | None = None


def encode_view(data: bytes, limits: Limits = DEFAULT_LIMITS) -> str:
    """The JSON view of a bundle's canonical bytes."""
    parsed = parse_bundle(data, limits)
    view = _view(parsed)
    return json.dumps(view.model_dump(by_alias=True, exclude_none=True), indent=1) + "\n"


def parse_view(text: bytes | str, limits: Limits = DEFAULT_LIMITS) -> bytes:
    """
    The canonical bytes of a bundle, from its JSON view.

    Raises:
        MalformedBundle: Not such a view, unknown fields among them, or its content has another id than it names.
        LimitExceeded: Larger than a bundle may be.
    """
    if len(text) > 3 * limits.bundle_bytes:
        raise LimitExceeded("bytes in a bundle view", 3 * limits.bundle_bytes, len(text))
    try:
        view = BundleView.model_validate_json(text)
        data = encode_bundle(_bundle(view))
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        place = ".".join(str(part) for part in first["loc"])
        raise MalformedBundle(_HERE.at(node=place) if place else _HERE, str(first["msg"])) from None
    except (BadInput, ValueError, IndexError, TypeError, OverflowError) as error:
        raise MalformedBundle(_HERE, str(error)) from None
    found = parse_bundle(data, limits)
    if to_hex(found.id) != view.id:
        raise MalformedBundle(_HERE, f"its content id is {to_hex(found.id)}, it names", view.id)
    return data


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


def _position(view: PositionView) -> Position:
    return position(PositionKind(view.kind), **{name: _parameter(value) for name, value in view.given.items()})


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


def _bundle(view: BundleView) -> Bundle:
    """Shape only: what the canonical parser demands beyond it is demanded by encoding and parsing again."""
    assets = [_asset(item) for item in view.assets]
    return Bundle(
        timestamp(view.as_of),
        tuple(
            Claim(
                assets[c.asset],
                address(parse_hex(c.holder)),
                ClaimKind(c.kind),
                Source(c.source),
                None if c.reading is None else _reading(c.reading, assets[c.asset]),
            )
            for c in view.claims
        ),
        tuple(view.omitted),
        tuple(
            Section(
                chain_id(s.chain),
                parse_hex(s.anchor),
                tuple(HeaderStep(Link(step.link), parse_hex(step.header)) for step in s.steps),
                tuple(s.nodes),
                None if s.settling is None else _settling(s.settling),
                tuple(_present(s.codes)),
                None if s.light is None else _light(s.light),
            )
            for s in view.sections
        ),
        tuple(parse_hex(node) for node in view.nodes),
        tuple(parse_hex(code) for code in _present(view.codes)),
        tuple(_price(item) for item in _present(view.prices)),
    )


def _price(item: PriceClaimView) -> PriceClaim:
    contract = address(parse_hex(item.contract))
    return PriceClaim(chain_id(item.chain), item.group, item.quote, contract, _position(item.how))


def _light(view: LightView) -> LightEvidence:
    made = LightEvidence(
        None if view.bootstrap is None else parse_hex(view.bootstrap),
        tuple(parse_hex(update) for update in _present(view.updates)),
        None if view.final is None else parse_hex(view.final),
        None if view.attested is None else parse_hex(view.attested),
    )
    if not made:
        raise MalformedBundle(_HERE, "light-client evidence that is empty is left out")
    return made


def _settling(view: SettlingView) -> Settling:
    return Settling(chain_id(view.parent), tuple(parse_hex(part) for part in view.preimages))


def _present(items: list[T] | None) -> list[T]:
    """What is there, and not empty: an empty list is left out, in this form as in the other."""
    if items is not None and not items:
        raise MalformedBundle(_HERE, "a list is there and empty; then it is left out")
    return items or []


def _parameter_view(value: Parameter) -> str:
    if isinstance(value, bytes):
        return to_hex(value)
    return f"#{value}" if isinstance(value, int) else f"={value}"


def _parameter(text: str) -> Parameter:
    """A parameter, by the mark that it starts with.

    Raises:
        ValueError, BadInput: It has none of the three marks, or a number of another form than our own.
    """
    if text.startswith("="):
        return text[1:]
    if text.startswith("#"):
        number = int(text[1:])
        if f"#{number}" != text:
            raise MalformedBundle(_HERE, "a number is written in its shortest form", text)
        return number
    return parse_hex(text)


def _reading(view: ReadingView, asset: Asset) -> Reading:
    call = view.call
    if (call is None) == (view.position is None):
        raise MalformedBundle(_HERE, "a reading is a call or a position")
    if view.position is not None:
        return _position(view.position)
    if call is None:
        raise MalformedBundle(_HERE, "a reading is a call or a position")
    if asset.contract is None:
        raise MalformedBundle(_HERE, "a claim by a call is on a contract")
    sender = ZERO_ADDRESS if call.sender is None else address(parse_hex(call.sender))
    if call.sender is not None and sender == ZERO_ADDRESS:
        raise MalformedBundle(_HERE, "the sender is zero; then it is left out")
    return CallReading(Call(asset.contract, parse_hex(call.data), sender, call.gas), call.returns, call.index)


def _asset(item: AssetView) -> Asset:
    layout = item.layout
    return Asset(
        chain_id(item.chain),
        item.symbol,
        item.decimals,
        item.group,
        None if item.contract is None else address(parse_hex(item.contract)),
        None
        if layout is None
        else TokenLayout(
            slot_key(parse_hex(layout.base)),
            KeyOrder(layout.order),
            layout.offset,
            layout.width,
            layout.blocked,
            int.from_bytes(slot_key(parse_hex(layout.others)), "big"),
            None if layout.proxy is None else ProxyKind(layout.proxy),
        ),
    )
