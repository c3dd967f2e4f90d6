"""The proxy is honest until it is told to lie, and then lies exactly so."""

from __future__ import annotations

import gzip
import http.client
import json
import time

import pytest

from tests.nodes.contracts import ALICE, ERIN
from tests.nodes.process import RpcError, post
from tests.simulators import lies
from tests.simulators.lies.answers import flip

ACCOUNT = "eth_getProof"


@pytest.fixture
def chain(three_chains):
    """One chain to ask."""
    return three_chains[0]


@pytest.fixture
def proxy(chain, lying_proxy):
    """A proxy before that chain."""
    return lying_proxy(chain.url)


@pytest.fixture
def question(chain):
    """A question about a token's account and two words, at one block."""
    token = chain.tokens["OZD"]
    keys = [token.storage_key(ALICE), token.storage_key(ERIN)]
    height = hex(chain.node.height)
    return {"jsonrpc": "2.0", "id": 1, "method": ACCOUNT, "params": [token.address, keys, height]}


@pytest.fixture
def truth(chain, question):
    """The node's own answer."""
    return chain.node.rpc(ACCOUNT, *question["params"])


def ask(proxy, method, *params):
    """One call through the proxy."""
    answer = post(proxy.url, {"jsonrpc": "2.0", "id": 1, "method": method, "params": list(params)})
    if "error" in answer:
        raise RpcError(answer["error"]["code"], answer["error"]["message"])
    return answer["result"]


def raw(proxy, question, path="/", timeout=30.0):
    """One request through the proxy: status, headers, body."""
    connection = http.client.HTTPConnection("127.0.0.1", int(proxy.url.rpartition(":")[2]), timeout=timeout)
    try:
        connection.request("POST", path, json.dumps(question))
        response = connection.getresponse()
        return response.status, dict(response.headers), response.read()
    finally:
        connection.close()


def test_without_a_lie_the_answer_is_the_nodes(proxy, question, truth):
    """An untold proxy passes answers on, and counts."""
    assert post(proxy.url, question)["result"] == truth
    assert proxy.count(ACCOUNT) == proxy.count() == len(proxy.seen) == 1


@pytest.mark.parametrize("path", ["balance", "nonce", "codeHash", "storageHash"])
def test_one_field_is_off(proxy, question, truth, path):
    """Each wrong field differs, and nothing else does."""
    lie = {
        "balance": lies.wrong_balance(),
        "nonce": lies.wrong_nonce(),
        "codeHash": lies.wrong_code_hash(),
        "storageHash": lies.wrong_storage_hash(),
    }[path]
    proxy.tell(lie, ACCOUNT)
    said = post(proxy.url, question)["result"]
    assert said[path] != truth[path]
    assert {**said, path: truth[path]} == truth


ENTRY_LIES = [
    (lies.wrong_value(), lambda said, was: int(said["value"], 16) == int(was["value"], 16) + 1),
    (lies.wrong_key("0x" + "11" * 32), lambda said, was: said["key"] == "0x" + "11" * 32),
    (lies.minimal_key(), lambda said, was: int(said["key"], 16) == int(was["key"], 16)),
    (lies.flipped_node("storage"), lambda said, was: said["proof"][:-1] == was["proof"][:-1] != said["proof"]),
    (lies.no_nodes("storage"), lambda said, was: said["proof"] == []),
]


@pytest.mark.parametrize(("lie", "holds"), ENTRY_LIES, ids=[lie.name for lie, _ in ENTRY_LIES])
def test_one_storage_entry_is_off(proxy, question, truth, lie, holds):
    """The first entry is changed as told, the second is not."""
    proxy.tell(lie, ACCOUNT)
    said = post(proxy.url, question)["result"]["storageProof"]
    assert holds(said[0], truth["storageProof"][0])
    assert said[1] == truth["storageProof"][1]


NODE_LIES = [
    (lies.dropped_node(), lambda was: was[:-1]),
    (lies.truncated_node(), lambda was: [*was[:-1], was[-1][:-2]]),
    (lies.repeated_node(), lambda was: [*was, was[-1]]),
    (lies.reordered_nodes(), lambda was: was[::-1]),
    (lies.surplus_node(data="0xc22080"), lambda was: [*was, "0xc22080"]),
    (lies.no_nodes(), lambda _: []),
    (lies.flipped_node(node=0, byte=3, bit=0), lambda was: [flip(was[0], 3, 0), *was[1:]]),
]


