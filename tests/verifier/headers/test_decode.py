"""Headers by dialect: which lists of fields are headers, what they hash to, and which JSON fields make which bytes."""

from __future__ import annotations

import contextlib

import pytest
import rlp
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.simulators.chain import header_fields, uint
from tests.simulators.trie_builder import keccak
from tests.vectors.chain_files import BLANK_HEADER
from verifier.errors import LimitExceeded, MalformedHeader, MalformedRlp, VerifierError, Where
from verifier.headers.decode import MAX_UNKNOWN, candidates, decode_header, encode_header
from verifier.headers.dialects import LAYOUTS, NUMBERS, SHAPES, Bytes
from verifier.network import Dialect, Family

WHERE = Where(network="test")
PLAIN = [d for d in Dialect if d is not Dialect.CELO_EARLY]
ETHEREUM = Family("ethereum")


def family(*dialects: Dialect) -> Family:
    return Family("test", dialects=dialects)


def content(name: str) -> bytes:
    """Some bytes of the field's shape, different for each field."""
    shape = SHAPES[name]
    if isinstance(shape, Bytes):
        return keccak(name.encode())[: shape.width or 9].ljust(shape.width or 9, b"\x07")
    return b"\x01" + keccak(name.encode())[:3]


def items(dialect: Dialect, count: int | None = None) -> list[bytes]:
    made = [content(name) for name in LAYOUTS[dialect].fields]
    return (made + [b"\x09"] * 20)[: len(LAYOUTS[dialect].required) if count is None else count]


@pytest.mark.parametrize("dialect", PLAIN)
def test_every_count_of_fields_of_a_dialect_decodes(dialect: Dialect) -> None:
    """A header of any fork of a dialect hashes over all its bytes and yields the fields at their places."""
    layout = LAYOUTS[dialect]
    for count in range(len(layout.required), len(layout.fields) + 1):
        if count in layout.never:
            continue
        raw = rlp.encode(items(dialect, count))
        header = decode_header(raw, family(dialect), WHERE)
        assert (header.dialect, header.hash, header.unknown) == (dialect, keccak(raw), 0)
        assert header.state_root == content("stateRoot")
        assert header.parent_hash == content("parentHash")
        assert (header.transactions_root, header.receipts_root) == (
            content("transactionsRoot"),
            content("receiptsRoot"),
        )
        assert (header.number, header.timestamp) == tuple(
            int.from_bytes(content(name), "big") for name in ("number", "timestamp")
        )
        has_list = "withdrawalsRoot" in layout.fields[:count]
        assert header.withdrawals_root == (content("withdrawalsRoot") if has_list else None)


@pytest.mark.covers("HDR-04")
@pytest.mark.parametrize("dialect", PLAIN)
def test_counts_that_no_fork_has_are_no_headers(dialect: Dialect) -> None:
    """Fewer fields than the first fork had, and counts between fields that came together, are refused."""
    layout = LAYOUTS[dialect]
    for count in [*range(len(layout.required)), *layout.never]:
        with pytest.raises(MalformedHeader):
            decode_header(rlp.encode(items(dialect, count)), family(dialect), WHERE)


@pytest.mark.covers("HDR-04")
@pytest.mark.parametrize("count", [14, 18, 19])
def test_counts_that_ethereum_never_had(count: int) -> None:
    """14, 18 and 19 fields were never a header of Ethereum."""
    with pytest.raises(MalformedHeader):
        decode_header(rlp.encode(header_fields(1, 1)[:count]), ETHEREUM, WHERE)


@pytest.mark.parametrize("count", [15, 16, 17, 20, 21])
def test_counts_that_ethereum_had(count: int) -> None:
    """15, 16, 17, 20 and 21 fields were."""
    raw = rlp.encode(header_fields(1, 1)[:count])
    assert decode_header(raw, ETHEREUM, WHERE).hash == keccak(raw)


