"""Receipts read strictly, and events established from them."""

from __future__ import annotations

from contextlib import suppress

import pytest
import rlp
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.simulators.receipts import EMITTER, TRANSFER, event, proven_receipt, receipt
from verifier.errors import MalformedReceipt, NotThere, Unsupported, Where, WrongBinding
from verifier.primitives import Address, Hash32
from verifier.proven import ListKind
from verifier.state.receipts import KNOWN_TYPES, Log, parse_receipt, verify_log

WHERE = Where(network="test")


@pytest.mark.parametrize("kind", [0, *sorted(KNOWN_TYPES)])
def test_a_receipt_of_a_known_type_is_read(kind: int) -> None:
    """Type, status, gas and events come out as they went in."""
    raw = receipt([event(data=b"abc"), event(topics=())], kind=kind, gas=21_000)
    found = parse_receipt(raw, WHERE)
    assert (found.type, found.status, found.state_root, found.cumulative_gas) == (kind, True, None, 21_000)
    assert found.logs[0] == Log(EMITTER, (TRANSFER,), b"abc")
    assert found.logs[1].topics == ()


def test_a_receipt_before_byzantium_has_a_root() -> None:
    """Its first field is the state after the transaction, and no status; typed receipts never have one."""
    found = parse_receipt(receipt([], outcome=b"\x44" * 32), WHERE)
    assert (found.status, found.state_root) == (None, b"\x44" * 32)
    with pytest.raises(MalformedReceipt):
        parse_receipt(receipt([], outcome=b"\x44" * 32, kind=2), WHERE)


@pytest.mark.parametrize("kind", [0x00, 0x05, 0x64, 0x6A, 0x7B, 0x7E, 0x7F])
def test_types_of_single_networks_are_unsupported(kind: int) -> None:
    """Deposits, Arbitrum's types, state sync and types not invented yet are not guessed at."""
    with pytest.raises(Unsupported):
        parse_receipt(bytes([kind]) + receipt([]), WHERE)


GOOD = [b"\x01", b"\x52\x08", bytes(256), [[EMITTER, [TRANSFER], b"x"]]]
BAD = {
    "three fields": GOOD[:3],
    "five fields": [*GOOD, b"\x01"],
    "status 2": [b"\x02", *GOOD[1:]],
    "status 0 in a byte": [b"\x00", *GOOD[1:]],
    "root of 31 bytes": [b"\x11" * 31, *GOOD[1:]],
    "a list as status": [[], *GOOD[1:]],
    "gas with a leading zero": [b"\x01", b"\x00\x01", *GOOD[2:]],
    "gas of nine bytes": [b"\x01", b"\x01" * 9, *GOOD[2:]],
    "bloom of 255 bytes": [b"\x01", b"", bytes(255), []],
    "events as a string": [*GOOD[:3], b"x"],
    "an event as a string": [*GOOD[:3], [b"x"]],
    "an event of two fields": [*GOOD[:3], [[EMITTER, []]]],
    "an event of four fields": [*GOOD[:3], [[EMITTER, [], b"", b""]]],
    "an emitter of 19 bytes": [*GOOD[:3], [[EMITTER[1:], [], b""]]],
    "a topic of 31 bytes": [*GOOD[:3], [[EMITTER, [TRANSFER[1:]], b""]]],
    "five topics": [*GOOD[:3], [[EMITTER, [TRANSFER] * 5, b""]]],
    "topics as a string": [*GOOD[:3], [[EMITTER, b"", b""]]],
    "data as a list": [*GOOD[:3], [[EMITTER, [], []]]],
}


@pytest.mark.parametrize("name", BAD)
def test_a_receipt_of_another_form_is_refused(name: str) -> None:
    """Each differs from a good one in one thing, for legacy and typed alike."""
    for prefix in (b"", b"\x02"):
        assert parse_receipt(prefix + rlp.encode(GOOD), WHERE).logs[0].data == b"x"
        with pytest.raises(MalformedReceipt):
            parse_receipt(prefix + rlp.encode(BAD[name]), WHERE)


@pytest.mark.parametrize(
    "raw", [b"", b"\x80", b"\x02", rlp.encode(b"\x02" + rlp.encode(GOOD)), rlp.encode(GOOD) + b"\x00"]
)
def test_bytes_around_a_receipt_are_refused(raw: bytes) -> None:
    """Nothing, a string, a type alone, the form of the network, a trailing byte."""
    with pytest.raises(MalformedReceipt):
        parse_receipt(raw, WHERE)


def test_an_event_is_established_with_its_place() -> None:
    """Asked for by index, emitter and signature; its identity is chain, block, transaction and index."""
    item = proven_receipt([receipt([]), receipt([event(), event(data=b"second")], kind=2)], 1)
    log = verify_log(item, 1, EMITTER, TRANSFER)
    assert log.log.data == b"second"
    assert (log.rests_on, log.trust) == (item, item.trust)
    assert log.identity == (1, item.rests_on.hash, 1, 1)
    assert verify_log(item, 0, EMITTER, TRANSFER).identity != log.identity


def test_an_event_of_an_absent_receipt_or_another_list_is_refused() -> None:
    """No receipt, no event; and a transaction's bytes are no receipt, whatever they look like."""
    with pytest.raises(NotThere):
        verify_log(proven_receipt([receipt([event()])], 1), 0, EMITTER, TRANSFER)
    with pytest.raises(WrongBinding):
        verify_log(proven_receipt([receipt([event()])], 0, kind=ListKind.TRANSACTIONS), 0, EMITTER, TRANSFER)


def test_an_event_without_topics_has_no_signature() -> None:
    """An anonymous event is not the one asked for."""
    item = proven_receipt([receipt([event(topics=())])], 0)
    with pytest.raises(WrongBinding):
        verify_log(item, 0, EMITTER, TRANSFER)


@given(st.binary(max_size=400))
@settings(max_examples=300, derandomize=True, deadline=None)
def test_any_bytes_are_a_receipt_or_refused(raw: bytes) -> None:
    """Nothing but a receipt or an error of ours comes out."""
    with suppress(MalformedReceipt, Unsupported):
        parse_receipt(raw, WHERE)


def test_emitters_and_topics_are_the_question_s() -> None:
    """The same event asked for from another emitter, or as another event, is an answer to another question."""
    item = proven_receipt([receipt([event()])], 0)
    assert verify_log(item, 0, EMITTER, TRANSFER).log.emitter == EMITTER
    with pytest.raises(WrongBinding):
        verify_log(item, 0, Address(b"\x01" * 20), TRANSFER)
    with pytest.raises(WrongBinding):
        verify_log(item, 0, EMITTER, Hash32(b"\x01" * 32))
