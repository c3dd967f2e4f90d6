"""Each check of the readers of JSON-RPC on its own, found by removing it."""

from __future__ import annotations

import json

import pytest

from chains.answers import MAX_NODE_HEX, MAX_NODES, parse_data, parse_header, parse_height, parse_proof, parse_quantity
from chains.errors import BadAnswer, BatchRefused, Busy, ByHashRefused, NoBlock, NodeError, NotProvable, NotServed
from chains.replies import MAX_DEPTH, MAX_REVERT, parse_error_body, parse_json, parse_replies
from tests.chains.test_answers import SLOTS, WHO, proof


def read(reply: object, count: int = 1, first: int = 7) -> list[object]:
    body = reply if isinstance(reply, bytes) else json.dumps(reply).encode()
    return parse_replies(body, first, count, "n")


def ok(number: int, result: object = "0x1") -> dict[str, object]:
    return {"jsonrpc": "2.0", "id": number, "result": result}


def failed(number: object = 7, code: int = -32000, message: str = "no", **more: object) -> dict[str, object]:
    return {"jsonrpc": "2.0", "id": number, "error": {"code": code, "message": message, **more}}


# --- one reply ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("reply", "result"),
    [
        (ok(7), "0x1"),
        (ok(7, None), None),
        ({"id": 7, "result": 0}, 0),
        ({**ok(7), "error": None}, "0x1"),
        (ok(7, {}), {}),
    ],
)
def test_an_honest_reply_is_its_result(reply, result) -> None:
    """With or without the protocol's name; null is a result of its own; a null error is none."""
    assert read(reply) == [result]


REFUSED = {
    "another protocol": ({**ok(7), "jsonrpc": "1.0"}, "not JSON-RPC 2.0"),
    "no protocol but null": ({**ok(7), "jsonrpc": None}, "not JSON-RPC 2.0"),
    "result and error": ({**ok(7), **failed()}, "a result and an error in one reply"),
    "null result and error": ({**ok(7, None), **failed()}, "a result and an error in one reply"),
    "neither": ({"jsonrpc": "2.0", "id": 7}, "neither result nor error"),
    "null error alone": ({"jsonrpc": "2.0", "id": 7, "error": None}, "neither result nor error"),
    "another id": (ok(8), "a reply to another request"),
    "the id before": (ok(6), "a reply to another request"),
    "the id as text": (ok("7"), "a reply to another request"),
    "the id as a float": (b'{"id": 7.0, "result": "0x1"}', "a reply to another request"),
    "true for an id": (ok(True), "a reply to another request"),
    "no id": ({"result": "0x1"}, "a reply to another request"),
    "a null id with a result": (ok(None), "a reply to another request"),
    "another id with an error": (failed(8), "a reply to another request"),
    "a list for one": ([ok(7)], "a reply that is no object"),
    "text": ("0x1", "a reply that is no object"),
    "null": (None, "a reply that is no object"),
    "an error without a code": ({"id": 7, "error": {"message": "no"}}, "a reply: "),
    "an error that is text": ({"id": 7, "error": "no"}, "a reply: "),
}


@pytest.mark.covers("RPC-02", "RPC-04")
@pytest.mark.parametrize(("reply", "reason"), REFUSED.values(), ids=REFUSED)
def test_a_reply_that_breaks_the_protocol_is_refused_by_its_own_check(reply, reason: str) -> None:
    """Each departure is told for what it is."""
    with pytest.raises(BadAnswer, match=reason):
        read(reply)


@pytest.mark.covers("RPC-02")
def test_an_error_with_a_null_id_answers_a_lone_call_only() -> None:
    """A server that could not read the request says so; in a batch such an entry belongs to no call."""
    (error,) = read(failed(None))
    assert isinstance(error, NodeError)
    (same,) = read(failed(7))
    assert isinstance(same, NodeError)
    with pytest.raises(BadAnswer, match="a reply to another request"):
        read([ok(7), failed(None)], 2)


@pytest.mark.covers("RPC-02")
def test_the_first_id_may_be_one() -> None:
    """An id is held by value and type, so that true is not one."""
    assert read(ok(1), first=1) == ["0x1"]
    with pytest.raises(BadAnswer, match="a reply to another request"):
        read(ok(True), first=1)


# --- batches ------------------------------------------------------------------------------------------------


@pytest.mark.covers("RPC-03")
def test_a_batch_is_matched_by_id() -> None:
    """In any order; an error stands at its own call."""
    assert read([ok(8, "b"), ok(7, "a"), ok(9, "c")], 3) == ["a", "b", "c"]
    first, second = read([failed(8), ok(7, "a")], 2)
    assert first == "a"
    assert isinstance(second, NodeError)


