"""The bundle as bytes: one canonical form, which embeds its own content id.

    array(4) [ "xmargin-bundle", version, id: bytes(32), body: bytes ]
    id   = sha256("xmargin-bundle" ‖ 0x00 ‖ version as one byte ‖ body)
    body = deterministic CBOR of { as_of, assets, claims, nodes, omitted, sections, codes?, prices? }

Each asset stands once, in a table that claims point into; each trie node and each contract's code stands once, in lists
that sections point into. What is marked with ? is left out where it is empty. Parsing decides shape and nothing else:
what it returns is believed by no one.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Final

import cbor2

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
from verifier.codec import cbor
from verifier.codec.abi import split_types
from verifier.codec.cbor import Cbor
from verifier.errors import BadInput, LimitExceeded, MalformedBundle, Where
from verifier.evidence import Bundle, HeaderStep, LightEvidence, Link, Section, Settling
from verifier.policy import DEFAULT_LIMITS, Limits
from verifier.positions import MOST_PARAMETERS, Parameter, Position, PositionKind
from verifier.primitives import MAX_UINT256, ChainId, Hash32, address, chain_id, hash32, slot_key, timestamp
from verifier.shape import Shape

MAGIC: Final = "xmargin-bundle"
VERSION: Final = 1
_HERE: Final = Where(network="bundle")
_LABEL: Final = re.compile(r"[!-~](?:[ -~]{0,62}[!-~])?", re.ASCII)
_RETURNS: Final = re.compile(r"\([a-z0-9,()\[\]]{1,510}\)", re.ASCII)
_NAME: Final = re.compile(r"[a-z][a-z0-9_]{0,31}", re.ASCII)
_WORD: Final = re.compile(r"[ -~]{1,256}", re.ASCII)
_ID_PREFIX: Final = MAGIC.encode() + bytes([0, VERSION])


@dataclass(frozen=True, slots=True)
class ParsedBundle:
    """A bundle and the content id that its bytes were found to have."""

    id: Hash32
    bundle: Bundle


def content_id(body: bytes | memoryview) -> Hash32:
    """The id of a bundle's body."""
    digest = hashlib.sha256(_ID_PREFIX)
    digest.update(body)
    return Hash32(digest.digest())


# --- encoding --------------------------------------------------------------------------------------------


def encode_bundle(bundle: Bundle) -> bytes:
    """The canonical bytes of a bundle; `parse_bundle` takes them back to an equal one."""
    assets = _asset_table(bundle.claims)
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


def _asset_table(claims: Sequence[Claim]) -> list[Asset]:
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
    return out


def _light_out(light: LightEvidence) -> dict[str, object]:
    parts = {"attested": light.attested, "bootstrap": light.bootstrap, "final": light.final}
    out: dict[str, object] = {name: part for name, part in parts.items() if part is not None}
    if light.updates:
        out["updates"] = list(light.updates)
    return out


# --- parsing ---------------------------------------------------------------------------------------------


def parse_bundle(data: bytes, limits: Limits = DEFAULT_LIMITS) -> ParsedBundle:
    """
    Parse a bundle's canonical bytes, and find that they have the content id they name.

    Args:
        data: Untrusted. Its size is tested before anything else.

    Raises:
        MalformedBundle: Not the one canonical form: unknown, missing or repeated parts, wrong types, widths or ranges,
            wrong id.
        LimitExceeded: Too large, too many or too deep.
    """
    if len(data) > limits.bundle_bytes:
        raise LimitExceeded("bytes in a bundle", limits.bundle_bytes, len(data))
    body, named = _open(data)
    found = content_id(body)
    if found != named:
        raise MalformedBundle(_HERE, f"its content id is 0x{found.hex()}, it names", named)
    budget = 3 * limits.nodes + 120 * limits.claims + 3 * limits.codes + 4_096
    try:
        return ParsedBundle(found, _bundle(cbor.decode(body, max_items=budget, where=_HERE), limits))
    except BadInput as error:
        # The input is the sender's, not the caller's: this is evidence that does not hold, not misuse.
        raise MalformedBundle(_HERE, str(error)) from None


def _open(data: bytes) -> tuple[memoryview, bytes]:
    """The body and the id that the envelope names, without copying the body."""
    head = bytes([0x84, 0x60 | len(MAGIC)]) + MAGIC.encode() + bytes([VERSION, 0x58, 32])
    if not data.startswith(head):
        raise MalformedBundle(_HERE, f"it does not start as a version {VERSION} bundle", data[: len(head)])
    named, rest = data[len(head) : len(head) + 32], memoryview(data)[len(head) + 32 :]
    length, start = _byte_string(rest)
    if len(rest) - start != length:
        raise MalformedBundle(_HERE, f"its body is announced with {length} bytes, and has {len(rest) - start}")
    return rest[start:], named


