"""Each check of the bundle's reader on its own, found by removing it: boundaries, and errors that say which check spoke."""

from __future__ import annotations

import dataclasses

import cbor2
import pytest

from tests.verifier.test_wire import BUNDLE, TOKEN, body_of, resealed
from verifier.claims import Asset, Claim, TokenLayout
from verifier.codec.cbor import decode
from verifier.errors import LimitExceeded, MalformedBundle, Where
from verifier.evidence import Bundle, HeaderStep, Link, Section
from verifier.policy import Limits
from verifier.primitives import MAX_CHAIN_ID, Address, ChainId, Timestamp, slot_key
from verifier.shape import Shape
from verifier.wire import MAGIC, content_id, encode_bundle, parse_bundle

HERE = Where(network="bundle")


def read(data: bytes, max_items: int = 100):
    return decode(data, max_items=max_items, where=HERE)


# --- deterministic CBOR -------------------------------------------------------------------------------------

SHORTEST = {23: "17", 24: "1818", 255: "18ff", 256: "190100", 65_535: "19ffff", 65_536: "1a00010000",
            2**32 - 1: "1affffffff", 2**32: "1b0000000100000000", 2**64 - 1: "1bffffffffffffffff"}  # fmt: skip


@pytest.mark.parametrize(("number", "encoded"), SHORTEST.items(), ids=str)
def test_each_width_of_a_head_begins_where_the_shorter_one_ends(number: int, encoded: str) -> None:
    """The least and greatest number of every width of head are read."""
    assert read(bytes.fromhex(encoded)) == number


@pytest.mark.covers("ATT-05")
@pytest.mark.parametrize("encoded", ["1817", "1900ff", "1a0000ffff", "1b00000000ffffffff"])
def test_a_longer_head_for_the_number_before_is_refused(encoded: str) -> None:
    """One less than the least of its width is another encoding of what a shorter head says."""
    with pytest.raises(MalformedBundle, match="the head is longer than its value needs"):
        read(bytes.fromhex(encoded))


REFUSED_CBOR = {
    "cut off in a byte string": ("43 0102", "3 bytes are announced, 2 are left"),
    "cut off in a text": ("63 6162", "3 bytes are announced, 2 are left"),
    "cut off in a head": ("19 01", "2 bytes are announced, 1 are left"),
    "nothing at all": ("", "1 byte is announced, 0 are left"),
    "an array without its items": ("82 00", "2 items are announced, more than the input can hold"),
    "a map without its last value": ("a1 6161", None),
    "a map with room for half of it": ("a2 6161", "2 items are announced, more than the input can hold"),
    "an array of unknown length": ("9f 00 ff", "indefinite lengths and reserved heads are not allowed"),
    "a reserved head": ("1c", "indefinite lengths and reserved heads are not allowed"),
    "a negative integer": ("20", "only unsigned integers, bytes, text, arrays and maps are allowed"),
    "a tag": ("c0 00", "only unsigned integers, bytes, text, arrays and maps are allowed"),
    "false": ("f4", "only unsigned integers, bytes, text, arrays and maps are allowed"),
    "a float": ("fb 3ff0000000000000", "only unsigned integers, bytes, text, arrays and maps are allowed"),
    "text that is not UTF-8": ("61 ff", "text is not UTF-8"),
    "a key that is a number": ("a1 00 00", "keys of a map are text"),
    "a key that is bytes": ("a1 41 61 00", "keys of a map are text"),
    "a key twice": ("a2 6161 00 6161 01", "keys of a map ascend, each once"),
    "keys that fall": ("a2 6162 00 6161 01", "keys of a map ascend, each once"),
    "a byte behind it": ("00 00", "1 bytes stand after the end"),
}


@pytest.mark.parametrize(("encoded", "reason"), REFUSED_CBOR.values(), ids=REFUSED_CBOR)
def test_what_is_not_the_one_form_is_refused_by_its_own_check(encoded: str, reason: str | None) -> None:
    """Each departure from the deterministic form is named for what it is."""
    with pytest.raises(MalformedBundle, match=reason):
        read(bytes.fromhex(encoded))


def test_the_same_with_nothing_wrong_is_read() -> None:
    """Siblings of what is refused above."""
    assert read(bytes.fromhex("43 010203")) == b"\1\2\3"
    assert read(bytes.fromhex("63 616263")) == "abc"
    assert read(bytes.fromhex("82 00 01")) == [0, 1]
    assert read(bytes.fromhex("a2 6161 00 6162 01")) == {"a": 0, "b": 1}
    assert read(bytes.fromhex("a0")) == {}


