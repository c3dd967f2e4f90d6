"""Section 15 of the adversarial catalogue: a key that is in a URL or a header comes out nowhere."""

from __future__ import annotations

import asyncio
import copy
import json
import logging
import pickle
import traceback

import pytest

from chains.driver import Desk, drive
from chains.endpoint import Endpoint, Secret
from chains.execution import BoundedRpc
from chains.foreign import ForeignProvider
from chains.observe import observe
from chains.probe import probe, shown
from chains.record import RecordingDesk
from chains.replies import Call
from chains.transport import ResponseLimits
from chains.web3_provider import BoundedProvider
from tests.chains.talk import balances, head_of, http, network_of, server
from tests.simulators import lies
from verifier.errors import BadInput
from verifier.flow import Unanswered
from verifier.primitives import Timestamp

CANARY = "canary0123456789abcdefcanary"
HEIGHT = Call("eth_blockNumber", ())
QUICK = ResponseLimits(total_seconds=1.5, grace_seconds=0.3)

PLACES = {
    "path": lambda url: Endpoint(f"{url}/v3/{CANARY}", name="node"),
    "query": lambda url: Endpoint(f"{url}/?key={CANARY}", name="node"),
    "user": lambda url: Endpoint(url.replace("://", f"://{CANARY}:x@"), name="node"),
    "password": lambda url: Endpoint(url.replace("://", f"://me:{CANARY}@"), name="node"),
    "header": lambda url: Endpoint(
        url, name="node", headers={"x-api-key": CANARY, "Authorization": f"Bearer {CANARY}"}
    ),
    "no name": lambda url: Endpoint(f"{url}/v3/{CANARY}"),
}
everywhere = pytest.mark.parametrize("make", PLACES.values(), ids=PLACES.keys())


@pytest.fixture(scope="module")
def chain(three_chains):
    """One shared chain."""
    return three_chains[0]


@pytest.fixture
def spoken(caplog, capfd):
    """Everything that was logged at any level and written to either stream, by then."""
    caplog.set_level(logging.DEBUG)
    for name in ("asyncio", "aiohttp", "aiohttp.client", "aiohttp.internal", "web3", "stamina", "urllib3"):
        caplog.set_level(logging.DEBUG, logger=name)

    def read() -> str:
        streams = capfd.readouterr()
        records = [f"{r.name} {r.getMessage()} {r.args!r} {r.__dict__!r} {r.exc_text}" for r in caplog.records]
        return "\n".join([streams.out, streams.err, caplog.text, *records])

    return read


def tell_all(error: BaseException, *, with_locals: bool = True) -> str:
    """What any handler might print of an exception: text, fields, causes, tracebacks, and the locals of its frames."""
    parts = [str(error), repr(error), repr(error.args), repr(vars(error))]
    parts += traceback.format_exception(error)
    if with_locals:
        parts += traceback.TracebackException.from_exception(error, capture_locals=True).format(chain=True)
    seen, step = set(), error
    while step is not None and id(step) not in seen:
        seen.add(id(step))
        parts += [repr(step), repr(step.args)]
        step = step.__cause__ or step.__context__
    return "\n".join(parts)


def assert_unspoken(*texts: object) -> None:
    for text in texts:
        said = str(text)
        assert CANARY not in said
        # The first half would do an attacker as well.
        assert CANARY[:14] not in said


@pytest.mark.covers("SEC-01", "SEC-02")
@everywhere
def test_an_endpoint_prints_as_its_name(make):
    """By str, repr, format, f-string, vars, dir and attributes: a name or a host, never a part of the URL."""
    endpoint = make("http://127.0.0.1:8545")
    shown_as = [str(endpoint), repr(endpoint), f"{endpoint}", f"{endpoint!r:>40}", f"{endpoint:>20}", f"{endpoint:s}"]
    assert_unspoken(*shown_as, repr([getattr(endpoint, n) for n in dir(endpoint) if n != "__class__"]))
    with pytest.raises(TypeError):
        vars(endpoint)
    assert "127.0.0.1" in str(endpoint) or str(endpoint) == "node"