def _byte_string(data: memoryview) -> tuple[int, int]:
    """Length and start of the byte string that fills `data`, its head in the shortest form."""
    first = data[0] if len(data) else 0
    info = first & 31
    if first >> 5 != 2 or info > 27 or len(data) < 1 + (0 if info < 24 else 1 << (info - 24)):
        raise MalformedBundle(_HERE, "its body is not a byte string")
    if info < 24:
        return info, 1
    width = 1 << (info - 24)
    length = int.from_bytes(data[1 : 1 + width], "big")
    if length < (24 if width == 1 else 1 << (4 * width)):
        raise MalformedBundle(_HERE, "the length of its body is longer written than it needs to be")
    return length, 1 + width


def _bundle(value: Cbor, limits: Limits) -> Bundle:
    top = Shape(value, "body").fields(
        "as_of", "assets", "claims", "nodes", "omitted", "sections", optional=("codes", "prices")
    )
    assets = [_asset_in(item) for item in top["assets"].items(limits.claims)]
    claims = tuple(_claim_in(item, assets) for item in top["claims"].items(limits.claims))
    if _asset_table(claims) != assets:
        raise MalformedBundle(_HERE, "its asset table is not what its claims name, each once and in their order")
    if len({(claim.identity, claim.kind, claim.reading) for claim in claims}) != len(claims):
        raise MalformedBundle(_HERE, "it makes one claim twice")
    nodes = _ascending_bytes(top["nodes"], limits.nodes, limits.node_bytes, "trie nodes")
    codes: tuple[bytes, ...] = ()
    if "codes" in top:
        codes = _ascending_bytes(top["codes"], limits.codes, limits.code_bytes, "contract codes")
        _not_empty(top["codes"])
    omitted = _ascending(top["omitted"], limits.claims, len(claims))
    counts = (len(nodes), len(codes))
    sections = tuple(_section_in(item, counts, limits) for item in top["sections"].items(limits.sections))
    prices = _prices_in(top["prices"], limits) if "prices" in top else ()
    _check_sections(sections, (claims, prices), omitted, counts)
    return Bundle(timestamp(top["as_of"].uint()), claims, omitted, sections, nodes, codes, prices)


def _prices_in(item: Shape, limits: Limits) -> tuple[PriceClaim, ...]:
    _not_empty(item)
    found: list[PriceClaim] = []
    for entry in item.items(limits.claims):
        chain, group, quote, contract, how = entry.tuple(5)
        labels = group.label(_LABEL), quote.label(_LABEL)
        found.append(PriceClaim(chain_id(chain.uint()), *labels, address(contract.bytes()), _given_in(how)))
    if len(set(found)) != len(found):
        raise MalformedBundle(_HERE, "it makes one price claim twice")
    return tuple(found)


def _asset_in(item: Shape) -> Asset:
    part = item.fields("chain", "symbol", "decimals", "group", optional=("contract", "layout"))
    if "layout" in part and "contract" not in part:
        raise MalformedBundle(_HERE, "an asset with a layout has a contract")
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
        raise MalformedBundle(_HERE, "a balance field leaves its word", (offset, width))
    return TokenLayout(
        slot_key(part["base"].bytes()),
        part["order"].word(KeyOrder),
        offset,
        width,
        part["blocked"].uint(255) if "blocked" in part else None,
        int.from_bytes(slot_key(part["others"].bytes()), "big") & MAX_UINT256,
        part["proxy"].word(ProxyKind) if "proxy" in part else None,
    )


def _claim_in(item: Shape, assets: Sequence[Asset]) -> Claim:
    has_reading = isinstance(item.value, list) and len(item.value) == 5
    which, holder, kind, source, *more = item.tuple(5 if has_reading else 4)
    index = which.uint()
    if index >= len(assets):
        raise MalformedBundle(_HERE, "a claim points past the asset table", index)
    asset = assets[index]
    reading = _reading_in(more[0], asset) if more else None
    if reading is None and (asset.contract is None) != (asset.layout is None):
        raise MalformedBundle(_HERE, "a claim on a contract has a layout, or says how it is read")
    return Claim(asset, address(holder.bytes()), kind.word(ClaimKind), source.word(Source), reading)


def _reading_in(item: Shape, asset: Asset) -> Reading:
    either = item.fields(optional=("call", "position"))
    if len(either) != 1:
        raise MalformedBundle(_HERE, f"{item.path} is a call or a position")
    if "position" in either:
        return _position_in(either["position"], asset)
    part = either["call"].fields("data", "gas", "returns", "index", optional=("sender",))
    if asset.contract is None:
        raise MalformedBundle(_HERE, "a claim by a call is on a contract")
    sender = ZERO_ADDRESS
    if "sender" in part:
        sender = address(part["sender"].bytes())
        if sender == ZERO_ADDRESS:
            raise MalformedBundle(_HERE, f"{part['sender'].path} is zero; then it is left out")
    call = Call(asset.contract, part["data"].bytes(MAX_CALLDATA), sender, part["gas"].uint())
    returns = part["returns"].label(_RETURNS)
    split_types(returns)
    return CallReading(call, returns, part["index"].uint(255))


def _position_in(item: Shape, asset: Asset) -> Position:
    if asset.contract is None or asset.layout is not None:
        raise MalformedBundle(_HERE, "a position is at a contract, and has no layout")
    return _given_in(item)


