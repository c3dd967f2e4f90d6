"""What a node says is not JSON-RPC, is of another request, or is no quantity: refused, whatever a parser would make of it."""

from __future__ import annotations

import json
import time

import pytest

from chains.answers import parse_data, parse_height, parse_proof, parse_quantity
from chains.errors import BadAnswer, FetchError, NodeError, clean
from chains.replies import parse_json, parse_replies
from tests.hostile.transport.asking import CHAIN, HEIGHT, ask
from tests.simulators import lies
from verifier.primitives import Address, slot_key

# --- RPC-01: one value for one key ---------------------------------------------------------------------------------


@pytest.mark.covers("RPC-01")
@pytest.mark.parametrize(
    "body",
    [
        b'{"jsonrpc":"2.0","id":1,"result":"0x1","result":"0x2"}',
        b'{"jsonrpc":"2.0","id":1,"id":2,"result":"0x1"}',
        b'{"jsonrpc":"2.0","id":1,"result":{"a":{"proof":[],"proof":["0x80"]}}}',
        b'{"jsonrpc":"2.0","id":1,"result":"0x1","res\\u0075lt":"0x2"}',
        b'{"jsonrpc":"2.0","id":1,"result":{"a":"x:y","b":1,"b":2}}',
        b'[{"jsonrpc":"2.0","id":1,"result":[{"k":1},{"k":1,"k":1}]}]',
    ],
)
def test_a_key_that_stands_twice_is_refused(body):
    """Whichever value a parser would keep: an object with a twin key, at any depth and in any spelling, is no answer."""
    with pytest.raises(BadAnswer, match="stands twice"):
        parse_json(body, "node")


@pytest.mark.parametrize(
    "body",
    [
        b'{"jsonrpc":"2.0","id":1,"result":"0x1"}',
        b'{"jsonrpc":"2.0","id":1,"result":{"a":"x:y:z","b":{"a":1}}}',
        b'[{"k":1},{"k":1}]',
        b'{"":":","a":""}',
    ],
)
def test_keys_that_stand_once_are_taken(body):
    """The sibling: colons in strings and equal keys of different objects are no twins."""
    assert parse_json(body, "node") == json.loads(body)


@pytest.mark.covers("RPC-01")
async def test_a_node_that_says_a_key_twice_is_refused(chain, lying_proxy):
    """The same over the wire."""
    proxy = lying_proxy(chain.url)
    assert isinstance((await ask(proxy.url))[0], str)
    proxy.tell(lies.duplicate_keys())
    with pytest.raises(BadAnswer, match="stands twice"):
        await ask(proxy.url)


# --- RPC-02, RPC-03: whose answer ----------------------------------------------------------------------------------


@pytest.mark.covers("RPC-02")
@pytest.mark.parametrize(
    "lie", [lies.no_id(), lies.null_id(), lies.string_id(), lies.other_id()], ids=lambda lie: lie.name
)
@pytest.mark.parametrize("calls", [(HEIGHT,), (HEIGHT, CHAIN)], ids=["single", "batch"])
async def test_an_answer_to_another_request_is_refused(chain, lying_proxy, lie, calls):
    """An id that is missing, null, of another type or of another request binds nothing."""
    proxy = lying_proxy(chain.url)
    proxy.tell(lie, method="eth_blockNumber")
    with pytest.raises(BadAnswer, match="another request"):
        await ask(proxy.url, *calls)


@pytest.mark.covers("RPC-02")
@pytest.mark.parametrize("wrong", ["1", True, 1.0, None, [1], 2])
def test_an_id_counts_by_value_and_type(wrong):
    """1 is not "1", not true, not 1.0."""
    body = json.dumps({"jsonrpc": "2.0", "id": wrong, "result": "0x1"}).encode()
    with pytest.raises(BadAnswer, match="another request"):
        parse_replies(body, 1, 1, "node")
    assert parse_replies(b'{"jsonrpc":"2.0","id":1,"result":"0x1"}', 1, 1, "node") == ["0x1"]