@pytest.mark.covers("SEC-01")
@everywhere
@pytest.mark.parametrize("leave", [pickle.dumps, copy.deepcopy, copy.copy], ids=["pickle", "deepcopy", "copy"])
def test_an_endpoint_does_not_leave_its_process(make, leave):
    """Pickling and copying are refused, and the refusal is silent about the URL."""
    with pytest.raises(TypeError, match="does not leave its process") as caught:
        leave(make("http://127.0.0.1:8545"))
    assert_unspoken(tell_all(caught.value))


@pytest.mark.covers("SEC-01")
def test_the_box_opens_for_the_request_only():
    """The sibling: what was put in comes out of `reveal`, and of nothing else."""
    box = Secret(f"https://example.org/{CANARY}", {"x-key": CANARY})
    assert box.reveal()[0].endswith(CANARY)
    assert_unspoken(box, repr(box), [getattr(box, name) for name in dir(box)])


@pytest.mark.covers("SEC-01")
@pytest.mark.parametrize(
    "url",
    [f"http//{CANARY}", f"ftp://example.org/{CANARY}", f"https://{CANARY}:bad:port/", f"https://exa mple/{CANARY}", CANARY,
     f"http://example.org/{CANARY}", f"https://[{CANARY}/", f"https://example.org:{CANARY}/"],
)  # fmt: skip
def test_a_mistyped_url_is_not_repeated(url):
    """The error says what is wrong, not what was typed: it may be a key."""
    with pytest.raises(BadInput) as caught:
        Endpoint(url, name="node")
    # Its caller's frame holds the URL as a local: that is the program's configuration, read a moment ago.
    assert_unspoken(tell_all(caught.value, with_locals=False))


FAILURES = [
    lies.reset(),
    lies.truncated_body(),
    lies.html(),
    lies.empty_body(),
    lies.cut_json(),
    lies.redirect(f"/{CANARY}"),
    lies.unauthorized(),
    lies.server_error(500),
    lies.server_error(503),
    lies.too_many("0"),
    lies.drip(0.2),
    lies.silent(),
    lies.error(-32000, f"invalid project id {CANARY}"),
    lies.status(403, body=json.dumps({"error": {"code": 1, "message": f"key {CANARY} is blocked"}})),
    lies.string_id(),
    lies.null_result(),
]


@pytest.mark.covers("SEC-01", "SEC-02")
@everywhere
@pytest.mark.parametrize("lie", FAILURES, ids=lambda lie: lie.name)
async def test_no_failure_tells_the_key(chain, lying_proxy, spoken, make, lie):
    """Whatever goes wrong, and though the server repeats the key: not in the error, a traceback, a log, a stream."""
    proxy = lying_proxy(chain.url)
    proxy.tell(lie)
    asyncio.get_running_loop().set_debug(True)
    provider = BoundedRpc(make(proxy.url), QUICK)
    try:
        told = await provider.exchange([HEIGHT], 1.5)
        assert_unspoken(told, *(tell_all(r) for r in told if isinstance(r, BaseException)))
    except Exception as error:
        assert_unspoken(tell_all(error))
    finally:
        await provider.aclose()
    assert_unspoken(repr(provider), spoken())
    assert any(CANARY in str(vars(seen)) or "Authorization" in seen.headers for seen in proxy.seen), "it was sent"


@pytest.mark.covers("SEC-01")
@everywhere
@pytest.mark.parametrize("scheme", ["http", "https"])
async def test_no_broken_connection_tells_the_key(spoken, make, scheme):
    """A closed port, and a server that does not speak TLS."""
    async with server(http(b"{}")) as open_url:
        urls = [open_url] if scheme == "https" else []
    async with server(http(b"{}")) as live:
        for url in (*urls, *([live] if scheme == "https" else [open_url])):
            provider = BoundedRpc(make(url.replace("http://", f"{scheme}://")), QUICK)
            with pytest.raises(Exception) as caught:
                await provider.exchange([HEIGHT], 1.5)
            await provider.aclose()
            assert_unspoken(tell_all(caught.value))
    assert_unspoken(spoken())


