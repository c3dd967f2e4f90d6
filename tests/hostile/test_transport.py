"""Section 14 of the adversarial catalogue: endpoints that break the protocol, the wire, or the count of operators."""

from __future__ import annotations

import asyncio
import gzip
import json
import socket
import time

import pytest

from chains.answers import parse_data, parse_height, parse_proof, parse_quantity
from chains.driver import Desk
from chains.endpoint import Endpoint
from chains.errors import (
    BadAnswer,
    Equivocation,
    FetchError,
    ForbiddenAddress,
    NodeError,
    Redirected,
    TimedOut,
    TooLarge,
    TooSlow,
    Unobserved,
    Unreachable,
    clean,
)
from chains.execution import BoundedProvider
from chains.observe import observe
from chains.replies import Call, parse_json, parse_replies
from chains.transport import ResponseLimits, is_forbidden
from tests.chains.talk import endpoint, http, network_of, server
from tests.simulators import lies
from verifier.errors import BadInput
from verifier.primitives import Address, Timestamp, slot_key

HEIGHT, CHAIN = Call("eth_blockNumber", ()), Call("eth_chainId", ())
QUICK = ResponseLimits(decoded_bytes=1 << 20, total_seconds=4.0, bytes_per_second=2_000, grace_seconds=0.5)
NOW = Timestamp(1_800_000_000)


@pytest.fixture(scope="module")
def chain(three_chains):
    """One shared chain."""
    return three_chains[0]


async def ask(url: str, *calls: Call, limits: ResponseLimits = QUICK):
    """One exchange over our own provider."""
    provider = BoundedProvider(endpoint(url), limits)
    try:
        return await provider.exchange(calls or (HEIGHT,), limits.total_seconds)
    finally:
        await provider.aclose()


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
    """Deep, huge or no JSON at all is refused in well under a second, by our own error."""
    started = time.monotonic()
    with pytest.raises(BadAnswer):
        parse_json(body, "node")
    assert time.monotonic() - started < 1.0


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


# --- RPC-06: size, speed, compression ------------------------------------------------------------------------------


@pytest.mark.covers("RPC-06")
@pytest.mark.parametrize(
    ("lie", "error"),
    [
        (lies.oversize(), TooLarge),
        (lies.endless(), TooLarge),
        (lies.gzip_bomb(), TooLarge),
        (lies.drip(0.2), TooSlow),
        (lies.silent(), TimedOut),
        (lies.truncated_body(), Unreachable),
        (lies.reset(), Unreachable),
    ],
    ids=lambda value: getattr(value, "name", getattr(value, "__name__", None)),
)
async def test_a_body_beyond_the_limits_is_left(chain, lying_proxy, lie, error):
    """Endless, unpacked without end, dripping, silent or broken off: each ends within the limits, by its own error."""
    proxy = lying_proxy(chain.url)
    proxy.tell(lie)
    started = time.monotonic()
    with pytest.raises(error) as caught:
        await ask(proxy.url)
    assert type(caught.value) is error
    assert time.monotonic() - started < QUICK.total_seconds + 1


@pytest.mark.covers("RPC-06")
async def test_one_layer_of_gzip_is_read(chain, lying_proxy):
    """The sibling: an honest compressed answer."""
    proxy = lying_proxy(chain.url)
    plain = await ask(proxy.url)
    proxy.tell(lies.gzipped())
    assert await ask(proxy.url) == plain


ANSWER = b'{"jsonrpc":"2.0","id":1,"result":"0x1"}'


@pytest.mark.covers("RPC-06")
@pytest.mark.parametrize(
    ("body", "header"),
    [
        (ANSWER, "Content-Encoding: br"),
        (ANSWER, "Content-Encoding: zstd"),
        (ANSWER, "Content-Encoding: deflate"),
        (gzip.compress(gzip.compress(ANSWER)), "Content-Encoding: gzip, gzip"),
        (gzip.compress(ANSWER) + gzip.compress(ANSWER), "Content-Encoding: gzip"),
        (gzip.compress(ANSWER) + b"more", "Content-Encoding: gzip"),
        (gzip.compress(ANSWER)[:-4], "Content-Encoding: gzip"),
        (ANSWER, "Content-Encoding: gzip"),
    ],
    ids=["br", "zstd", "deflate", "twice", "two members", "trailing bytes", "cut", "not gzip"],
)
async def test_other_encodings_are_refused(body, header):
    """What was not asked for, layers, second members, remainders and stumps of gzip are no answer."""
    async with server(http(body, header)) as url:
        with pytest.raises(BadAnswer):
            await ask(url)
    async with server(http(gzip.compress(ANSWER), "Content-Encoding: gzip")) as url:
        assert await ask(url) == ["0x1"]


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


# --- RPC-08, RPC-09, RPC-10: where a request goes ------------------------------------------------------------------