@pytest.mark.parametrize(("lie", "expected"), NODE_LIES, ids=[lie.name for lie, _ in NODE_LIES])
def test_account_nodes_are_changed(proxy, question, truth, lie, expected):
    """The list of account nodes is changed as told."""
    proxy.tell(lie, ACCOUNT)
    assert post(proxy.url, question)["result"]["accountProof"] == expected(truth["accountProof"])


def test_slots_are_swapped_or_missing(proxy, question, truth):
    """Entries come in another order, one fewer, or not at all."""
    was = truth["storageProof"]
    for lie, expected in ((lies.swapped_slots(), was[::-1]), (lies.missing_slot(), was[:1]), (lies.no_slots(), [])):
        proxy.clear()
        proxy.tell(lie, ACCOUNT)
        assert post(proxy.url, question)["result"]["storageProof"] == expected


def test_an_account_is_told_to_be_absent(proxy, question):
    """The existing account comes with empty hashes."""
    proxy.tell(lies.absent_account(), ACCOUNT)
    said = post(proxy.url, question)["result"]
    assert {said["codeHash"], said["storageHash"]} == {"0x" + "00" * 32}
    assert said["storageProof"][0]["value"] == "0x0"


def test_another_account_is_passed_off(proxy, chain):
    """The nodes are Erin's, the address says Alice."""
    height = hex(chain.node.height)
    proxy.tell(lies.other_account(ERIN), ACCOUNT)
    said, erin = ask(proxy, ACCOUNT, ALICE, [], height), chain.node.rpc(ACCOUNT, ERIN, [], height)
    assert said["address"].lower() == ALICE
    assert said["accountProof"] == erin["accountProof"]


def test_other_keys_are_passed_off(proxy, question, truth):
    """The values belong to the other key, the keys are those that were asked for."""
    keys = question["params"][1]
    proxy.tell(lies.other_keys(keys[::-1]), ACCOUNT)
    said = post(proxy.url, question)["result"]["storageProof"]
    assert [entry["key"] for entry in said] == [entry["key"] for entry in truth["storageProof"]]
    assert said[0]["proof"] == truth["storageProof"][1]["proof"]


def test_another_block_is_passed_off(proxy, chain):
    """The header is an older block's."""
    proxy.tell(lies.other_block("0x3"), "eth_getBlockByNumber")
    assert ask(proxy, "eth_getBlockByNumber", "latest", False)["hash"] == chain.node.block(3)["hash"]


def test_the_head_is_stale(proxy):
    """Height and tags all tell the old block."""
    proxy.tell(lies.stale_head(5))
    assert ask(proxy, "eth_blockNumber") == "0x5" == ask(proxy, "eth_getBlockByNumber", "finalized", False)["number"]


def test_header_fields_are_changed_or_missing(proxy):
    """A header field has another value or is not there."""
    proxy.tell(lies.field("stateRoot", "0x" + "22" * 32), "eth_getBlockByNumber", nth=1)
    proxy.tell(lies.without("hash"), "eth_getBlockByNumber", nth=2)
    assert ask(proxy, "eth_getBlockByNumber", "latest", False)["stateRoot"] == "0x" + "22" * 32
    assert "hash" not in ask(proxy, "eth_getBlockByNumber", "latest", False)


def test_the_chain_id_is_another(proxy):
    """Both ways of asking tell the other chain; the rest is honest."""
    proxy.tell(lies.wrong_chain_id(1))
    assert (ask(proxy, "eth_chainId"), ask(proxy, "net_version")) == ("0x1", "1")
    assert ask(proxy, "eth_gasPrice")