@pytest.mark.covers("RPC-03")
async def test_a_reordered_batch_is_matched_by_id(chain, lying_proxy):
    """Servers may answer in any order; each result finds its call."""
    proxy = lying_proxy(chain.url)
    honest = await ask(proxy.url, CHAIN, HEIGHT)
    proxy.tell(lies.batch_reordered())
    assert await ask(proxy.url, CHAIN, HEIGHT) == honest


@pytest.mark.covers("RPC-03")
@pytest.mark.parametrize(
    ("lie", "reason"),
    [
        (lies.batch_short(), "1 replies to 2 calls"),
        (lies.batch_long(), "3 replies to 2 calls"),
        (lies.batch_repeated(), "two replies with one id|3 replies to 2 calls"),
        (lies.batch_as_object(), "single reply to a batch"),
    ],
    ids=lambda value: getattr(value, "name", None),
)
async def test_a_batch_that_does_not_fit_its_calls_is_refused(chain, lying_proxy, lie, reason):
    """Short, long, doubled, or one object for all: nothing of it is used."""
    proxy = lying_proxy(chain.url)
    proxy.tell(lie)
    with pytest.raises(BadAnswer, match=reason):
        await ask(proxy.url, CHAIN, HEIGHT)


@pytest.mark.covers("RPC-03")
def test_one_id_twice_in_a_full_batch_is_refused():
    """Two replies for the first call and none for the second."""
    twice = b'[{"jsonrpc":"2.0","id":1,"result":"0x1"},{"jsonrpc":"2.0","id":1,"result":"0x2"}]'
    with pytest.raises(BadAnswer, match="two replies with one id"):
        parse_replies(twice, 1, 2, "node")


# --- RPC-04: result or error ---------------------------------------------------------------------------------------


@pytest.mark.covers("RPC-04")
@pytest.mark.parametrize(
    ("lie", "reason"),
    [(lies.error_and_result(), "a result and an error"), (lies.no_result(), "neither result nor error")],
    ids=lambda value: getattr(value, "name", None),
)
async def test_a_reply_has_a_result_or_an_error(chain, lying_proxy, lie, reason):
    """Both together, or neither, is no answer."""
    proxy = lying_proxy(chain.url)
    proxy.tell(lie)
    with pytest.raises(BadAnswer, match=reason):
        await ask(proxy.url)


@pytest.mark.covers("RPC-04")
async def test_an_error_with_status_200_is_an_error(chain, lying_proxy):
    """The status says nothing about the answer."""
    proxy = lying_proxy(chain.url)
    proxy.tell(lies.error(-32000, "no"))
    (reply,) = await ask(proxy.url)
    assert isinstance(reply, NodeError)
    assert (reply.code, reply.message) == (-32000, "no")


@pytest.mark.covers("RPC-04")
@pytest.mark.parametrize(
    "parse", [lambda v: parse_height(v, "n"), lambda v: parse_proof(v, Address(bytes(20)), (), "n")]
)
def test_null_is_not_zero(parse):
    """A null height or proof is no answer; an error beside a null error is one."""
    with pytest.raises(BadAnswer):
        parse(None)
    assert parse_replies(b'{"id":1,"result":"0x1","error":null}', 1, 1, "n") == ["0x1"]


# --- RPC-05: depth and size inside JSON ----------------------------------------------------------------------------


@pytest.mark.covers("RPC-05")
@pytest.mark.parametrize(
    "body",
    [
        b"[" * 100_000,
        b'{"a":' * 100_000,
        b"[" * 40 + b"]" * 40,
        b'{"jsonrpc":"2.0","id":1,"result":' + b"9" * 10_000_000 + b"}",
        b'{"id":1,"result":NaN}',
        b'{"id":1,"result":Infinity}',
        b'{"id":1,"result":-Infinity}',
        b'{"id":1,"result":"\\ud800"}',
        b'{"id":1,"result":"\\udc00x"}',
        b'{"id":1,"result":"\xff"}',
        b'{"id":1,"result":1} {"id":1}',
        b"",
        b'\\"' * 500_000,
        b'{"result":"' + b'\\"' * 500_000,
        b'\\"' * 500_000 + b"\\",
    ],
    ids=lambda body: body[:24].decode("latin1"),
)
def test_json_that_is_meant_to_hurt_is_refused_at_once(body):
    """Deep, huge or no JSON at all is refused in well under a second of this process's time, by our own error."""
    began = time.process_time()
    with pytest.raises(BadAnswer):
        parse_json(body, "node")
    assert time.process_time() - began < 1.0


