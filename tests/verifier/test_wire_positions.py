"""Positions in a bundle: every parameter comes back as it went in, and no other spelling of one is taken."""

from __future__ import annotations

import cbor2
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.verifier.test_wire import body_of, resealed
from verifier.claims import Asset, Claim, ClaimKind, Source
from verifier.errors import CountedTwice, MalformedBundle
from verifier.evidence import Bundle, Section
from verifier.margin.duplicates import check_duplicates
from verifier.positions import MOST_PARAMETERS, PositionKind, position
from verifier.primitives import Address, ChainId, Timestamp
from verifier.view import encode_view, parse_view
from verifier.wire import encode_bundle, parse_bundle

MARKET = Asset(ChainId(1), "LENT", 18, "USD", Address(b"\x77" * 20))
MANY = position(
    PositionKind.MORPHO_BLUE, market=b"\x01" * 32, coin=b"\x02" * 20, model="linear", number=2**256 - 1, zero=0
)


def bundle_of(*readings):
    claims = tuple(Claim(MARKET, Address(b"\xaa" * 20), ClaimKind.DEBT, Source.USER, reading) for reading in readings)
    return Bundle(Timestamp(1_700_000_000), claims, (), (Section(ChainId(1), b"anchor", (), (0,)),), (b"a node",))


VALUES = st.one_of(
    st.integers(0, 2**256 - 1),
    st.binary(min_size=0, max_size=64),
    st.text(st.characters(min_codepoint=32, max_codepoint=126), min_size=1, max_size=30),
)


@given(
    st.sampled_from(PositionKind),
    st.dictionaries(st.from_regex(r"[a-z][a-z0-9_]{0,9}", fullmatch=True), VALUES, max_size=6),
)
def test_positions_come_back_as_they_went_in(kind, given_):
    """In the canonical form and in the JSON view."""
    bundle = bundle_of(position(kind, **given_))
    data = encode_bundle(bundle)
    assert parse_bundle(data).bundle == bundle
    assert parse_view(encode_view(data)) == data


CHANGES = {
    "both readings": lambda r: r.update(call={"data": b"", "gas": 30_000, "returns": "(uint256)", "index": 0}),
    "neither": lambda r: r.pop("position"),
    "an unknown kind": lambda r: r["position"].__setitem__(0, "aave-v9"),
    "a name without a value": lambda r: r["position"].pop(),
    "names out of order": lambda r: r.update(position=["steth", "b", b"", "a", b""]),
    "a name twice": lambda r: r.update(position=["steth", "a", b"", "a", b""]),
    "a name in capitals": lambda r: r.update(position=["steth", "A", b""]),
    "a short number": lambda r: r.update(position=["steth", "a", [b"\x01"]]),
    "a plain number": lambda r: r.update(position=["steth", "a", 1]),
    "too many bytes": lambda r: r.update(position=["steth", "a", bytes(65)]),
    "an empty word": lambda r: r.update(position=["steth", "a", ""]),
    "a word with a line end": lambda r: r.update(position=["steth", "a", "x\n"]),
    "too many": lambda r: r.update(
        position=["steth", *(p for i in range(MOST_PARAMETERS + 1) for p in (f"a{i:03}", b""))]
    ),
}


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES)
def test_no_other_shape_is_a_position(change):
    """One thing changed in a position, and there is no bundle."""
    body = body_of(encode_bundle(bundle_of(MANY)))
    parse_bundle(resealed(body))
    change(body["claims"][0][4])
    with pytest.raises(Exception) as caught:
        parse_bundle(resealed(body))
    assert type(caught.value).__name__ in {"MalformedBundle", "LimitExceeded"}


def test_one_part_is_claimed_once():
    """Two claims of one market are one claim made twice, whatever else their parameters say; of two markets they are two."""
    again = position(PositionKind.MORPHO_BLUE, market=b"\x01" * 32, coin=b"\x03" * 20, model="none")
    with pytest.raises(CountedTwice, match="same network, asset and holder"):
        check_duplicates(bundle_of(MANY, again).claims)
    with pytest.raises(MalformedBundle, match="one claim twice"):
        parse_bundle(encode_bundle(bundle_of(MANY, MANY)))
    other = position(PositionKind.MORPHO_BLUE, market=b"\x04" * 32, coin=b"\x02" * 20, model="none")
    assert len(parse_bundle(encode_bundle(bundle_of(MANY, other))).bundle.claims) == 2
    check_duplicates(bundle_of(MANY, other).claims)


@pytest.mark.parametrize("text", ["#01", "#-1", "#", "1", "0X11", "#1_0"])
def test_a_view_has_one_spelling_of_a_parameter(text):
    """A number in another spelling, or a parameter without its mark, is refused."""
    view = encode_view(encode_bundle(bundle_of(MANY))).replace('"#0"', f'"{text}"')
    with pytest.raises(MalformedBundle):
        parse_view(view)
    assert cbor2.loads(cbor2.dumps(text)) == text