ENVELOPES = [
    (lies.no_id(), lambda said: "id" not in said),
    (lies.null_id(), lambda said: said["id"] is None),
    (lies.string_id(), lambda said: said["id"] == "1"),
    (lies.other_id(), lambda said: said["id"] == 1_000_004),
    (lies.null_result(), lambda said: said["result"] is None),
    (lies.no_result(), lambda said: "result" not in said),
    (lies.result_is([1]), lambda said: said["result"] == [1]),
    (lies.error(-32005, "slow down"), lambda said: said["error"]["code"] == -32005 and "result" not in said),
    (lies.error_and_result(), lambda said: "error" in said and "result" in said),
    (lies.other_version(), lambda said: said["jsonrpc"] == "1.0"),
    (lies.as_batch(), lambda said: isinstance(said, list) and len(said) == 1),
]


@pytest.mark.parametrize(("lie", "holds"), ENVELOPES, ids=[lie.name for lie, _ in ENVELOPES])
def test_the_envelope_is_off(proxy, question, lie, holds):
    """The envelope of the answer is changed as told."""
    proxy.tell(lie)
    assert holds(post(proxy.url, question))


BATCHES = [
    (lies.batch_reordered(), lambda said: [entry["id"] for entry in said] == [3, 2, 1]),
    (lies.batch_short(), lambda said: [entry["id"] for entry in said] == [1, 2]),
    (lies.batch_long(), lambda said: len(said) == 4 and said[-1]["id"] == 987_654_321),
    (lies.batch_repeated(), lambda said: [entry["id"] for entry in said] == [1, 2, 3, 1]),
    (
        lies.batch_ids_swapped(),
        lambda said: [entry["id"] for entry in said] == [3, 2, 1] and said[0]["result"] == "0x7a69",
    ),
    (lies.batch_as_object(), lambda said: said["id"] == 1),
    (lies.batch_refused(), lambda said: said["error"]["code"] == -32600),
]


@pytest.mark.parametrize(("lie", "holds"), BATCHES, ids=[lie.name for lie, _ in BATCHES])
def test_a_batch_is_off(proxy, lie, holds):
    """A batch of three is answered as told."""
    calls = [
        {"jsonrpc": "2.0", "id": n, "method": method, "params": []}
        for n, method in ((1, "eth_chainId"), (2, "eth_blockNumber"), (3, "eth_gasPrice"))
    ]
    assert [entry["id"] for entry in post(proxy.url, calls)] == [1, 2, 3]
    proxy.tell(lie)
    assert holds(post(proxy.url, calls))


def test_one_call_of_a_batch_is_off(proxy):
    """A lie for one method leaves its neighbours in the batch alone; the nth call is counted across requests."""
    rule = proxy.tell(lies.result_is("0xbad"), "eth_chainId", nth=range(2, 4))
    calls = [{"jsonrpc": "2.0", "id": n, "method": "eth_chainId", "params": []} for n in (1, 2)]
    assert [entry["result"] for entry in post(proxy.url, calls)] == ["0x7a69", "0xbad"]
    assert [entry["result"] for entry in post(proxy.url, calls)] == ["0xbad", "0x7a69"]
    assert rule.told == 2


TEXTS = [
    (lies.duplicate_keys(), lambda body: body.count(b'"result":') == 2),
    (lies.deep_nesting(1000), lambda body: b"[" * 1000 in body),
    (lies.huge_number(5000), lambda body: b"9" * 5000 in body),
    (lies.not_a_number(), lambda body: b"NaN" in body),
    (lies.oversize(2**20), lambda body: len(body) > 2**20),
    (lies.cut_json(), lambda body: body.startswith(b"{") and not body.endswith(b"}")),
    (lies.trailing_text(), lambda body: body.count(b'"jsonrpc"') == 2),
    (lies.not_utf8(), lambda body: b"\xff\xfe" in body),
    (lies.empty_body(), lambda body: body == b""),
]


@pytest.mark.parametrize(("lie", "holds"), TEXTS, ids=[lie.name for lie, _ in TEXTS])
def test_the_text_is_off(proxy, question, lie, holds):
    """The bytes of the body are as told, with status 200."""
    proxy.tell(lie)
    status, _, body = raw(proxy, question)
    assert status == 200
    assert holds(body)


STATUSES = [
    (lies.unauthorized(), 401, None),
    (lies.payment_required(), 402, None),
    (lies.forbidden(), 403, None),
    (lies.too_large(), 413, None),
    (lies.too_many(), 429, None),
    (lies.too_many("7"), 429, "7"),
    (lies.too_many("Wed, 21 Oct 2065 07:28:00 GMT"), 429, "Wed, 21 Oct 2065 07:28:00 GMT"),
    (lies.server_error(503), 503, None),
]


