"""The bundle's one canonical form: what goes in comes out, and nothing else is a bundle."""

from __future__ import annotations

import dataclasses
import json

import cbor2
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from verifier.claims import Asset, Claim, ClaimKind, KeyOrder, ProxyKind, Source, TokenLayout
from verifier.errors import LimitExceeded, Malformed, MalformedBundle
from verifier.evidence import Bundle, HeaderStep, Link, Section
from verifier.policy import Limits
from verifier.primitives import Address, ChainId, SlotKey, Timestamp
from verifier.view import encode_view, parse_view
from verifier.wire import content_id, encode_bundle, parse_bundle

COIN = Asset(ChainId(1), "ETH", 18, "ETH")
TOKEN = Asset(
    ChainId(10), "USDC", 6, "USDC", Address(b"\x11" * 20),
    TokenLayout(SlotKey(bytes(31) + b"\x09"), KeyOrder.SOLIDITY, 0, 255, 255, 0, ProxyKind.ZEPPELINOS),
)  # fmt: skip
BUNDLE = Bundle(
    Timestamp(1_700_000_000),
    (
        Claim(COIN, Address(b"\xaa" * 20)),
        Claim(TOKEN, Address(b"\xaa" * 20), ClaimKind.DEBT, Source.USER),
        Claim(TOKEN, Address(b"\xbb" * 20)),
    ),
    (2,),
    (
        Section(ChainId(1), b"anchor one", (HeaderStep(Link.HISTORY, b"older"), HeaderStep(Link.PARENT, b"oldest")), (0, 2)),
        Section(ChainId(10), b"anchor two", (), (1, 2)),
    ),
    (b"a node", b"b node", b"c node"),
)  # fmt: skip


def body_of(data: bytes) -> dict[str, object]:
    return cbor2.loads(cbor2.loads(data)[3])


def resealed(body: dict[str, object] | bytes) -> bytes:
    """An envelope with the right content id around a changed body, in canonical encoding."""
    raw = body if isinstance(body, bytes) else cbor2.dumps(body, canonical=True)
    return cbor2.dumps(["xmargin-bundle", 1, content_id(raw), raw], canonical=True)


def test_a_bundle_comes_back_as_it_went_in() -> None:
    """Encoding and parsing are inverse, and the id is that of the body."""
    data = encode_bundle(BUNDLE)
    parsed = parse_bundle(data)
    assert parsed.bundle == BUNDLE
    assert encode_bundle(parsed.bundle) == data
    assert parsed.id == cbor2.loads(data)[2]


@pytest.mark.covers("PRF-09")
def test_any_single_changed_byte_is_refused() -> None:
    """Every byte of the file, changed to each of three other values."""
    data = encode_bundle(BUNDLE)
    for i in range(len(data)):
        for flip in (0x01, 0x80, 0xFF):
            with pytest.raises(Malformed):
                parse_bundle(data[:i] + bytes([data[i] ^ flip]) + data[i + 1 :])


@pytest.mark.parametrize("tail", [b"\x00", b"\xf6", b"again"])
def test_bytes_behind_a_bundle_are_refused(tail: bytes) -> None:
    """Trailing bytes, inside or outside the body, make it no bundle."""
    data = encode_bundle(BUNDLE)
    with pytest.raises(MalformedBundle, match="announced"):
        parse_bundle(data + tail)
    with pytest.raises(MalformedBundle, match="stand after the end"):
        parse_bundle(resealed(cbor2.loads(data)[3] + tail))


def test_every_cut_of_a_bundle_is_refused() -> None:
    """No prefix of a bundle is one."""
    data = encode_bundle(BUNDLE)
    for end in range(len(data)):
        with pytest.raises(Malformed):
            parse_bundle(data[:end])


