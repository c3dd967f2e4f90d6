"""Which endpoints count as one: spellings of one host, and of this machine."""

from __future__ import annotations

import pytest

from chains.endpoint import Endpoint, by_operator, one_host

HERE = ("localhost", "127.0.0.1", "127.8.9.1", "[::1]", "[0:0:0:0:0:0:0:1]", "[::ffff:127.0.0.1]", "node.localhost", "LOCALHOST")  # fmt: skip


@pytest.mark.covers("RPC-11")
@pytest.mark.parametrize("host", HERE[1:])
def test_this_machine_counts_once_in_whatever_spelling(host: str) -> None:
    """Two names of the loopback are one host, so they make no quorum; an operator named apart does not help."""
    pair = [Endpoint("http://localhost:8545", operator="one"), Endpoint(f"http://{host}:8546", operator="two")]
    assert len(by_operator(pair)) == 1
    assert len(by_operator([pair[0], Endpoint("http://10.0.0.7:8545", operator="two")])) == 2


@pytest.mark.parametrize(
    ("one", "two", "same"),
    [
        ("rpc.example.org", "RPC.example.org.", True),
        ("rpc.example.org", "rpc2.example.org", False),
        ("2001:db8::1", "2001:0db8:0:0::1", True),
        ("::ffff:10.0.0.7", "10.0.0.7", True),
        ("10.0.0.7", "10.0.0.8", False),
    ],
)
def test_a_host_has_one_spelling(one: str, two: str, same: bool) -> None:
    """Case, a dot at the end, and the forms of an address do not make a second host."""
    assert (one_host(one) == one_host(two)) is same
