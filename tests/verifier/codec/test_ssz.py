"""SSZ and its JSON: for any value there and back, and for any bytes a value or a refusal."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from tests.simulators.beacon import BeaconChain, devnet
from verifier.codec.ssz import (
    Bits,
    Container,
    Items,
    OctetList,
    Octets,
    Record,
    Uint,
    Value,
    Vector,
    decode,
    encode,
    field_branch,
    from_json,
    hash_tree_root,
    to_json,
    zero,
)
from verifier.consensus.forks import FORKS, Fork
from verifier.consensus.parse import decode_bootstrap, decode_update, decode_updates, parse_update
from verifier.consensus.shapes import DENEB_PAYLOAD, Kind, shape_of
from verifier.errors import Malformed, Unsupported, Where
from verifier.trie.binary import Gindex, verify_branch

WHERE = Where(network="test")
INNER = Container("Inner", (("few", OctetList(5)), ("three", Vector(Octets(4), 3))))
OUTER = Container(
    "Outer", (("a", Uint(8)), ("inner", INNER), ("bits", Bits(11)), ("more", OctetList(9)), ("wide", Uint(32)))
)
CONFIG = BeaconChain(devnet((Fork.GLOAS, 0))).config

values = st.builds(
    lambda a, few, three, bits, more, wide: Record(
        OUTER,
        {"a": a, "inner": Record(INNER, {"few": few, "three": Items(three)}), "bits": tuple(bits), "more": more, "wide": wide},
    ),
    st.integers(0, 2**64 - 1),
    st.binary(max_size=5),
    st.lists(st.binary(min_size=4, max_size=4), min_size=3, max_size=3),
    st.lists(st.booleans(), min_size=11, max_size=11),
    st.binary(max_size=9),
    st.integers(0, 2**256 - 1),
)  # fmt: skip


@given(values)
def test_there_and_back(value: Record) -> None:
    """Through SSZ and through JSON."""
    assert decode(OUTER, encode(OUTER, value), WHERE) == value
    assert from_json(OUTER, to_json(OUTER, value), WHERE) == value


@settings(max_examples=300)
@given(st.binary(max_size=140))
def test_any_bytes_are_a_value_in_its_one_form_or_refused(data: bytes) -> None:
    """What decodes encodes to the same bytes."""
    try:
        value = decode(OUTER, data, WHERE)
    except Malformed:
        return
    assert encode(OUTER, value) == data


@given(values)
def test_fields_are_proven_under_the_root(value: Record) -> None:
    """The branch of any field leads from its root to the container's."""
    root = hash_tree_root(OUTER, value)
    for place, (name, kind) in enumerate(OUTER.fields):
        leaf = hash_tree_root(kind, value[name])
        verify_branch(leaf, field_branch(value, name), Gindex(8 + place), root, WHERE, name)


json_like = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=8) | st.sampled_from(["0x", "0x00", "5"]),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(st.sampled_from(["attested_header", "beacon", "slot", "x"]), inner, max_size=4)
    ),
    max_leaves=12,
)


@settings(max_examples=200)
@given(json_like, st.sampled_from([*FORKS, "heze", None, 5]))
def test_any_json_is_an_update_or_refused(data: object, version: object) -> None:
    """Nothing but our own refusals comes out of a parser."""
    try:
        parse_update(CONFIG, version, data)
    except (Malformed, Unsupported):
        return
    raise AssertionError("no update was there")


@settings(max_examples=200)
@given(st.binary(max_size=400), st.sampled_from(list(FORKS)), st.sampled_from(list(Kind)))
def test_any_bytes_are_an_object_or_refused(data: bytes, fork: Fork, kind: Kind) -> None:
    """Random bytes, and the zero value of each shape with a random tail."""
    decoders = [
        lambda raw: (
            decode_bootstrap(CONFIG, fork, raw) if kind is Kind.BOOTSTRAP else decode_update(CONFIG, fork, raw, kind)
        ),
        lambda raw: decode_updates(CONFIG, raw),
    ]
    tails = [data]
    if fork is not Fork.PHASE0:
        shape = shape_of(kind, fork, 32)
        tails.append(encode(shape, zero(shape))[: -len(data) or None] + data)
    for decoder in decoders:
        for raw in tails:
            try:
                decoder(raw)
            except (Malformed, Unsupported):
                continue


def test_a_record_holds_exactly_its_fields_and_says_what_each_is() -> None:
    """Mistakes of ours are TypeErrors, never a wrong value."""
    payload = zero(DENEB_PAYLOAD)
    assert isinstance(payload, Record)
    calls = [
        lambda: Record(INNER, {"few": b""}),
        lambda: payload.uint("block_hash"),
        lambda: payload.octets("gas_limit"),
        lambda: payload.record("gas_limit"),
        lambda: payload.bits("gas_limit"),
        lambda: payload.all_octets("gas_limit"),
        lambda: encode(Octets(4), b"abc"),
        lambda: encode(Uint(8), b"abc"),
        lambda: encode(Bits(3), (True,)),
        lambda: encode(Vector(Octets(4), 3), Items([b"abcd"])),
        lambda: to_json(Uint(8), b""),
    ]
    for call in calls:
        try:
            call()
        except TypeError:
            continue
        raise AssertionError("taken")
    value: Value = payload["gas_limit"]
    assert value == 0
    assert payload.has("blob_gas_used")
    assert not payload.has("requests_hash")