@pytest.mark.covers("RPC-08")
@pytest.mark.parametrize("code", [301, 302, 303, 307, 308])
async def test_redirects_are_not_followed(chain, lying_proxy, code):
    """Wherever it points, nobody is asked there."""
    proxy, elsewhere = lying_proxy(chain.url), lying_proxy(chain.url)
    proxy.tell(lies.redirect(elsewhere.url, code))
    with pytest.raises(Redirected):
        await ask(proxy.url)
    assert elsewhere.seen == []


@pytest.mark.covers("RPC-08")
@pytest.mark.parametrize(
    "url",
    [
        "file:///etc/passwd",
        "ftp://example.org",
        "gopher://example.org",
        "//example.org",
        "example.org",
        "http://",
        "http://2852039166/",
        "http://0xa9.0xfe.0xa9.0xfe/",
        "http://0251.0376.0251.0376/",
        "http://127.1/",
        "http://exa mple.org/",
        "http://example.org:99999/",
        "http://[::1",
    ],
)
def test_addresses_that_read_otherwise_than_they_resolve_are_refused(url):
    """Other schemes, decimal, octal and hex addresses, and broken URLs never become an endpoint."""
    with pytest.raises(BadInput):
        Endpoint(url)
    assert Endpoint("http://127.0.0.1:8545").host == "127.0.0.1"


@pytest.mark.covers("RPC-08")
@pytest.mark.parametrize(
    "address",
    ["169.254.169.254", "::ffff:169.254.169.254", "fe80::1", "fe80::1%eth0", "224.0.0.1", "0.0.0.0", "::", "x"],
)
def test_no_endpoint_lives_at_such_an_address(address):
    """Link-local (cloud metadata), multicast, unspecified, and mapped forms of them."""
    assert is_forbidden(address)
    assert not is_forbidden("127.0.0.1")
    assert not is_forbidden("10.0.0.1")
    assert not is_forbidden("2606:4700::1111")


@pytest.mark.covers("RPC-08")
async def test_a_name_is_judged_when_the_connection_is_made(monkeypatch):
    """A name that resolves to the metadata service at connect time is not connected to."""

    def rebound(host, port, *args, **kwargs):
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", ("169.254.169.254", port or 80))]

    monkeypatch.setattr(socket, "getaddrinfo", rebound)
    with pytest.raises(ForbiddenAddress):
        await ask("https://rpc.example.org/")


@pytest.mark.covers("RPC-08")
async def test_a_url_from_contract_data_is_not_fetched(fresh_chain, lying_proxy):
    """A contract that reverts with EIP-3668's OffchainLookup makes web3 over our provider fetch nothing."""
    from eth_abi import encode
    from web3 import AsyncWeb3
    from web3.exceptions import OffchainLookup

    chain, gateway = fresh_chain(), lying_proxy("http://127.0.0.1:1")
    target = "0x" + "00" * 20
    data = bytes.fromhex("556f1830") + encode(
        ["address", "string[]", "bytes", "bytes4", "bytes"],
        [target, [gateway.url + "/{sender}/{data}"], b"", b"\0" * 4, b""],
    )
    # Fourteen bytes copy what follows them to memory, and revert (fd) or return (f3) with it.
    code = bytes.fromhex(f"61{len(data):04x}600e60003961{len(data):04x}6000fd") + data
    init = bytes.fromhex(f"61{len(code):04x}600e60003961{len(code):04x}6000f3") + code
    address = chain.node.deploy("0x" + init.hex())
    provider = BoundedProvider(endpoint(chain.url))
    try:
        with pytest.raises(OffchainLookup):
            await AsyncWeb3(provider).eth.call({"to": AsyncWeb3.to_checksum_address(address), "data": "0x"})
    finally:
        await provider.aclose()
    assert gateway.seen == []


@pytest.mark.covers("RPC-09")
async def test_the_environment_sends_nothing_elsewhere(chain, lying_proxy, monkeypatch, tmp_path):
    """Proxy variables and .netrc are not read."""
    spy = lying_proxy(chain.url)
    for name in ("HTTP_PROXY", "http_proxy", "HTTPS_PROXY", "ALL_PROXY"):
        monkeypatch.setenv(name, spy.url)
    netrc = tmp_path / "netrc"
    netrc.write_text("machine 127.0.0.1 login me password secret-of-netrc\n")
    monkeypatch.setenv("NETRC", str(netrc))
    honest = lying_proxy(chain.url)
    assert isinstance((await ask(honest.url))[0], str)
    assert spy.seen == []
    assert "Authorization" not in honest.seen[0].headers


@pytest.mark.covers("RPC-09")
async def test_cookies_are_not_kept(chain):
    """What a server sets is not sent back."""
    seen = []

    def answer(_):
        seen.append(1)
        return http(json.dumps({"jsonrpc": "2.0", "id": len(seen), "result": "0x1"}).encode(), "Set-Cookie: a=b")

    async with server(answer) as url:
        provider = BoundedProvider(endpoint(url))
        await provider.exchange([HEIGHT], 5)
        assert provider._http._session is not None
        assert len(list(provider._http._session.cookie_jar)) == 0
        await provider.aclose()