@pytest.mark.covers("RLP-09")
def test_the_budget_of_items_is_exact() -> None:
    """Keys and values count one each; the last allowed item is read, one more is refused."""
    data = cbor2.dumps([0, {"a": 1}], canonical=True)
    assert read(data, max_items=4) == [0, {"a": 1}]
    with pytest.raises(LimitExceeded, match="items in a bundle"):
        read(data, max_items=3)


@pytest.mark.covers("RLP-09")
def test_the_nesting_is_exact() -> None:
    """Seven arrays and what is in them are eight levels; one more is refused."""
    assert read(b"\x81" * 7 + b"\x05") == [[[[[[[5]]]]]]]
    with pytest.raises(LimitExceeded, match="nesting"):
        read(b"\x81" * 8 + b"\x05")


# --- shapes -------------------------------------------------------------------------------------------------


def shape(value: object) -> Shape:
    return Shape(value, "it")  # type: ignore[arg-type]


READS = {
    "a map": (lambda s: s.fields("a"), {"a": 1}, [1]),
    "a map with all fields": (lambda s: s.fields("a"), {"a": 1}, {}),
    "a map without others": (lambda s: s.fields("a"), {"a": 1}, {"a": 1, "b": 2}),
    "an array": (lambda s: list(s.items(2)), [1], {"a": 1}),
    "an array that is no text": (lambda s: list(s.items(2)), [1], "ab"),
    "an array of two": (lambda s: s.tuple(2), [1, 2], [1]),
    "an array of two and not more": (lambda s: s.tuple(2), [1, 2], [1, 2, 3]),
    "an array, though text has a length too": (lambda s: s.tuple(2), [1, 2], "ab"),
    "byte strings": (lambda s: list(s.all_bytes(2, 3)), [b"abc"], ["abc"]),
    "byte strings of a width": (lambda s: list(s.all_bytes(2, 3)), [b"abc"], [b"abcd"]),
    "numbers": (lambda s: list(s.all_uints(2)), [0, 1], [0, b"1"]),
    "a number": (lambda s: s.uint(9), 9, "9"),
    "a number up to a bound": (lambda s: s.uint(9), 9, 10),
    "bytes": (lambda s: s.bytes(), b"abcd", "abcd"),
    "bytes up to a width": (lambda s: s.bytes(3), b"abc", b"abcd"),
    "bytes of a width, not text": (lambda s: s.bytes(3), b"abc", "abc"),
    "a word": (lambda s: s.word(Link), "parent", "jump"),
    "a word, not its bytes": (lambda s: s.word(Link), "parent", b"parent"),
}


@pytest.mark.parametrize(("take", "good", "bad"), READS.values(), ids=READS)
def test_a_shape_takes_one_kind_only(take, good, bad) -> None:
    """Each reader of a structure takes what it is for, and refuses the nearest other thing with its place."""
    take(shape(good))
    with pytest.raises(MalformedBundle, match="is due") as caught:
        take(shape(bad))
    assert caught.value.where.node == "it"


def test_a_count_of_items_is_exact() -> None:
    """As many as the limit says, and not one more."""
    assert len(list(shape([1, 2]).items(2))) == 2
    with pytest.raises(LimitExceeded, match="items in it"):
        shape([1, 2, 3]).items(2)


# --- the envelope -------------------------------------------------------------------------------------------


def sized(anchor: int) -> Bundle:
    """A bundle whose size its one anchor decides."""
    claim = Claim(Asset(ChainId(1), "E", 1, "E"), Address(b"\xaa" * 20))
    return Bundle(Timestamp(1), (claim,), (), (Section(ChainId(1), bytes(anchor), (), ()),), ())


def envelope(head: str, body: bytes) -> bytes:
    """The envelope with any head for its body, and the content id of that body."""
    start = bytes([0x84, 0x60 | len(MAGIC)]) + MAGIC.encode() + b"\x01\x58\x20"
    return start + content_id(body) + bytes.fromhex(head) + body


def body_bytes(size: int) -> bytes:
    """The body of a bundle, of exactly that many bytes."""
    for anchor in range(size):
        raw = cbor2.loads(encode_bundle(sized(anchor)))[3]
        if len(raw) == size:
            return raw
    raise LookupError(size)


def test_each_width_of_the_bodys_head_is_read_from_its_least_length() -> None:
    """One byte up to 255, two from 256 to 65,535, four from 65,536."""
    for size, head in ((255, "58ff"), (256, "590100")):
        raw = body_bytes(size)
        assert parse_bundle(envelope(head, raw)).id == content_id(raw)
    for anchor in (65_535 - 200, 65_536 - 50):
        bundle = sized(anchor)
        assert parse_bundle(encode_bundle(bundle), Limits(header_bytes=1 << 17)).bundle == bundle


