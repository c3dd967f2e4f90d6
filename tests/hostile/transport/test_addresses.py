"""Where a request goes: redirects, addresses inside, names that change, proxies of the environment, cookies, keys."""

from __future__ import annotations

import json
import socket

import pytest

from chains.endpoint import Endpoint
from chains.errors import ForbiddenAddress, Redirected
from chains.execution import BoundedRpc
from chains.transport import is_forbidden
from chains.web3_provider import BoundedProvider
from tests.chains.talk import endpoint, http, server
from tests.hostile.transport.asking import HEIGHT, ask
from tests.simulators import lies
from verifier.errors import BadInput


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
        provider = BoundedRpc(endpoint(url))
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