def test_fields_of_later_forks_are_under_the_hash_and_unread() -> None:
    """Unknown fields behind the known ones change the hash and nothing else, up to a bound."""
    known = [*header_fields(1, 1), keccak(b"access list"), uint(77)]
    plain = decode_header(rlp.encode(known), ETHEREUM, WHERE)
    for extra in ([b"\x05"], [[b"a", b"b"]], [b"\x01"] * MAX_UNKNOWN):
        raw = rlp.encode(known + extra)
        header = decode_header(raw, ETHEREUM, WHERE)
        assert (header.hash, header.unknown) == (keccak(raw), len(extra))
        assert header.hash != plain.hash
        assert (header.state_root, header.number) == (plain.state_root, plain.number)
    with pytest.raises(MalformedHeader):
        decode_header(rlp.encode(known + [b"\x01"] * (MAX_UNKNOWN + 1)), ETHEREUM, WHERE)


@pytest.mark.parametrize("name", [n for n in SHAPES if n != "extraData"])
def test_a_field_of_another_shape_is_refused(name: str) -> None:
    """Each field is held to its width, integers to their shortest form; a list is no field."""
    dialect = next(d for d in PLAIN if name in LAYOUTS[d].fields)
    honest = items(dialect, len(LAYOUTS[dialect].fields))
    at = LAYOUTS[dialect].fields.index(name)
    assert decode_header(rlp.encode(honest), family(dialect), WHERE).unknown == 0
    wrong: list = [[b"\x01"], content(name) + bytes(40)]
    wrong += (
        [b"\x00" + content(name), b"\x00"] if name in NUMBERS else [b"", content(name)[1:], content(name) + b"\x01"]
    )
    for value in wrong:
        with pytest.raises(MalformedHeader):
            decode_header(rlp.encode([*honest[:at], value, *honest[at + 1 :]]), family(dialect), WHERE)


@pytest.mark.parametrize(
    ("raw", "error"),
    [
        (b"", MalformedRlp),
        (b"\x80", MalformedRlp),
        (rlp.encode(header_fields(1, 1)) + b"\x00", MalformedRlp),
        (rlp.encode(header_fields(1, 1))[:-1], MalformedRlp),
        (b"\xc0", MalformedHeader),
        (rlp.encode([*header_fields(1, 1)[:12], bytes(70_000), *header_fields(1, 1)[13:]]), LimitExceeded),
    ],
    ids=["nothing", "string", "trailing byte", "cut off", "empty list", "too large"],
)
def test_other_bytes_are_refused(raw: bytes, error: type[VerifierError]) -> None:
    """Bytes that are no list of fields, or more than a header can be, are refused for exactly that."""
    with pytest.raises(error):
        decode_header(raw, ETHEREUM, WHERE)


def test_a_family_with_two_dialects_takes_both_and_no_third() -> None:
    """Gnosis before and after its merge decode under one family; an Avalanche header does not."""
    gnosis = family(Dialect.AURA, Dialect.ETHEREUM)
    for dialect in gnosis.dialects:
        raw = rlp.encode(items(dialect))
        assert decode_header(raw, gnosis, WHERE).dialect is dialect
    mixed = items(Dialect.AURA)
    mixed[13] = bytes(32)  # a mixHash beside a signature
    with pytest.raises(MalformedHeader):
        decode_header(rlp.encode(mixed), gnosis, WHERE)


def test_a_family_without_a_dialect_has_no_headers() -> None:
    """A chain whose block hash is no header hash is told so."""
    with pytest.raises(MalformedHeader):
        decode_header(rlp.encode(header_fields(1, 1)), family(), WHERE)


# --- Celo before Gingerbread -----------------------------------------------------------------------------

SEAL = [b"\x77", b"\x88" * 48, b""]
CELO = family(Dialect.CELO_EARLY, Dialect.ETHEREUM)


def celo(extra: bytes | None = None, *, seal: list | None = None) -> list[bytes]:
    body = rlp.encode([[], [], b"", b"\x55" * 65, SEAL if seal is None else seal, SEAL])
    made = items(Dialect.CELO_EARLY)
    return [*made[:-1], bytes(32) + body if extra is None else extra]