@pytest.mark.covers("RPC-10")
@pytest.mark.parametrize(
    ("url", "headers"),
    [
        ("http://rpc.example.org/v3/0123456789abcdef0123456789abcdef", {}),
        ("http://rpc.example.org/?key=1", {}),
        ("http://user:pass@rpc.example.org/", {}),
        ("http://rpc.example.org/", {"x-api-key": "1"}),
    ],
)
def test_a_key_is_not_sent_in_the_clear(url, headers):
    """http:// to another machine with something that looks like a key is refused; https:// or a near machine is not."""
    with pytest.raises(BadInput, match="https:// where a key is part of it"):
        Endpoint(url, headers=headers)
    assert Endpoint(url.replace("http:", "https:"), headers=headers).host == "rpc.example.org"
    assert Endpoint(url.replace("rpc.example.org", "127.0.0.1"), headers=headers)


# --- RPC-11, RPC-12: observations ----------------------------------------------------------------------------------


async def observed(network, places, k=2, depth=1):
    async with Desk.to([(network, places)]) as desk:
        return await observe(network, desk, k, now=NOW, depth=depth)


@pytest.fixture
def twins(chain, lying_proxy):
    """The same chain behind two doors, on different host names."""
    one, two = lying_proxy(chain.url), lying_proxy(chain.url)
    return one, two, chain


def place(url, host, name, operator=None):
    return endpoint(url.replace("127.0.0.1", host), name=name, operator=operator)


@pytest.mark.covers("RPC-11")
async def test_two_operators_make_a_quorum(twins, second_host):
    """Different hosts, different operators, one hash: an observation of two."""
    one, two, chain = twins
    found = await observed(network_of(chain), [place(one.url, "127.0.0.1", "a"), place(two.url, second_host, "b")])
    assert (len(found.operators), found.anchor.value, found.at) == (2, "quorum", NOW)
    assert "0x" + found.hash.hex() == chain.node.block(found.number)["hash"]


@pytest.mark.covers("RPC-11")
@pytest.mark.parametrize(
    ("hosts", "operators"),
    [
        (("127.0.0.1", "127.0.0.1"), (None, None)),
        (("127.0.0.1", "127.0.0.1"), ("x", "y")),
        (("127.0.0.1", "localhost"), ("x", "y")),
        (("127.0.0.1", "second-host.test"), ("x", "x")),
        (("127.0.0.1", "second-host.test"), ("x", "X")),
    ],
    ids=[
        "one host",
        "one host under two operators' names",
        "one machine in two spellings",
        "one operator",
        "one operator in another case",
    ],
)
@pytest.mark.usefixtures("second_host")
async def test_a_quorum_of_one_is_none(twins, hosts, operators):
    """Endpoints that share a host or an operator count once."""
    one, two, chain = twins
    places = [place(p.url, h, f"n{i}", o) for i, (p, h, o) in enumerate(zip((one, two), hosts, operators, strict=True))]
    with pytest.raises(Unobserved) as caught:
        await observed(network_of(chain), places)
    assert (caught.value.wanted, caught.value.got) == (2, 1)


@pytest.mark.covers("RPC-12")
async def test_equivocation_is_told_and_nothing_is_chosen(fresh_chain, lying_proxy, second_host):
    """Two hashes for one height: both are named, neither is used."""
    chain = fresh_chain()
    other = fresh_chain()
    other.node.mine(chain.node.height - other.node.height + 3, timestamp=2_000_000_000)
    chain.node.mine(3)
    one, two = lying_proxy(chain.url), lying_proxy(other.url)
    places = [place(one.url, "127.0.0.1", "a"), place(two.url, second_host, "b")]
    with pytest.raises(Equivocation) as caught:
        await observed(network_of(chain), places)
    assert len(caught.value.named) == 2


@pytest.mark.covers("RPC-12")
async def test_a_majority_does_not_outvote_a_rival(fresh_chain, lying_proxy, second_host):
    """Two operators against one: still nothing is chosen."""
    chain, other = fresh_chain(), fresh_chain()
    chain.node.mine(3)
    other.node.mine(3, timestamp=2_000_000_000)
    proxies = [lying_proxy(chain.url), lying_proxy(other.url)]
    places = [place(proxies[0].url, "127.0.0.1", "a"), place(proxies[1].url, second_host, "b")]
    async with Desk.to([(network_of(chain), places)]) as desk:
        with pytest.raises(Equivocation):
            await observe(network_of(chain), desk, 1, now=NOW, depth=0)


@pytest.mark.covers("RPC-12")
async def test_a_header_with_a_stated_hash_of_another_is_not_believed(twins, second_host):
    """The hash is computed from what came: a reply that states another header's hash names its own."""
    one, two, chain = twins
    two.tell(lies.field("stateRoot", "0x" + "22" * 32), method="eth_getBlockByNumber")
    with pytest.raises(Equivocation):
        await observed(network_of(chain), [place(one.url, "127.0.0.1", "a"), place(two.url, second_host, "b")])


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


async def test_nothing_is_left_running():
    """Each exchange closed what it opened."""
    await asyncio.sleep(0)
    assert [t for t in asyncio.all_tasks() if t is not asyncio.current_task()] == []
