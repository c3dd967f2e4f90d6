"""The canonical bytes of a bundle to its shape. What comes out is believed by no one."""

from __future__ import annotations

from dataclasses import dataclass

from verifier.codec import cbor
from verifier.codec.cbor import Cbor
from verifier.errors import BadInput, LimitExceeded, MalformedBundle
from verifier.evidence import Bundle
from verifier.policy import DEFAULT_LIMITS, Limits
from verifier.primitives import Hash32, timestamp
from verifier.shape import Shape
from verifier.wire.encode import asset_table
from verifier.wire.envelope import HERE, content_id, open_envelope
from verifier.wire.lists import ascending, ascending_bytes, not_empty
from verifier.wire.parse_claims import asset_in, claim_in, prices_in
from verifier.wire.parse_sections import check_sections, section_in


@dataclass(frozen=True, slots=True)
class ParsedBundle:
    """A bundle and the content id that its bytes were found to have."""

    id: Hash32
    bundle: Bundle


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
    body, named = open_envelope(data)
    found = content_id(body)
    if found != named:
        raise MalformedBundle(HERE, f"its content id is 0x{found.hex()}, it names", named)
    budget = 3 * limits.nodes + 120 * limits.claims + 3 * limits.codes + 4_096
    try:
        return ParsedBundle(found, _bundle(cbor.decode(body, max_items=budget, where=HERE), limits))
    except BadInput as error:
        # The input is the sender's, not the caller's: this is evidence that does not hold, not misuse.
        raise MalformedBundle(HERE, str(error)) from None


def _bundle(value: Cbor, limits: Limits) -> Bundle:
    top = Shape(value, "body").fields(
        "as_of", "assets", "claims", "nodes", "omitted", "sections", optional=("codes", "prices")
    )
    assets = [asset_in(item) for item in top["assets"].items(limits.claims)]
    claims = tuple(claim_in(item, assets) for item in top["claims"].items(limits.claims))
    if asset_table(claims) != assets:
        raise MalformedBundle(HERE, "its asset table is not what its claims name, each once and in their order")
    if len({(claim.identity, claim.kind, claim.reading) for claim in claims}) != len(claims):
        raise MalformedBundle(HERE, "it makes one claim twice")
    nodes = ascending_bytes(top["nodes"], limits.nodes, limits.node_bytes, "trie nodes")
    codes: tuple[bytes, ...] = ()
    if "codes" in top:
        codes = ascending_bytes(top["codes"], limits.codes, limits.code_bytes, "contract codes")
        not_empty(top["codes"])
    omitted = ascending(top["omitted"], limits.claims, len(claims))
    counts = (len(nodes), len(codes))
    sections = tuple(section_in(item, counts, limits) for item in top["sections"].items(limits.sections))
    prices = prices_in(top["prices"], limits) if "prices" in top else ()
    check_sections(sections, (claims, prices), omitted, counts)
    return Bundle(timestamp(top["as_of"].uint()), claims, omitted, sections, nodes, codes, prices)
