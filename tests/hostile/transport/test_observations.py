"""Several nodes say one thing, or do not: operators are counted, a rival is never outvoted."""

from __future__ import annotations

import pytest

from chains.driver import Desk
from chains.errors import Equivocation, Unobserved
from chains.observe import observe
from tests.chains.talk import endpoint, network_of
from tests.simulators import lies
from verifier.primitives import Timestamp

NOW = Timestamp(1_800_000_000)


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