CHANGES = {
    "unknown field": lambda b: b.update(extra=1),
    "missing field": lambda b: b.pop("omitted"),
    "unknown field of an asset": lambda b: b["assets"][0].update(price=1),
    "unknown field of a section": lambda b: b["sections"][0].update(root=b"\x01" * 32),
    "trust root smuggled in": lambda b: b.update(roots=[b"\x01" * 32]),
    "nodes out of order": lambda b: b["nodes"].reverse(),
    "repeated node": lambda b: b["nodes"].insert(0, b["nodes"][0]),
    "node in no section": lambda b: b["nodes"].append(b"zzz"),
    "section index past the nodes": lambda b: b["sections"][0]["nodes"].append(9),
    "section index twice": lambda b: b["sections"][0]["nodes"].insert(0, 0),
    "sections out of order": lambda b: b["sections"].reverse(),
    "section twice": lambda b: b["sections"].append(b["sections"][1]),
    "section that no claim needs": lambda b: b["omitted"].insert(0, 0),
    "claim without section": lambda b: b["sections"].pop(),
    "claim twice": lambda b: b["claims"].append(b["claims"][0]),
    "claim past the assets": lambda b: b["claims"][0].__setitem__(0, 7),
    "asset that no claim names": lambda b: b["assets"].append({**b["assets"][0], "chain": 5}),
    "assets in another order": lambda b: (b["assets"].reverse(), [c.__setitem__(0, 1 - c[0]) for c in b["claims"]]),
    "omitted past the claims": lambda b: b["omitted"].append(44),
    "unknown kind": lambda b: b["claims"][0].__setitem__(2, "gift"),
    "unknown source": lambda b: b["claims"][0].__setitem__(3, "trusted"),
    "unknown link": lambda b: b["sections"][0]["steps"][0].__setitem__(0, "jump"),
    "holder of 19 bytes": lambda b: b["claims"][0].__setitem__(1, b"\xaa" * 19),
    "holder as text": lambda b: b["claims"][0].__setitem__(1, "0xaa"),
    "negative time": lambda b: b.update(as_of=-1),
    "time as text": lambda b: b.update(as_of="1700000000"),
    "float time": lambda b: b.update(as_of=1.7e9),
    "null": lambda b: b.update(omitted=None),
    "true for an index": lambda b: b["omitted"].__setitem__(0, True),
    "chain id zero": lambda b: b["assets"][0].update(chain=0),
    "contract without layout": lambda b: b["assets"][1].pop("layout"),
    "field wider than its word": lambda b: b["assets"][1]["layout"].update(offset=2),
    "symbol with a control character": lambda b: b["assets"][0].update(symbol="ETH\x1b[31m"),
    "symbol that looks alike": lambda b: b["assets"][0].update(symbol="\u0415TH"),
    "empty symbol": lambda b: b["assets"][0].update(symbol=""),
}


@pytest.mark.covers("MPT-28", "MRG-02")
@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES)
def test_no_other_shape_is_a_bundle(change) -> None:
    """Each body with one thing out of form is refused, although its content id is right."""
    body = body_of(encode_bundle(BUNDLE))
    change(body)
    with pytest.raises(MalformedBundle):
        parse_bundle(resealed(body))


OTHER_ENCODINGS = {
    "long head for a short integer": lambda raw: raw.replace(
        b"\x1a\x65\x53\xf1\x00", b"\x1b\x00\x00\x00\x00\x65\x53\xf1\x00"
    ),
    "indefinite array": lambda raw: raw.replace(b"\x67omitted\x81\x02", b"\x67omitted\x9f\x02\xff"),
    "tagged value": lambda raw: raw.replace(b"\x67omitted\x81\x02", b"\x67omitted\x81\xd8\x40\x02"),
    "indefinite bytes": lambda raw: raw.replace(b"\x46a node", b"\x5f\x46a node\xff"),
    "bad UTF-8": lambda raw: raw.replace(b"\x63ETH", b"\x63E\xff\xff"),
}


@pytest.mark.parametrize("change", OTHER_ENCODINGS.values(), ids=OTHER_ENCODINGS)
def test_one_content_has_one_encoding(change) -> None:
    """The same content in another CBOR encoding is refused."""
    raw = cbor2.loads(encode_bundle(BUNDLE))[3]
    changed = change(raw)
    assert changed != raw
    with pytest.raises(MalformedBundle):
        parse_bundle(resealed(changed))


def test_keys_out_of_order_are_refused() -> None:
    """A map whose keys do not ascend is another encoding of the same map."""
    body = body_of(encode_bundle(BUNDLE))
    backwards = dict(reversed(list(body.items())))
    with pytest.raises(MalformedBundle, match="ascend"):
        parse_bundle(resealed(cbor2.dumps(backwards)))