BATCHES = {
    "one too few": ([ok(7)], "1 replies to 2 calls"),
    "one too many": ([ok(7), ok(8), ok(8)], "3 replies to 2 calls"),
    "none": ([], "0 replies to 2 calls"),
    "one id twice": ([ok(7), ok(7)], "two replies with one id"),
    "an id past the end": ([ok(7), ok(9)], "a reply to another request"),
    "a single reply": (ok(7), "a single reply to a batch"),
    "a result beside the error": ({**ok(7), **failed()}, "a single reply to a batch"),
    "a batch that is text": ("no", "a batch reply that is no list"),
    "a batch that is null": (None, "a batch reply that is no list"),
    "an entry that is no object": ([ok(7), None], "a reply: "),
}


@pytest.mark.covers("RPC-03")
@pytest.mark.parametrize(("reply", "reason"), BATCHES.values(), ids=BATCHES)
def test_a_batch_that_does_not_fit_its_calls_is_refused(reply, reason: str) -> None:
    """Nothing of such an answer is used."""
    with pytest.raises(BadAnswer, match=reason):
        read(reply, 2)


@pytest.mark.parametrize(
    ("code", "message", "kind"),
    [
        (-32600, "invalid request", BatchRefused),
        (-32000, "no", BatchRefused),
        (-32601, "the method does not exist", BatchRefused),
        (-32005, "rate limit", Busy),
        (-32000, "missing trie node", NotProvable),
    ],
)
def test_one_error_for_a_batch_is_about_its_size_unless_it_says_otherwise(code, message, kind) -> None:
    """A node that takes no batch answers with one error, in whatever words; one that is busy says that."""
    with pytest.raises(NodeError) as caught:
        read(failed(None, code, message), 2)
    assert type(caught.value) is kind
    alone = parse_error_body(json.dumps(failed(None, code, message)).encode(), "n")
    assert type(alone) in {kind, ByHashRefused, NodeError, NotServed}
    assert parse_error_body(b"<html>", "n") is None
    assert parse_error_body(json.dumps(ok(7)).encode(), "n") is None


# --- text ---------------------------------------------------------------------------------------------------


@pytest.mark.covers("RPC-05")
def test_nesting_is_bounded_exactly() -> None:
    """The deepest allowed document is read; one level more, and one with open brackets, are refused before parsing."""
    for opens, closes in ((b"[", b"]"), (b'{"a":', b"}")):
        assert parse_json(opens * MAX_DEPTH + b"1" + closes * MAX_DEPTH, "n")
        for deep in (opens * (MAX_DEPTH + 1) + b"1" + closes * (MAX_DEPTH + 1), opens * 3 + b"1" + closes * 2):
            with pytest.raises(BadAnswer, match="nested deeper"):
                parse_json(deep, "n")


@pytest.mark.covers("RPC-01")
@pytest.mark.parametrize("twin", [b'{"a":1,"a":1}', b'{"a":1,"\\u0061":2}', b'[{"b":[{"a":1,"a":2}]}]'])
def test_twins_are_found_behind_escapes_and_in_depth(twin: bytes) -> None:
    """One key written twice, in one object; the same key in two objects is honest."""
    assert parse_json(b'[{"a":1},{"a":":{\\""},{"a":"\\\\"}]', "n")
    with pytest.raises(BadAnswer, match="stands twice"):
        parse_json(twin, "n")


# --- words --------------------------------------------------------------------------------------------------


@pytest.mark.covers("RPC-07")
def test_a_height_has_64_bits() -> None:
    """The greatest is read, the next refused."""
    assert parse_height(hex(2**64 - 1), "n") == 2**64 - 1
    with pytest.raises(BadAnswer, match="over 64 bits"):
        parse_height(hex(2**64), "n")


@pytest.mark.covers("RPC-07")
@pytest.mark.parametrize(
    "value", ["0x", "0x00", "0x01", "0X1", "1", "-0x1", "+1", "0x1 ", "0xg", "0x" + "1" * 65, 1, 1.0, None, True]
)
def test_a_quantity_has_one_spelling(value) -> None:
    """`0x` and digits without leading zeros, in 256 bits."""
    assert parse_quantity("0x0", "n") == 0
    assert parse_quantity("0x" + "f" * 64, "n") == 2**256 - 1
    with pytest.raises(BadAnswer, match="not a hex quantity"):
        parse_quantity(value, "n")