@pytest.mark.covers("RPC-05")
@pytest.mark.parametrize(
    "lie", [lies.deep_nesting(), lies.huge_number(), lies.not_a_number(), lies.not_utf8()], ids=lambda lie: lie.name
)
async def test_a_node_that_sends_such_json_is_refused(chain, lying_proxy, lie):
    """The same over the wire."""
    proxy = lying_proxy(chain.url)
    proxy.tell(lie)
    with pytest.raises(BadAnswer):
        await ask(proxy.url)


def test_depth_within_the_limit_is_taken():
    """The sibling of the deep ones: thirty levels."""
    assert parse_json(b"[" * 30 + b"]" * 30, "node")


# --- RPC-07: quantities and data -----------------------------------------------------------------------------------


@pytest.mark.covers("RPC-07")
@pytest.mark.parametrize(
    "value",
    ["0x01", "0x", "", "0X1", "0xg", "1", "-0x1", "+0x1", "0x-1", " 0x1", "0x1 ", "0x1\n", "0x_1", "0x１", 1, 1.0, 1e18, True,
     None, [], {}, "0x1" + "0" * 64],
)  # fmt: skip
def test_a_quantity_has_one_spelling(value):
    """Leading zeros, no digits, upper case 0X, signs, decimals, numbers, blanks, over 256 bits: no quantity."""
    with pytest.raises(BadAnswer):
        parse_quantity(value, "node")


@pytest.mark.parametrize(("value", "meant"), [("0x0", 0), ("0x1", 1), ("0xfF", 255), ("0x" + "f" * 64, 2**256 - 1)])
def test_quantities_are_read(value, meant):
    """The siblings."""
    assert parse_quantity(value, "node") == meant


@pytest.mark.covers("RPC-07")
@pytest.mark.parametrize("value", ["0x0", "0", "0xzz", "0x000", None, 1, "0x" + "00" * 33])
def test_data_has_an_even_number_of_digits_and_a_bound(value):
    """Odd digits, no prefix, other types, or longer than allowed: no bytes."""
    with pytest.raises(BadAnswer):
        parse_data(value, "node", "data", 32)
    assert parse_data("0xABcd", "node", "data", 32) == b"\xab\xcd"


@pytest.mark.covers("RPC-07")
def test_storage_keys_may_be_spelled_as_nodes_spell_them():
    """The documented tolerance: one integer in minimal, padded or odd spelling binds to the same slot."""
    for key in ("0x5", "0x05", "0x" + "0" * 63 + "5", "5"):
        reply = {"accountProof": ["0xc0"], "storageProof": [{"key": key, "proof": ["0xc1"]}]}
        assert parse_proof(reply, Address(bytes(20)), [slot_key(5)], "node") == (b"\xc0", b"\xc1")
    with pytest.raises(BadAnswer, match="not the 1 asked for"):
        parse_proof(reply, Address(bytes(20)), [slot_key(6)], "node")


# --- RPC-15: text from outside -------------------------------------------------------------------------------------


@pytest.mark.covers("RPC-15")
async def test_messages_from_outside_are_cleaned(chain, lying_proxy):
    """Control characters, ANSI codes, direction marks and new lines do not reach a terminal; length is bounded."""
    proxy = lying_proxy(chain.url)
    proxy.tell(lies.error(-32000, "\x1b[31mred\x1b[0m\r\nline\u202e\x00" + "x" * 100_000))
    (reply,) = await ask(proxy.url)
    assert isinstance(reply, FetchError)
    for text in (str(reply), reply.reason, repr(reply)):
        assert text.isprintable()
        assert len(text) < 400
    assert clean("plain text: ünïcode ✓") == "plain text: ünïcode ✓"