@pytest.mark.covers("RLP-09")
def test_bombs_are_refused_before_they_are_built() -> None:
    """Depth, announced counts and sizes are bounded before anything is allocated."""
    with pytest.raises(LimitExceeded):
        parse_bundle(resealed(b"\x81" * 5_000 + b"\x00"))
    for head in (
        b"\x9b\x00\x00\x00\x10\x00\x00\x00\x00",
        b"\xbb\xff\xff\xff\xff\xff\xff\xff\xff",
        b"\x5b" + b"\xff" * 8,
    ):
        with pytest.raises(MalformedBundle):
            parse_bundle(resealed(head))
    with pytest.raises(LimitExceeded):
        parse_bundle(encode_bundle(BUNDLE), dataclasses.replace(Limits(), bundle_bytes=100))
    with pytest.raises(LimitExceeded):
        parse_bundle(encode_bundle(BUNDLE), dataclasses.replace(Limits(), nodes=2))
    with pytest.raises(MalformedBundle):
        parse_bundle(encode_bundle(BUNDLE), dataclasses.replace(Limits(), node_bytes=5))


def test_a_bundle_holds_neither_trust_root_nor_policy() -> None:
    """The fields of a bundle, by name: whoever adds one must think about this sentence."""
    assert set(body_of(encode_bundle(BUNDLE))) == {"as_of", "assets", "claims", "nodes", "omitted", "sections"}


@settings(max_examples=300, deadline=None)
@given(st.binary(max_size=300))
def test_any_bytes_parse_or_raise_our_own_error(data: bytes) -> None:
    """The invariant a fuzzer holds, on plain bytes and behind a right envelope."""
    for candidate in (data, resealed(data)):
        try:
            parse_bundle(candidate)
        except Malformed:
            pass


@settings(max_examples=300, deadline=None)
@given(st.data())
def test_mutated_bodies_parse_or_raise_our_own_error(data: st.DataObject) -> None:
    """Bytes changed, removed and put in, with the content id computed anew: our error or the same content."""
    raw = bytearray(cbor2.loads(encode_bundle(BUNDLE))[3])
    for _ in range(data.draw(st.integers(1, 4))):
        i = data.draw(st.integers(0, len(raw) - 1))
        match data.draw(st.integers(0, 2)):
            case 0:
                raw[i] = data.draw(st.integers(0, 255))
            case 1:
                del raw[i]
            case _:
                raw.insert(i, data.draw(st.integers(0, 255)))
    try:
        parsed = parse_bundle(resealed(bytes(raw)))
    except Malformed:
        return
    assert encode_bundle(parsed.bundle) == resealed(bytes(raw))


def test_the_json_view_means_the_same_bytes() -> None:
    """A view parses back to the bundle's own canonical bytes."""
    data = encode_bundle(BUNDLE)
    assert parse_view(encode_view(data)) == data


VIEW_CHANGES = {
    "another content": lambda v: v.update(as_of=v["as_of"] + 1),
    "unknown field": lambda v: v.update(policy={}),
    "number as text": lambda v: v.update(as_of=str(v["as_of"])),
    "upper-case hex": lambda v: v["nodes"].__setitem__(0, v["nodes"][0].upper()),
    "negative index": lambda v: v["omitted"].__setitem__(0, -1),
    "claim past the assets": lambda v: v["claims"][0].update(asset=9),
    "offset beyond 64 bits": lambda v: v["assets"][1]["layout"].update(offset=2**70),
    "unknown word": lambda v: v["claims"][0].update(kind="gift"),
}


@pytest.mark.parametrize("change", VIEW_CHANGES.values(), ids=VIEW_CHANGES)
def test_a_changed_view_is_refused(change) -> None:
    """A view with one thing changed is no bundle: shape or content id give it away."""
    view = json.loads(encode_view(encode_bundle(BUNDLE)))
    change(view)
    with pytest.raises(MalformedBundle):
        parse_view(json.dumps(view))


def test_a_view_that_is_not_json_is_refused() -> None:
    """Malformed JSON ends in our error, not the parser's."""
    for text in ("", "{", "[" * 100_000, "NaN", '{"schema": "xmargin.bundle/2"}'):
        with pytest.raises(MalformedBundle):
            parse_view(text)