@pytest.mark.covers("SEC-01")
@everywhere
async def test_web3_over_our_provider_tells_nothing(chain, lying_proxy, spoken, make):
    """AsyncWeb3 at DEBUG, in success and in failure."""
    from web3 import AsyncWeb3

    proxy = lying_proxy(chain.url)
    provider = BoundedProvider(make(proxy.url), QUICK)
    web3 = AsyncWeb3(provider)
    assert await web3.eth.chain_id == chain.chain_id
    proxy.tell(lies.error(-32000, f"no {CANARY}"))
    with pytest.raises(Exception) as caught:
        await web3.eth.get_block("latest")
    assert_unspoken(repr(caught.value), *traceback.format_exception(caught.value))
    proxy.clear()
    proxy.tell(lies.reset())
    with pytest.raises(Exception) as caught:
        await web3.eth.get_block("latest")
    assert_unspoken(repr(caught.value), *traceback.format_exception(caught.value))
    await provider.aclose()
    assert_unspoken(repr(web3.provider), spoken())


@pytest.mark.covers("SEC-01")
async def test_a_foreign_provider_that_tells_its_url_is_not_passed_on(spoken):
    """web3's own HTTP provider puts the URL into its errors; ours that stand for them do not."""
    from web3 import AsyncHTTPProvider

    async with server(b"") as url:
        pass
    foreign = AsyncHTTPProvider(f"{url}/{CANARY}", exception_retry_configuration=None)
    provider = ForeignProvider(foreign, "foreign")
    (reply,) = await provider.exchange([HEIGHT], 1.0)
    await foreign.disconnect()
    assert_unspoken(reply, tell_all(reply), repr(provider))


@pytest.mark.covers("SEC-01")
@everywhere
async def test_no_report_recording_probe_or_observation_holds_the_key(chain, lying_proxy, spoken, make):
    """A whole run with a liar: answers, refusals, reports, recordings, capability tables."""
    network, proxy = network_of(chain), lying_proxy(chain.url)
    proxy.tell(lies.flipped_node("account"), method="eth_getProof", nth=1)
    proxy.tell(lies.error(-32000, f"no {CANARY}"), method="web3_clientVersion")
    reads = [(address, None) for address in chain.holders.values()]
    async with Desk.to([(network, [make(proxy.url)])]) as desk:
        recorder = RecordingDesk(desk)
        result = await drive(balances(network, head_of(chain), reads), recorder)
        found = await observe(network, desk, 1, now=Timestamp(1_800_000_000))
        capability = await probe(desk.lines[network.chain_id][0])
        report = desk.report()
    refused = [value for value in result if isinstance(value, Unanswered)]
    assert refused
    assert_unspoken(recorder.lines(), found, capability, shown(capability), report, desk.lines, repr(desk))
    assert_unspoken(*(tell_all(error) for value in refused for _, error in value.refusals), *map(tell_all, refused))
    assert_unspoken(spoken())


@pytest.mark.covers("SEC-01")
@pytest.mark.parametrize("as_json", [False, True], ids=["plain", "json"])
def test_a_fault_is_told_without_its_own_words(as_json, monkeypatch, capfd):
    """An error that nobody foresaw may hold anything: its kind and place are told, and a foreseen one in its words."""
    import verifier.app.demo as module
    from verifier.app.cli import run
    from verifier.app.errors import UsageError

    def fail(error: Exception) -> tuple[int, str]:
        def run_demo(*args: object, **options: object) -> int:
            raise error

        monkeypatch.setattr(module, "run_demo", run_demo)
        code = run(["demo", *(["--json"] if as_json else [])])
        streams = capfd.readouterr()
        return code, streams.out + streams.err

    code, said = fail(ValueError(f"https://node.example/v3/{CANARY}"))
    assert code == 1
    assert "a fault of ours, ValueError at test_secrets.py:" in said
    assert ('"class": "INTERNAL"' in said) == as_json
    assert_unspoken(said)
    code, said = fail(UsageError("the words of a foreseen error"))
    assert code == 2
    assert "the words of a foreseen error" in said
    assert ('"class": "INPUT"' in said) == as_json