@pytest.mark.covers("ATT-05")
@pytest.mark.parametrize(
    ("size", "head"), [(255, "5900ff"), (256, "5a00000100"), (256, "5b0000000000000100"), (255, "5a000000ff")]
)
def test_a_longer_head_of_the_body_is_another_file_for_one_content(size: int, head: str) -> None:
    """Two files with one content id would be one bundle twice."""
    with pytest.raises(MalformedBundle, match="longer written than it needs to be"):
        parse_bundle(envelope(head, body_bytes(size)))


@pytest.mark.parametrize("head", ["5c", "5f", "1a00000100", "81", "79 0100", ""])
def test_a_body_is_a_byte_string_of_a_told_length(head: str) -> None:
    """Reserved and indefinite heads, and the heads of other kinds."""
    body = b"" if not head else body_bytes(256)
    with pytest.raises(MalformedBundle, match="its body is not a byte string"):
        parse_bundle(envelope(head, body))


@pytest.mark.parametrize("head", ["58", "59", "5901", "5a000001", "5b00000000000001"])
def test_a_head_that_is_cut_off_is_none(head: str) -> None:
    """The file ends within the length of its body."""
    with pytest.raises(MalformedBundle, match="its body is not a byte string"):
        parse_bundle(envelope(head, b""))


def test_a_body_of_fewer_than_24_bytes_has_a_short_head() -> None:
    """The head is read as it is, and the body is then refused for what it holds; a long head is refused as such."""
    for size in (0, 1, 23):
        with pytest.raises(MalformedBundle, match=r"announced|a map is due|stand after"):
            parse_bundle(envelope(f"{0x40 + size:02x}", bytes(size)))
    with pytest.raises(MalformedBundle, match="a map is due"):
        parse_bundle(envelope("5818", b"\x57" + bytes(23)))
    with pytest.raises(MalformedBundle, match="longer written"):
        parse_bundle(envelope("5817", b"\x56" + bytes(22)))


def test_the_limits_of_a_bundle_are_exact() -> None:
    """Each at its value, and one below it."""
    data = encode_bundle(BUNDLE)
    exact = Limits(
        bundle_bytes=len(data), claims=3, sections=2, nodes=3, node_bytes=6, header_bytes=len(b"anchor one"), steps=2
    )
    assert parse_bundle(data, exact).bundle == BUNDLE
    for name in ("bundle_bytes", "claims", "sections", "nodes", "steps"):
        with pytest.raises(LimitExceeded):
            parse_bundle(data, dataclasses.replace(exact, **{name: getattr(exact, name) - 1}))
    for name in ("node_bytes", "header_bytes"):
        with pytest.raises(MalformedBundle, match="is due"):
            parse_bundle(data, dataclasses.replace(exact, **{name: getattr(exact, name) - 1}))


def test_the_budget_of_items_grows_with_the_limits() -> None:
    """A body of many items ends at the budget even where each array alone would be within its limit."""
    body = body_of(encode_bundle(BUNDLE))
    body["omitted"] = list(range(6_000))
    with pytest.raises(LimitExceeded, match="items in a bundle"):
        parse_bundle(resealed(body), Limits(nodes=3, claims=3, codes=3))


# --- the content --------------------------------------------------------------------------------------------