@pytest.mark.parametrize(("lie", "code", "retry"), STATUSES, ids=[f"{code}-{retry}" for _, code, retry in STATUSES])
def test_the_status_is_as_told(proxy, question, lie, code, retry):
    """Status and Retry-After arrive; the node was not asked."""
    proxy.tell(lie)
    status, headers, _ = raw(proxy, question)
    assert (status, headers.get("Retry-After")) == (code, retry)


def test_a_page_comes_instead(proxy, question):
    """A page of HTML arrives with status 200."""
    proxy.tell(lies.html())
    status, headers, body = raw(proxy, question)
    assert status == 200
    assert headers["Content-Type"].startswith("text/html")
    assert body.startswith(b"<!doctype")


def test_a_redirect_points_elsewhere(proxy, question):
    """A redirect arrives, and whoever follows it is seen."""
    proxy.tell(lies.redirect("/elsewhere", 308), nth=1)
    status, headers, _ = raw(proxy, question)
    assert (status, headers["Location"]) == (308, "/elsewhere")
    raw(proxy, question, path=headers["Location"])
    assert [seen.path for seen in proxy.seen] == ["/", "/elsewhere"]


def test_an_answer_is_late(proxy, question, truth):
    """The honest answer comes after the time told."""
    proxy.tell(lies.late(0.3))
    start = time.monotonic()
    assert post(proxy.url, question)["result"] == truth
    assert time.monotonic() - start >= 0.3


def test_no_answer_comes(proxy, question):
    """Nothing comes while the connection stays open."""
    proxy.tell(lies.silent())
    with pytest.raises(TimeoutError):
        raw(proxy, question, timeout=0.3)


@pytest.mark.parametrize("lie", [lies.drip(every=0.05), lies.endless()], ids=["drip", "endless"])
def test_a_body_never_ends(proxy, question, lie):
    """Byte after byte comes, each in time, and no end."""
    proxy.tell(lie)
    connection = http.client.HTTPConnection("127.0.0.1", int(proxy.url.rpartition(":")[2]), timeout=30)
    connection.request("POST", "/", json.dumps(question))
    response = connection.getresponse()
    assert response.read(40).endswith(b"000000")
    response.close()
    connection.close()


def test_a_bomb_is_small_until_unpacked(proxy, question):
    """A few kilobytes unpack to megabytes."""
    proxy.tell(lies.gzip_bomb(4))
    _, headers, body = raw(proxy, question)
    assert headers["Content-Encoding"] == "gzip"
    assert len(body) < 2**14 < 2**22 < len(gzip.decompress(body))


def test_an_honest_answer_may_be_compressed(proxy, question, truth):
    """Unpacked, the answer is the node's."""
    proxy.tell(lies.gzipped())
    assert json.loads(gzip.decompress(raw(proxy, question)[2]))["result"] == truth


def test_a_body_breaks_off(proxy, question):
    """The connection ends before the promised length."""
    proxy.tell(lies.truncated_body())
    with pytest.raises(http.client.IncompleteRead):
        raw(proxy, question)


def test_a_connection_is_reset(proxy, question):
    """A reset arrives instead of an answer."""
    proxy.tell(lies.reset())
    with pytest.raises(ConnectionResetError):
        raw(proxy, question)


def test_before_a_dead_node_stands_a_bad_gateway(anvil, lying_proxy, question):
    """When the node is gone the proxy says 502, as a load balancer would."""
    proxy = lying_proxy(anvil.url)
    anvil.stop()
    assert raw(proxy, question)[0] == 502


def test_a_stopped_proxy_is_gone(proxy, question):
    """After stop nobody listens."""
    proxy.stop()
    with pytest.raises(ConnectionRefusedError):
        raw(proxy, question)


async def test_it_serves_asynchronous_clients(proxy, question, truth):
    """A client in another event loop gets the same answers."""
    import aiohttp

    async with aiohttp.ClientSession() as session, session.post(proxy.url, json=question) as response:
        assert (await response.json())["result"] == truth
