"""Reading foreign JSON: every honest form that real nodes use is read, and each with one thing wrong is not."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chains.answers import parse_header, parse_proof
from chains.dialects.eth import choose
from chains.errors import (
    BadAnswer,
    BatchRefused,
    Busy,
    ByHashRefused,
    NoBlock,
    NodeError,
    NotProvable,
    NotServed,
    TooManyKeys,
)
from chains.replies import Call, encode_calls, parse_json, parse_replies
from verifier.crypto.keccak import keccak256
from verifier.errors import NOWHERE
from verifier.headers.decode import decode_header
from verifier.network import Dialect, Family
from verifier.primitives import Address, BlockNumber, slot_key

WHO = Address(bytes(range(20)))
SLOTS = (slot_key(1), slot_key(2))
NODE_A, NODE_B, NODE_C = "0xc101", "0xc102", "0xc103"


def proof(**changes):
    """An honest answer about two slots, with one thing changed."""
    honest = {
        "address": "0x" + WHO.hex(),
        "accountProof": [NODE_A],
        "storageProof": [
            {"key": "0x1", "value": "0x0", "proof": [NODE_B]},
            {"key": "0x" + "0" * 63 + "2", "value": "0x5", "proof": [NODE_C, NODE_B]},
        ],
    }
    return {**honest, **changes}


def entries(*changed):
    return [
        {"key": "0x1", "value": "0x0", "proof": [NODE_B]},
        {"key": "0x2", "value": "0x0", "proof": [NODE_C]},
        *changed,
    ]


def test_nodes_are_kept_and_nothing_else():
    """The nodes of the account and of the slots, each once, in the order met."""
    assert parse_proof(proof(), WHO, SLOTS, "n") == (b"\xc1\x01", b"\xc1\x02", b"\xc1\x03")


@pytest.mark.parametrize(
    ("answer", "kept"),
    [
        (proof(storageProof=[]), 1),
        (proof(storageProof=entries()[::-1]), 3),
        (proof(storageProof=[{**e, "proof": []} for e in entries()]), 1),
        (proof(storageProof=[{**e, "proof": ["0x80"]} for e in entries()]), 1),
        (proof(accountProof=[NODE_A, NODE_A]), 3),
        (proof(balance="lies", nonce=-1, codeHash=None, more=[1]), 3),
        (proof(address="0x" + WHO.hex().upper()), 3),
        ({k: v for k, v in proof().items() if k != "address"}, 3),
    ],
    ids=["no entries", "other order", "empty lists", "0x80", "twice", "claimed values", "upper case", "no address"],
)
def test_honest_differences_between_nodes_are_taken(answer, kept):
    """Forms of absence, orders, spellings and claimed values decide nothing."""
    assert len(parse_proof(answer, WHO, SLOTS, "n")) == kept


@pytest.mark.covers("PRF-05")
@pytest.mark.parametrize(
    "answer",
    [
        proof(address="0x" + "11" * 20),
        proof(storageProof=entries()[:1]),
        proof(storageProof=entries({"key": "0x3", "proof": []})),
        proof(storageProof=[*entries()[:1], *entries()[:1]]),
        proof(storageProof=[entries()[0], {"key": "0x3", "proof": []}]),
        proof(storageProof=[{"key": "zz", "proof": []}, entries()[1]]),
        proof(storageProof=[{"proof": []}, entries()[1]]),
        proof(storageProof=None),
        proof(storageProof={}),
        proof(accountProof="0xc0"),
        proof(accountProof=[1]),
        proof(accountProof=[None]),
        proof(accountProof=[NODE_A, {}]),
        proof(accountProof=["0x c1"]),
        proof(accountProof=[" 0xc1"]),
        proof(accountProof=["0x"]),
        proof(accountProof=["0xc"]),
        proof(accountProof=["c101"]),
        proof(accountProof=["0xzz"]),
        proof(accountProof=["0x" + "00" * 1_025]),
        proof(accountProof=[f"0x{i:08x}" for i in range(40_001)]),
        {k: v for k, v in proof().items() if k != "accountProof"},
        [],
        "0x",
        None,
    ],
    ids=str,
)
def test_a_proof_of_something_else_or_of_no_shape_is_refused(answer):
    """Another account, other, missing, repeated or extra slots, and nodes that are no bytes."""
    with pytest.raises(BadAnswer):
        parse_proof(answer, WHO, SLOTS, "n")


@pytest.mark.shared
def test_every_recorded_proof_is_read(shared_data):
    """All real eth_getProof answers of the reference data, in every spelling their nodes used."""
    read = 0
    for path in sorted((shared_data / "chains" / "state").glob("*.json")):
        for record in json.loads(path.read_text())["proofs"]:
            answer, slots = record["proof"], [slot_key(int(s["key"], 16)) for s in record["expect"]["slots"]]
            nodes = parse_proof(answer, Address(bytes.fromhex(answer["address"][2:])), slots, "n")
            assert set(nodes) <= {
                bytes.fromhex(n[2:])
                for e in [answer["accountProof"], *(s["proof"] for s in answer["storageProof"])]
                for n in e
            }
            read += 1
    assert read > 200


@pytest.mark.shared
def test_every_recorded_header_is_chosen_by_its_hash(shared_data):
    """The JSON of every real header leads to the bytes that hash to what was asked."""
    read = 0
    for path in sorted((shared_data / "chains" / "headers").glob("*.json")):
        for record in json.loads(path.read_text())["headers"]:
            family = Family("any", (Dialect(record["dialect"]),))
            answer = parse_header(
                {**record["header"], "hash": record["hash"], "size": "0x1", "uncles": []}, "n", "block"
            )
            asked = BlockNumber(record["number"])
            if record["dialect"] == Dialect.CELO_EARLY:
                continue  # its hash leaves out the seal inside extraData, which a candidate does too: see the header tests
            rlp = choose(answer, asked, family, "n")
            assert keccak256(rlp).hex() == record["hash"][2:], (path.name, record["number"])
            assert decode_header(rlp, family, NOWHERE).number == record["number"]
            read += 1
    assert read > 50


def test_a_block_that_is_null_is_not_there():
    """null for a block is an error of its own; other types are no block."""
    with pytest.raises(NoBlock):
        parse_header(None, "n", "block 5")
    for other in ([], "0x", 1, True):
        with pytest.raises(BadAnswer):
            parse_header(other, "n", "block 5")


@pytest.mark.parametrize(
    "field", [("number", 5), ("number", "0x05"), ("parentHash", "0x1"), ("extraData", "0x" + "00" * 40_000)]
)
def test_a_header_field_of_another_kind_is_refused(field):
    """A JSON number, a padded quantity, odd digits, endless extra data."""
    with pytest.raises(BadAnswer):
        parse_header({field[0]: field[1]}, "n", "block")


@pytest.mark.parametrize(
    ("code", "message", "kind"),
    [
        (-32601, "the method eth_getProof does not exist/is not available", NotServed),
        (-32004, "method not supported", NotServed),
        (-32000, "method eth_getProof is not whitelisted", NotServed),
        (-32602, "distance to target block exceeds maximum proof window", NotProvable),
        (-32000, "missing trie node 0011 (path ) state 0x22 is not available", NotProvable),
        (-32000, "historical state not available in path scheme yet", NotProvable),
        (-32000, "requested block is too old, block must be within 100000 blocks", NotProvable),
        (-32602, "BlockOutOfRangeError: block height is 40 but requested was 2", NotProvable),
        (-32000, "firewood database does not yet support getProof", NotProvable),
        (-32602, "too many storage keys requested (max 1024, got 2000)", TooManyKeys),
        (-32600, "batch too large", BatchRefused),
        (-32602, "invalid argument 2: hex string without 0x prefix", ByHashRefused),
        (-32005, "limit exceeded", Busy),
        (-32016, "over rate limit", Busy),
        (429, "Too Many Requests", Busy),
        (-32603, "internal error", Busy),
        (3, "execution reverted", NodeError),
    ],
)
def test_node_errors_say_what_to_do(code, message, kind):
    """The words that clients are known to use, each with its class."""
    body = json.dumps({"jsonrpc": "2.0", "id": 1, "error": {"code": code, "message": message}}).encode()
    (error,) = parse_replies(body, 1, 1, "n")
    assert type(error) is kind
    assert isinstance(error, NodeError)


def test_a_request_is_a_list_for_several_calls_only():
    """One call is an object, several are a batch with rising ids."""
    one, two = Call("a", ()), Call("b", (1, {"x": None}))
    assert json.loads(encode_calls([one], 7)) == {"jsonrpc": "2.0", "id": 7, "method": "a", "params": []}
    assert [c["id"] for c in json.loads(encode_calls([one, two], 7))] == [7, 8]


JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**60), 2**60) | st.text(max_size=12),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=6), inner, max_size=4),
    max_leaves=20,
)


@given(value=JSON, spaced=st.booleans(), plain=st.booleans())
def test_any_json_is_read_as_it_is(value, spaced, plain):
    """Whatever stands in strings and keys, quotes, brackets, colons and backslashes included, nothing is mistaken."""
    text = json.dumps(value, ensure_ascii=plain, separators=(", ", ": ") if spaced else (",", ":"))
    try:
        body = text.encode()
    except UnicodeEncodeError:
        return
    try:
        assert parse_json(body, "n") == value
    except BadAnswer:
        assert any(0xD800 <= ord(c) < 0xE000 for c in json.dumps(value, ensure_ascii=False))


@given(value=st.dictionaries(st.text('ab:"{}[]\\,', max_size=4), JSON, min_size=1, max_size=4))
def test_any_twin_is_found(value):
    """An object written with one of its keys twice is refused, whatever the keys look like."""
    members = [f"{json.dumps(k)}:{json.dumps(v)}" for k, v in value.items()]
    key = next(iter(value))
    with pytest.raises(BadAnswer):
        parse_json(("{" + ",".join([*members, f"{json.dumps(key)}:0"]) + "}").encode(), "n")


@given(body=st.binary(max_size=200))
def test_any_bytes_are_read_or_refused(body):
    """Any bytes parse, or raise our own error and no other."""
    for read in (lambda: parse_json(body, "n"), lambda: parse_replies(body, 1, 2, "n")):
        try:
            read()
        except (BadAnswer, NodeError):
            continue