@pytest.mark.covers("RPC-07", "PRF-05")
def test_data_is_bounded_and_even() -> None:
    """As many bytes as the limit says; one more, half a byte, and other types are refused."""
    assert parse_data("0x" + "ab" * 4, "n", "it", 4) == b"\xab" * 4
    for value in ("0x" + "ab" * 5, "0xabc", "ab", "0x ab", None, b"0xab", 5):
        with pytest.raises(BadAnswer, match="it: not hex bytes"):
            parse_data(value, "n", "it", 4)


def reverted(data: object) -> str | None:
    (error,) = read(failed(data=data))
    assert isinstance(error, NodeError)
    return error.data


@pytest.mark.covers("RPC-15", "SEC-01")
def test_what_a_call_reverted_with_is_hex_or_left_out() -> None:
    """Only bounded hex is carried on; texts, URLs and structures of an error are not."""
    longest = "0x" + "ab" * (MAX_REVERT // 2 - 1)
    assert len(longest) == MAX_REVERT
    assert reverted("0x08c379a0") == "0x08c379a0"
    assert reverted(longest) == longest
    for stranger in (longest + "ab", "https://key@host", "08c3", "0xabc", None, {"a": "0x00"}, 5):
        assert reverted(stranger) is None


# --- blocks and proofs --------------------------------------------------------------------------------------


def test_the_step_of_aura_is_read_in_both_spellings() -> None:
    """A decimal text of up to 19 digits, or a quantity; the seal with or without 0x, and nothing else without."""
    assert parse_header({"step": "9" * 19}, "n", "b").fields["step"] == 10**19 - 1
    assert parse_header({"auraStep": "0x1f"}, "n", "b").fields["step"] == 31
    assert parse_header({"signature": "ab" * 65}, "n", "b").fields["signature"] == b"\xab" * 65
    assert parse_header({"signature": "0x" + "ab" * 65}, "n", "b").fields["signature"] == b"\xab" * 65
    for block in ({"step": "9" * 20}, {"step": "٣"}, {"step": 5}, {"extraData": "ab"}, {"miner": "ab" * 20}):
        with pytest.raises(BadAnswer, match=r"not hex|not a hex"):
            parse_header(block, "n", "b")


def test_a_null_block_is_no_block_and_no_zero() -> None:
    """An empty object has no fields; null is told as such, other things as no object."""
    assert parse_header({}, "n", "b").fields == {}
    with pytest.raises(NoBlock):
        parse_header(None, "n", "b")
    for stranger in ([], "0x1", 5, False):
        with pytest.raises(BadAnswer, match="a block that is no object"):
            parse_header(stranger, "n", "b")


@pytest.mark.covers("RPC-04")
def test_a_null_proof_is_refused_as_such() -> None:
    """Null is no proof of absence."""
    assert parse_proof(proof(), WHO, SLOTS, "n")
    with pytest.raises(BadAnswer, match="null in place of a proof"):
        parse_proof(None, WHO, SLOTS, "n")


@pytest.mark.covers("RPC-06", "PRF-02")
def test_the_nodes_of_an_answer_are_bounded_exactly() -> None:
    """Count and width at their limits are read, one more is refused, repeated ones count."""
    longest = "0x" + "ab" * ((MAX_NODE_HEX - 2) // 2)
    assert len(longest) == MAX_NODE_HEX
    assert parse_proof(proof(accountProof=[longest], storageProof=[]), WHO, SLOTS, "n") == (bytes.fromhex(longest[2:]),)
    for node in (longest + "ab", "0x", "", "0xa", "ab"):
        with pytest.raises(BadAnswer, match="a trie node that is not hex, is empty, or is too long"):
            parse_proof(proof(accountProof=[node], storageProof=[]), WHO, SLOTS, "n")
    assert parse_proof(proof(accountProof=["0xc1"] * MAX_NODES, storageProof=[]), WHO, SLOTS, "n") == (b"\xc1",)
    with pytest.raises(BadAnswer, match="more than"):
        parse_proof(proof(accountProof=["0xc1"] * (MAX_NODES + 1), storageProof=[]), WHO, SLOTS, "n")


def test_types_are_not_converted() -> None:
    """An error's code that is text is no code, so the body holds no error of ours; as a number it is one."""
    assert parse_error_body(b'{"error": {"code": "-32000", "message": "x"}}', "node") is None
    told = parse_error_body(b'{"error": {"code": -32000, "message": "x"}}', "node")
    assert told is not None
    assert told.code == -32000