@pytest.mark.covers("HDR-05")
def test_celos_seal_is_not_under_its_hash() -> None:
    """With its seal, without it and with another one an early Celo header has one hash: that of the emptied form."""
    emptied = rlp.encode(celo(seal=[b"", b"", b""]))
    for seal in (SEAL, [b"", b"", b""], [b"\x01", b"\x02", b"\x03"]):
        header = decode_header(rlp.encode(celo(seal=seal)), CELO, WHERE)
        assert header.dialect is Dialect.CELO_EARLY
        assert header.hash == keccak(emptied)


@pytest.mark.covers("HDR-05")
def test_every_other_byte_of_a_celo_header_is_under_its_hash() -> None:
    """Vanity, the other seals and all fields before them change the hash."""
    honest = decode_header(rlp.encode(celo()), CELO, WHERE).hash
    changed = celo()[-1]
    variants = [celo(b"\x01" + changed[1:])]
    variants.append(celo(bytes(32) + rlp.encode([[], [], b"", b"\x56" * 65, SEAL, SEAL])))
    variants.append(celo(bytes(32) + rlp.encode([[], [], b"", b"\x55" * 65, SEAL, [b"", b"", b""]])))
    variants += [[*celo()[:i], content_changed(value), *celo()[i + 1 :]] for i, value in enumerate(celo()[:-1])]
    hashes = {decode_header(rlp.encode(v), CELO, WHERE).hash for v in variants}
    assert len(hashes | {honest}) == len(variants) + 1


def content_changed(value: bytes) -> bytes:
    return value[:-1] + bytes([value[-1] ^ 1])


@pytest.mark.parametrize(
    "extra",
    [b"", bytes(32), bytes(32) + b"\xc0", bytes(32) + rlp.encode([b""] * 6), bytes(32) + rlp.encode([[]] * 5)],
    ids=["none", "vanity alone", "empty list", "no seal", "five items"],
)
def test_celo_extra_data_without_a_seal_is_refused(extra: bytes) -> None:
    """Without the place of the seal nothing says what the hash covers."""
    with pytest.raises(MalformedHeader):
        decode_header(rlp.encode(celo(extra)), CELO, WHERE)


def test_nothing_may_follow_the_ten_fields_of_celo() -> None:
    """An eleventh field would be under no hash."""
    with pytest.raises(MalformedHeader):
        decode_header(rlp.encode([*celo(), b"\x01"]), CELO, WHERE)


# --- from JSON -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("dialect", PLAIN)
def test_fields_by_name_encode_in_order(dialect: Dialect) -> None:
    """JSON fields in any order, with others among them, make the bytes that the dialect hashes."""
    names = LAYOUTS[dialect].fields
    fields: dict[str, bytes | int] = {
        n: int.from_bytes(content(n), "big") if n in NUMBERS else content(n) for n in reversed(names)
    }
    fields |= {"hash": b"\x01" * 32, "size": 5, "totalDifficulty": 9}
    assert encode_header(fields, dialect) == rlp.encode([content(n) for n in names])


@pytest.mark.covers("HDR-04")
@pytest.mark.parametrize("gone", ["stateRoot", "nonce", "withdrawalsRoot", "excessBlobGas"])
def test_a_field_withheld_in_the_middle_is_refused(gone: str) -> None:
    """A required field, or an optional one before others, cannot be left out; the last ones can."""
    assert encode_header({k: v for k, v in BLANK_HEADER.items() if k != "requestsHash"}, Dialect.ETHEREUM)
    with pytest.raises(MalformedHeader) as caught:
        encode_header({k: v for k, v in BLANK_HEADER.items() if k != gone}, Dialect.ETHEREUM)
    assert gone in str(caught.value)