PRECISE = {
    "claim just past the assets": (lambda b: b["claims"][0].__setitem__(0, 2), "a claim points past the asset table"),
    "claim twice": (lambda b: b["claims"].append(b["claims"][0]), "it makes one claim twice"),
    "asset that no claim names": (
        lambda b: b["assets"].append({**b["assets"][0], "chain": 5}),
        "its asset table is not what its claims name",
    ),
    "one node twice": (lambda b: b["nodes"].insert(1, b["nodes"][0]), "trie nodes ascend, each once"),
    "nodes out of order": (lambda b: b["nodes"].reverse(), "trie nodes ascend, each once"),
    "index twice": (lambda b: b["sections"][0]["nodes"].insert(0, 0), "indices ascend, each once, and stay below 3"),
    "indices that fall": (lambda b: b["sections"][0]["nodes"].reverse(), "indices ascend, each once, and stay below 3"),
    "index just past the nodes": (lambda b: b["sections"][0]["nodes"].append(3), "stay below 3"),
    "omitted just past the claims": (lambda b: b["omitted"].append(3), "stay below 3"),
    "index that is bytes": (lambda b: b["omitted"].__setitem__(0, b"2"), "an array of unsigned integers is due"),
    "section twice": (lambda b: b["sections"].append(b["sections"][1]), "sections ascend by chain id, each once"),
    "sections out of order": (lambda b: b["sections"].reverse(), "sections ascend by chain id, each once"),
    "section without claims": (lambda b: b["omitted"].insert(0, 0), "its claims and settlements need"),
    "claims without section": (lambda b: b["sections"].pop(), "its claims and settlements need"),
    "node of no section": (lambda b: b["nodes"].append(b"z node"), "1 of its nodes belong to no section"),
    "contract without layout": (lambda b: b["assets"][1].pop("layout"), "has a layout, or says how it is read"),
    "layout without contract": (lambda b: b["assets"][1].pop("contract"), "an asset with a layout has a contract"),
    "field of no bits": (lambda b: b["assets"][1]["layout"].update(width=0), "a balance field leaves its word"),
    "field past its word": (lambda b: b["assets"][1]["layout"].update(offset=2), "a balance field leaves its word"),
    "offset past its word": (lambda b: b["assets"][1]["layout"].update(offset=256), "an unsigned integer up to 255"),
    "flag past its word": (lambda b: b["assets"][1]["layout"].update(blocked=256), "an unsigned integer up to 255"),
    "too many decimals": (lambda b: b["assets"][0].update(decimals=78), "an unsigned integer up to 77"),
    "claim of three parts": (lambda b: b["claims"][0].pop(), "an array of 4 is due"),
    "step of one part": (lambda b: b["sections"][0]["steps"][0].pop(), "an array of 2 is due"),
    "another content id": (None, "its content id is"),
}


@pytest.mark.parametrize(("change", "reason"), PRECISE.values(), ids=PRECISE)
def test_each_fault_of_a_body_is_found_by_its_own_check(change, reason: str) -> None:
    """The body with one fault, and the check that is there for it."""
    data = encode_bundle(BUNDLE)
    body = body_of(data)
    if change is None:
        body["as_of"] += 1
        raw = cbor2.dumps(body, canonical=True)
        forged = cbor2.dumps([MAGIC, 1, cbor2.loads(data)[2], raw], canonical=True)
    else:
        change(body)
        forged = resealed(body)
    with pytest.raises(MalformedBundle, match=reason):
        parse_bundle(forged)


@pytest.mark.covers("CHN-01")
def test_chain_ids_stay_below_what_json_can_carry() -> None:
    """The greatest chain id is read; the next, and zero, are refused."""
    body = body_of(encode_bundle(sized(3)))
    for chain, good in ((MAX_CHAIN_ID, True), (MAX_CHAIN_ID + 1, False), (0, False)):
        body["assets"][0]["chain"] = body["sections"][0]["chain"] = chain
        if good:
            assert parse_bundle(resealed(body)).bundle.sections[0].chain_id == chain
            continue
        with pytest.raises(MalformedBundle, match="chain id"):
            parse_bundle(resealed(body))


@pytest.mark.covers("STO-04")
@pytest.mark.parametrize("where", [(0, 256), (255, 1), (0, 1), (8, 248)])
def test_a_field_may_fill_its_word_and_no_more(where: tuple[int, int]) -> None:
    """Offset and width at their bounds come back as they went in; one bit more is refused."""
    offset, width = where
    asset = dataclasses.replace(TOKEN, layout=TokenLayout(slot_key(0), offset_bits=offset, width_bits=width))
    bundle = dataclasses.replace(
        sized(1), claims=(Claim(asset, Address(b"\xaa" * 20)),), sections=(Section(ChainId(10), b"a", (), ()),)
    )
    assert parse_bundle(encode_bundle(bundle)).bundle == bundle
    body = body_of(encode_bundle(bundle))
    body["assets"][0]["layout"]["width"] = 257 - offset
    with pytest.raises(MalformedBundle, match=r"leaves its word|an unsigned integer up to 256"):
        parse_bundle(resealed(body))


def test_a_bundle_without_nodes_or_steps_is_one() -> None:
    """The least bundle, and one with every optional part."""
    step = HeaderStep(Link.PARENT, b"older")
    for bundle in (sized(1), dataclasses.replace(sized(1), sections=(Section(ChainId(1), b"a", (step,), ()),))):
        assert parse_bundle(encode_bundle(bundle)).bundle == bundle
    nothing = Bundle(Timestamp(5), (), (), (), ())
    assert parse_bundle(encode_bundle(nothing)).bundle == nothing