def _given_in(item: Shape) -> Position:
    parts = list(item.items(1 + 2 * MOST_PARAMETERS))
    if len(parts) % 2 != 1:
        raise MalformedBundle(_HERE, f"{item.path} is a kind, and then names and values in turn")
    names = [part.label(_NAME) for part in parts[1::2]]
    values = [_parameter_in(part) for part in parts[2::2]]
    return Position(parts[0].word(PositionKind), tuple(zip(names, values, strict=True)))


def _parameter_in(item: Shape) -> Parameter:
    if isinstance(item.value, list):
        return int.from_bytes(hash32(item.tuple(1)[0].bytes()), "big")
    if isinstance(item.value, bytes):
        return item.bytes(64)
    return item.label(_WORD)


def _ascending_bytes(item: Shape, limit: int, width: int, what: str) -> tuple[bytes, ...]:
    found = tuple(item.all_bytes(limit, width))
    for one, two in pairwise(found):
        if one >= two:
            raise MalformedBundle(_HERE, f"{what} ascend, each once; out of order or repeated", two)
    return found


def _not_empty(item: Shape) -> None:
    if not item.value:
        raise MalformedBundle(_HERE, f"{item.path} is there and empty; then it is left out")


def _ascending(item: Shape, limit: int, below: int) -> tuple[int, ...]:
    indices = tuple(item.all_uints(limit))
    if any(one >= two for one, two in pairwise(indices)) or (indices and indices[-1] >= below):
        raise MalformedBundle(_HERE, f"indices ascend, each once, and stay below {below}")
    return indices


def _section_in(item: Shape, counts: tuple[int, int], limits: Limits) -> Section:
    part = item.fields("chain", "anchor", "steps", "nodes", optional=("settling", "codes", "light"))
    steps = []
    for step in part["steps"].items(limits.steps):
        link, header = step.tuple(2)
        steps.append(HeaderStep(link.word(Link), header.bytes(limits.header_bytes)))
    if "settling" in part and "light" in part:
        raise MalformedBundle(_HERE, "a network is settled on its parent, or has a light client of its own")
    return Section(
        chain_id(part["chain"].uint()),
        part["anchor"].bytes(limits.header_bytes),
        tuple(steps),
        _ascending(part["nodes"], limits.nodes, counts[0]),
        _settling_in(part["settling"], limits) if "settling" in part else None,
        _codes_in(part["codes"], limits, counts[1]) if "codes" in part else (),
        _light_in(part["light"], limits) if "light" in part else None,
    )


def _light_in(item: Shape, limits: Limits) -> LightEvidence:
    part = item.fields(optional=("attested", "bootstrap", "final", "updates"))
    updates = tuple(part["updates"].all_bytes(limits.light_updates, limits.light_bytes)) if "updates" in part else ()
    if not part or ("updates" in part and not updates):
        raise MalformedBundle(_HERE, "light-client evidence that is empty is left out")
    one = {name: part[name].bytes(limits.light_bytes) for name in ("attested", "bootstrap", "final") if name in part}
    return LightEvidence(one.get("bootstrap"), updates, one.get("final"), one.get("attested"))


def _settling_in(item: Shape, limits: Limits) -> Settling:
    parent, preimages = item.tuple(2)
    return Settling(chain_id(parent.uint()), tuple(preimages.all_bytes(limits.preimages, limits.preimage_bytes)))


def _codes_in(item: Shape, limits: Limits, below: int) -> tuple[int, ...]:
    _not_empty(item)
    return _ascending(item, limits.codes, below)


def _with_parents(chains: set[ChainId], sections: Sequence[Section]) -> set[ChainId]:
    """Networks, and those that they settle on, all the way up. Rollups that settle on one another lead to nothing."""
    parents = {section.chain_id: section.settling.parent for section in sections if section.settling is not None}
    found, new = set[ChainId](), chains
    while new:
        found |= new
        new = {parents[chain] for chain in new if chain in parents} - found
    return found


def _check_sections(
    sections: Sequence[Section],
    asked: tuple[Sequence[Claim], Sequence[PriceClaim]],
    omitted: Sequence[int],
    counts: tuple[int, int],
) -> None:
    claims, prices = asked
    chains = [section.chain_id for section in sections]
    if any(one >= two for one, two in pairwise(chains)):
        raise MalformedBundle(_HERE, "sections ascend by chain id, each once")
    left_out = frozenset(omitted)
    asked_for = {claim.chain_id for i, claim in enumerate(claims) if i not in left_out}
    wanted = _with_parents(asked_for | {claim.chain_id for claim in prices}, sections)
    if wanted != set(chains):
        raise MalformedBundle(
            _HERE, f"it has sections for networks {chains}, its claims and settlements need {sorted(wanted)}"
        )
    nodes = set().union(*(section.nodes for section in sections)) if sections else set()
    codes = set().union(*(section.codes for section in sections)) if sections else set()
    for pointed, count, what in ((nodes, counts[0], "nodes"), (codes, counts[1], "contract codes")):
        if len(pointed) != count:
            raise MalformedBundle(_HERE, f"{count - len(pointed)} of its {what} belong to no section")