@pytest.mark.parametrize(
    ("name", "value"),
    [("stateRoot", 5), ("number", -1), ("number", True), ("number", b"\x00\x01"), ("number", 2**64), ("nonce", b"")],
)
def test_a_field_of_another_kind_is_refused(name: str, value: bytes | int) -> None:
    """Numbers are no hashes, and neither negative, nor booleans, nor too wide, nor padded."""
    with pytest.raises(MalformedHeader):
        encode_header({**BLANK_HEADER, name: value}, Dialect.ETHEREUM)


@pytest.mark.covers("HDR-05")
def test_aliases_are_read_and_the_first_name_wins() -> None:
    """`mixDigest` is `mixHash`; where both are there, the field's own name counts."""
    honest = encode_header({**BLANK_HEADER, "mixHash": b"\x05" * 32}, Dialect.ETHEREUM)
    renamed = {k: v for k, v in BLANK_HEADER.items() if k != "mixHash"} | {"mixDigest": b"\x05" * 32}
    assert encode_header(renamed, Dialect.ETHEREUM) == honest
    both = {**BLANK_HEADER, "mixHash": b"\x05" * 32, "mixDigest": b"\x06" * 32}
    assert encode_header(both, Dialect.ETHEREUM) == honest


def test_candidates_leave_out_what_a_chain_does_not_hash() -> None:
    """A node that also sends fields of later forks does not hide the header: some candidate has the hash."""
    polygon = encode_header({k: BLANK_HEADER[k] for k in list(BLANK_HEADER)[:16]}, Dialect.ETHEREUM)
    made = list(candidates(BLANK_HEADER, ETHEREUM))
    assert made[0] == encode_header(BLANK_HEADER, Dialect.ETHEREUM)
    assert polygon in made
    assert [len(rlp.decode(c)) for c in made] == [21, 20, 17, 16, 15]


def test_candidates_stop_at_a_gap_and_pass_over_dialects_that_do_not_fit() -> None:
    """A missing optional field ends the run; a family's other dialects are tried with what is there."""
    fields = {k: v for k, v in BLANK_HEADER.items() if k != "withdrawalsRoot"}
    gnosis = family(Dialect.AURA, Dialect.ETHEREUM)
    assert [len(rlp.decode(c)) for c in candidates(fields, gnosis)] == [16, 15]
    assert list(candidates({**fields, "miner": b"\x01"}, gnosis)) == []


# --- any bytes -------------------------------------------------------------------------------------------


@given(st.binary(max_size=700))
@settings(max_examples=300, derandomize=True, deadline=None)
def test_any_bytes_decode_or_raise_our_error(raw: bytes) -> None:
    """Whatever comes, nothing but a header or an error of ours comes out."""
    every = family(*Dialect)
    with contextlib.suppress(VerifierError):
        assert decode_header(raw, every, WHERE).hash


nested = st.recursive(st.binary(max_size=70), lambda inner: st.lists(inner, max_size=6), max_leaves=12)


@given(st.lists(nested, min_size=8, max_size=30), st.integers(0, 24))
@settings(max_examples=300, derandomize=True, deadline=None)
def test_any_list_decodes_or_raises_our_error(some: list, keep: int) -> None:
    """Headers with any fields exchanged for any items do not get past the shapes as something else."""
    mixed = header_fields(1, 1)[:keep] + some
    try:
        header = decode_header(rlp.encode(mixed), family(*Dialect), WHERE)
    except VerifierError:
        return
    assert len(header.state_root) == 32


@given(st.data())
@settings(max_examples=200, derandomize=True, deadline=None)
def test_no_flipped_bit_keeps_the_hash(data: st.DataObject) -> None:
    """A header with one bit changed is no header, or another one."""
    raw = rlp.encode(header_fields(123, 1_700_000_000))
    at = data.draw(st.integers(0, 8 * len(raw) - 1))
    flipped = bytearray(raw)
    flipped[at // 8] ^= 1 << at % 8
    with contextlib.suppress(VerifierError):
        assert decode_header(bytes(flipped), ETHEREUM, WHERE).hash != keccak(raw)
