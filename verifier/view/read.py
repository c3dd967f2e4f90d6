"""A JSON view back to the bundle it shows, and to its canonical bytes."""

from __future__ import annotations

from typing import Final, TypeVar

from pydantic import ValidationError

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
from verifier.view.models import (
    AssetView,
    BundleView,
    LightView,
    PositionView,
    PriceClaimView,
    ReadingView,
    SettlingView,
)
from verifier.wire import encode_bundle, parse_bundle

_HERE: Final = Where(network="bundle view")

T = TypeVar("T")


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
                tuple(parse_hex(update) for update in _present(s.updates)),
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


def _position(view: PositionView) -> Position:
    return position(PositionKind(view.kind), **{name: _parameter(value) for name, value in view.given.items()})


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
